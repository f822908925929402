"""Printed digits look like what arrives: any size and light, framed, and still legible."""

import numpy as np
import pytest
from PIL import Image
from rich.progress import Progress

from model.framing import frame_digit
from tests.typefaces import ALL, SANS, SCRIPT
from training.pictures import generation
from training.pictures.degradation import degrade
from training.pictures.fonts import DIGITS, NOWHERE
from training.pictures.glyphs import EM, LARGEST, SMALLEST, jitter, printed_digits, render

QUIET = Progress(disable=True)
FILE = SANS.styles[0]


def printed(count, seed=1, faces=ALL, workers=1):
    return printed_digits(faces, count, seed, QUIET, workers=workers)


@pytest.fixture(scope="module")
def many():
    return printed(300)


def test_a_glyph_is_cut_to_its_ink():
    """So that its size is the digit's, not the font's."""
    glyph = render(FILE, "7")
    assert glyph.getbbox() == (0, 0, *glyph.size)
    assert EM / 2 < glyph.height < EM
    assert abs(render(FILE, "7", 2 * EM).height - 2 * glyph.height) <= 2


def test_a_blank_is_none():
    """There is nothing to cut to."""
    assert render(FILE, " ") is None
    assert render(FILE, NOWHERE) is not None


def test_jitter_keeps_the_digit_whole():
    """Between the smallest and the largest height, and never cut at a side."""
    rng = np.random.default_rng(0)
    heights = []
    for _ in range(100):
        mask = jitter(render(FILE, "8"), rng)
        assert mask.dtype == np.float32
        assert 0 <= mask.min() < mask.max() <= 1
        assert not np.pad(mask[1:-1, 1:-1], 1).sum() < mask.sum()
        heights.append(np.ptp(np.flatnonzero(mask.any(axis=1))) + 1)
    assert SMALLEST * 0.7 <= min(heights) < 15
    assert 60 < max(heights) <= LARGEST


def test_pictures_come_in_every_light():
    """Dark on light and light on dark, faint and strong, flat and uneven, sharp and enlarged."""
    rng = np.random.default_rng(0)
    mask = np.zeros((40, 30), np.float32)
    mask[8:32, 12:18] = 1
    pictures = [degrade(mask, rng) for _ in range(300)]
    assert {picture.dtype for picture in pictures} == {np.dtype(np.uint8)}
    assert {len(picture) // 40 for picture in pictures} >= {1, 2, 4, 6}
    same_size = [picture for picture in pictures if picture.shape == mask.shape]
    contrast = np.array([picture[12:28, 13:17].mean() - picture[:, :6].mean() for picture in same_size])
    assert 0.6 < (contrast < 0).mean() < 0.95
    assert np.abs(contrast).min() < 40
    assert np.abs(contrast).max() > 240
    corners = np.array([float(picture[2:5, 2:5].mean()) - picture[-5:-2, -5:-2].mean() for picture in same_size])
    assert np.abs(corners).max() > 40
    assert (np.abs(corners) < 2).mean() > 0.2


def test_frames_and_labels_belong_together(many):
    """Every digit about as often, in frames that MNIST could have made."""
    assert many.frames.shape == (300, 28, 28)
    assert many.frames.dtype == np.uint8
    assert many.labels.dtype == np.int64
    assert np.bincount(many.labels, minlength=10).min() > 10
    assert (many.frames.max(axis=(1, 2)) >= 200).mean() > 0.98
    rows = (many.frames > 0).any(axis=2).sum(axis=1)
    columns = (many.frames > 0).any(axis=1).sum(axis=1)
    assert (np.abs(np.maximum(rows, columns) - 20) <= 2).mean() > 0.95


def test_digits_stay_legible(many):
    """Of ten clean digits, in four styles, the most similar one is the right one, mostly."""
    styles = [style for face in ALL if face.has_digits for style in face.styles]
    clean = [_framed(render(style, digit)) for style in styles for digit in DIGITS]
    found = (_normed(many.frames) @ _normed(np.stack(clean)).T).argmax(axis=1) % 10
    assert (found == many.labels).mean() > 0.88


def _framed(glyph):
    return frame_digit(255 - np.pad(np.asarray(glyph), 20)).image


def _normed(frames):
    small = np.stack([np.asarray(Image.fromarray(frame).reduce(2), float).ravel() for frame in frames])
    small -= small.mean(axis=1, keepdims=True)
    return small / np.linalg.norm(small, axis=1, keepdims=True)


def test_what_framing_refuses_is_counted(many):
    """A few are faint or look like several; most are not refused."""
    assert set(many.refused) <= set(DIGITS)
    assert sum(many.refused.values()) < 30


def test_other_scripts_have_no_part_in_it():
    """Their fonts may lack digits."""
    only_sans = printed(30, faces=[SANS])
    assert np.array_equal(printed(30, faces=[SANS, SCRIPT]).frames, only_sans.frames)


def test_the_number_of_workers_changes_nothing(monkeypatch):
    """Each chunk has random numbers of its own."""
    monkeypatch.setattr(generation, "CHUNK", 10)
    alone, together = printed(25, workers=1), printed(25, workers=2)
    assert np.array_equal(alone.frames, together.frames)
    assert np.array_equal(alone.labels, together.labels)
    assert alone.refused == together.refused


def test_the_seed_changes_everything():
    """And the same seed nothing."""
    first, again, other = printed(20, seed=1), printed(20, seed=1), printed(20, seed=2)
    assert np.array_equal(first.frames, again.frames)
    assert not np.array_equal(first.frames, other.frames)
