"""Plain pictures go a short way through framing: it ends where the long way does."""

from dataclasses import replace

import numpy as np

from model import digit as digits
from model import framing
from model.framing import Framed, frame_digit, frame_digits
from model.ink import Ink, find_ink, flattened
from model.working import LARGEST
from tests.papers import marked_paper
from tests.samples import IMAGES, photo, written

SCANS = 1500
PAPERS = 200
"""Pictures in all kinds of light, with a digit; few of them are plain."""


def scans():
    """Digits of all sizes in ink of all strengths on plain paper of all colours, uint8 [H, W]."""
    for seed in range(SCANS):
        random = np.random.default_rng([seed, 7])
        paper, ink = random.uniform(0, 255, 2)
        if abs(paper - ink) > 25:
            side, margin = int(random.integers(24, 130)), int(random.integers(0, 30))
            noise = random.choice([0, 0.5, 1, 2, 4])
            yield photo(written(IMAGES[seed % len(IMAGES)], side, margin, paper, ink, noise, seed))


def inked_to_the_sides(ink: Ink) -> Ink:
    """What cannot go the short way: the margin looks inked, so there may be lines along the sides or between them."""
    return replace(ink, rim=255)


def described(framed: Framed):
    """What was found, but for the frame."""
    return framed.inverted, framed.box, framed.warnings, framed.reason


def test_the_short_way_ends_where_the_long_way_does(monkeypatch):
    """The same digit, box, warnings and reason; frames differ by the noise that the long way leaves out.

    Of many scans nothing but the short way is taken, or this would show nothing.
    """
    pictures = [*scans(), *(marked_paper(seed).pixels for seed in range(PAPERS))]
    settled = []
    settle = digits.plain_contrast
    monkeypatch.setattr(digits, "plain_contrast", lambda *args: settled.append(settle(*args)) or settled[-1])
    short = [frame_digit(pixels) for pixels in pictures]
    monkeypatch.setattr(framing, "find_ink", lambda *args: inked_to_the_sides(find_ink(*args)))
    monkeypatch.setattr(digits, "flattened", lambda ink: inked_to_the_sides(flattened(ink)))
    long = [frame_digit(pixels) for pixels in pictures]
    assert list(map(described, short)) == list(map(described, long))
    apart = [np.abs(one.image.astype(int) - other.image).max() for one, other in zip(short, long, strict=True)]
    assert max(apart) <= 8
    assert np.count_nonzero(settled) > 600


def test_many_together_are_framed_as_each_is_alone(monkeypatch):
    """Of many sizes, light and dark, plain and not; most are found together, or this would show little."""
    pictures = [pixels for pixels in scans() if max(pixels.shape) <= LARGEST]
    pictures += [~pixels for pixels in pictures[::9]] + [marked_paper(seed).pixels for seed in range(40)]
    pictures += [photo(written(IMAGES[n], side, (100 - side) // 2)) for n in range(20) for side in (30, 60, 96, 100)]
    pictures += list(outlined()) + list(IMAGES) + [255 - image for image in IMAGES]
    found = []
    find = framing.find_plain
    monkeypatch.setattr(framing, "find_plain", lambda *args: found.extend(find(*args)) or found[-len(args[0]) :])
    together = frame_digits(pictures)
    alone = [frame_digit(pixels) for pixels in pictures]
    assert list(map(described, together)) == list(map(described, alone))
    assert all(np.array_equal(one.image, other.image) for one, other in zip(together, alone, strict=True))
    assert sum(digit is not None for _, digit in found) > 600


def outlined():
    """A drawn box, one with a digit in it, and a solid bar and block, dark on light paper."""
    for inner in (None, 60):
        sheet = np.full((110, 110), 230, np.uint8)
        sheet[10:100, 10:100] = 30
        sheet[14:96, 14:96] = 230
        if inner:
            sheet[25:85, 25:85] = photo(written(IMAGES[3], inner, 0))
        yield sheet
    for width in (12, 50):
        sheet = np.full((100, 100), 230, np.uint8)
        sheet[20:80, 30 : 30 + width] = 20
        yield sheet
