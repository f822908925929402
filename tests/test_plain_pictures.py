"""Plain pictures go a short way through framing: it ends where the long way does."""

from dataclasses import replace

import numpy as np

from model import digit as digits
from model import framing
from model.framing import Framed, frame_digit
from model.ink import Ink, find_ink, flattened
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
    assert max(apart) <= 5
    assert np.count_nonzero(settled) > 600
