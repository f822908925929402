"""Find the digit in a picture's ink: which parts are its own, and not lines, neighbours, specks or noise."""

from dataclasses import dataclass

import numpy as np

from model.components import Components, Mask, find_components
from model.frame_lines import find_lines
from model.grey import Pixels
from model.ink import histogram, otsu
from model.morphology import grow
from model.working import Box

MARGIN = 6
"""Frames and the ends of neighbours lie in the outer sixth of the picture."""
SMALLEST = 0.04
"""Parts of less ink than this fraction of the largest are specks."""
FAINTEST = 8
"""Grey levels between ink and ground below which the picture is blank: compression alone makes up to 7."""
CLEAREST_NOISE = 4.0
"""Standard deviations of the ground by which ink must stand out from it: noise, cut in two, reaches 2 to 4."""
TALL = 0.6
"""A part is of a digit's size if it is this fraction as high as the highest."""
SOLID = 0.9
"""A part that fills its box to this fraction, and is not narrow as a 1 is, is no pen stroke."""
MOST_PARTS = 8
"""Digits fall into fewer parts than this; textures and writing into more."""


@dataclass(frozen=True, slots=True)
class Digit:
    """The digit's ink: its mask, bool [H, W], its box in the same pixels, and how far it stands out, in grey levels."""

    mask: Mask
    box: Box
    contrast: float
    parts: int
    reason: str | None


def find_digit(levels: Pixels) -> Digit | None:
    """Find the digit in levels of ink, uint8 [H, W]; None where there is only ground."""
    mask, lines = _separated(levels)
    parts = find_components(mask)
    stray = _stray(parts, lines)
    kept = _kept(parts, stray)
    if not kept.any():
        return None
    digit = parts.mask(kept)
    contrast, noise = _contrast(levels, digit, lines | parts.mask(stray))
    if contrast < max(FAINTEST, CLEAREST_NOISE * noise):
        return None
    box = (
        int(parts.left[kept].min()),
        int(parts.top[kept].min()),
        int(parts.right[kept].max()),
        int(parts.bottom[kept].max()),
    )
    return Digit(digit, box, contrast, int(np.count_nonzero(kept)), _reason(parts, kept))


def _separated(levels: Pixels) -> tuple[Mask, Mask]:
    """The ink proper, and the lines along the sides: two masks [H, W].

    Lines may be much darker than the digit: where there are any, what lies between them is separated anew.
    """
    threshold, _ = otsu(histogram(levels))
    lines = find_lines(levels > threshold)
    if lines.any():
        threshold, _ = otsu(histogram(levels[~lines]))
        lines |= find_lines((levels > threshold) | lines)
    return (levels > threshold) & ~lines, lines


def _stray(parts: Components, lines: Mask) -> Mask:
    """Which parts lie along the sides of the picture, or of the `lines` [H, W] erased there: bool [K]."""
    rows, columns = parts.shape
    beside = grow(lines, 2)
    beside[[0, -1]] = beside[:, [0, -1]] = True
    inner = np.zeros_like(lines)
    inner[rows // MARGIN : rows - rows // MARGIN, columns // MARGIN : columns - columns // MARGIN] = True
    stray: Mask = (parts.within(beside) > 0) & (2 * parts.within(inner) < parts.area)
    return stray


def _kept(parts: Components, stray: Mask) -> Mask:
    """Which parts are the digit's: bool [K]. Specks are not."""
    largest = int(parts.area[~stray].max(initial=0))
    kept: Mask = ~stray & (parts.area >= max(SMALLEST * largest, 2))
    return kept


def _contrast(levels: Pixels, digit: Mask, aside: Mask) -> tuple[float, float]:
    """How far the digit stands out from the ground, and the ground's own deviation, in grey levels.

    What was set aside [H, W] is neither.
    """
    ground = levels[~grow(digit | aside, 1)]
    if not ground.size:
        return float(levels[digit].mean()), 0.0
    return float(levels[digit].mean() - ground.mean()), float(ground.std())


def _reason(parts: Components, kept: Mask) -> str | None:
    """Tell what is not one digit."""
    left, top, right, bottom = (side[kept] for side in (parts.left, parts.top, parts.right, parts.bottom))
    height, width = bottom - top, right - left
    tall = height >= TALL * height.max()
    if left[tall].max() >= right[tall].min():
        return "several_digits"
    if height.size > MOST_PARTS:
        return "not_a_digit"
    solid = (parts.area[kept] >= SOLID * width * height) & (2 * width >= height)
    return "not_a_digit" if solid[int(np.argmax(height))] else None
