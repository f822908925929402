"""Digits and characters drawn with a pen: each specimen another, digits legible, and no digit among the others."""

import numpy as np
import pytest
from HersheyFonts import HersheyFonts

from model.components import find_components
from model.framing import frame_digit
from tests.reading import read
from tests.samples import IMAGES, LABELS
from training.pictures.characters import LOOK_ALIKES, alphabet, write_branched, write_invented, write_letter
from training.pictures.handwriting import FORMS, write_digit
from training.pictures.pen import arc, curve, draw, join, line, write
from training.pictures.specimens import coarsen, draw_branched, draw_characters, draw_forms, draw_rewritten, rewrite


def random(seed=0):
    return np.random.default_rng(seed)


def columns_of(ink):
    return np.flatnonzero(ink.max(axis=0) > 0.5)


@pytest.mark.parametrize("digit", range(10))
def test_every_form_of_a_digit_is_drawn_whole(digit):
    """Ink from 0 to 1 that touches no border, whichever form and hand."""
    for _, form in FORMS[digit]:
        for seed in range(3):
            ink = write(form(random(seed)), random(seed))
            assert (ink.dtype, ink.min(), ink.max()) == (np.float32, 0, 1)
            assert not np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]]).any()


def test_forms_are_read_by_what_serves():
    """The network that is served knows MNIST's forms; most of these it must read, or they were no digits."""
    drawn = draw_forms(120, random(1))
    assert (read(drawn.frames) == np.array(drawn.kinds, int)).mean() >= 0.8


def test_specimens_differ_and_the_seed_decides():
    """No two alike, and the same again from the same seed."""
    first, second = write_digit(7, random(1)), write_digit(7, random(2))
    assert first.shape != second.shape or not np.array_equal(first, second)
    assert np.array_equal(first, write_digit(7, random(1)))


def test_a_stroke_goes_through_its_points():
    """Curves meet the points they are given, arcs start and end at their angles, clockwise from the right."""
    assert np.allclose(curve((0, 0), (1, 2), (3, 1))[[0, 14, -1]], [(0, 0), (1, 2), (3, 1)])
    assert np.allclose(arc(1, 1, 2, 1, 0, 90)[[0, -1]], [(3, 1), (1, 2)])
    assert np.allclose(join(line((0, 0)), line((1, 1))), [(0, 0), (1, 1)])


def test_a_pen_draws_where_the_strokes_are():
    """A vertical line is taller than wide, and in the middle of its picture."""
    ink = draw([np.stack([np.zeros(50), np.linspace(0, 1, 50)], axis=1)], random())
    rows = np.flatnonzero(ink.max(axis=1) > 0.5)
    assert np.ptp(rows) > 3 * np.ptp(columns_of(ink))
    assert abs(columns_of(ink).mean() - (ink.shape[1] - 1) / 2) <= 1


@pytest.mark.parametrize("font", LOOK_ALIKES)
def test_no_digit_is_among_the_letters(font):
    """Nor most of the signs that a person may take for one."""
    hershey = HersheyFonts()
    hershey.load_default_font(font)
    kept = [np.concatenate(strokes) for strokes in alphabet(font)]
    assert 15 <= len(kept) <= len(hershey.all_glyphs) - 30
    for digit in "0123456789":
        points = np.concatenate([np.array(stroke, float) for stroke in hershey.all_glyphs[digit].strokes])
        points = (points - points.min(axis=0)) / np.ptp(points, axis=0).max()
        assert not any(np.array_equal(points, other) for other in kept)


def test_characters_are_framed_as_digits_are():
    """Of both kinds, 28 by 28, something in each."""
    drawn = draw_characters(40, random(3))
    assert drawn.frames.shape == (40, 28, 28)
    assert set(drawn.kinds) == {"handwritten letter", "invented character"}
    assert (drawn.frames.max(axis=(1, 2)) >= 100).all()


def test_branched_characters_are_of_one_piece():
    """What branches off a stem touches it, but for a slip of the hand."""
    drawn = draw_branched(20, random(3))
    assert drawn.frames.shape == (20, 28, 28)
    pieces = [len(find_components(write_branched(random(seed)) > 0.5).area) for seed in range(30)]
    assert pieces.count(1) >= 25


@pytest.mark.parametrize("write_one", [write_letter, write_invented, write_branched])
def test_no_two_characters_are_alike(write_one):
    """They come from a random hand."""
    generator = random(5)
    assert len({write_one(generator).tobytes() for _ in range(10)}) == 10


def test_a_rewritten_digit_is_the_same_digit():
    """Another pen and slant, the same form: most are read as before."""
    drawn = draw_rewritten(150, random(2), IMAGES, LABELS)
    assert (read(drawn.frames) == np.array(drawn.kinds, int)).mean() >= 0.75


def test_rewriting_changes_the_pen():
    """Thinner and thicker lines come out of one digit."""
    inked = [rewrite(IMAGES[0], random(seed)).mean() for seed in range(20)]
    assert max(inked) > 1.3 * min(inked)


def test_a_coarse_picture_has_few_pixels():
    """Enlarged again, from 8 to 16 rows and a border of no more than two."""
    for seed in range(10):
        picture = coarsen(rewrite(IMAGES[1], random(seed)), random(seed))
        assert picture.dtype == np.uint8
        assert 8 * 3 <= picture.shape[0] <= 20 * 8
        assert frame_digit(picture).image.shape == (28, 28)
