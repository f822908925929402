"""Find the digit in a picture's ink: which parts are its own, and not lines, neighbours, specks or noise."""

from dataclasses import dataclass

import numpy as np

from model.components import Components, Mask, find_components
from model.enclosures import find_enclosure
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
SMALLEST_FOUND = 5e-4
"""Ink that is found only at the second cut must make up this fraction of the picture."""
TALL = 0.6
"""A part is of a digit's size if it is this fraction as high as the highest."""
SOLID = 0.9
"""A part that fills its box to this fraction, and is not narrow as a 1 is, is no pen stroke."""
MOST_PARTS = 8
"""Digits fall into fewer parts than this; textures and writing into more."""


@dataclass(frozen=True, slots=True)
class Digit:
    """The digit's ink: its mask, bool [H, W], its box in the same pixels, and how far it stands out, in grey levels.

    `parts`: how many; `enclosure`: the box of a drawn box or a sheet that may hold the digit proper; `reason`: why it
    is not one digit.
    """

    mask: Mask
    box: Box
    contrast: float
    parts: int
    enclosure: Box | None
    reason: str | None


def find_digit(levels: Pixels) -> Digit | None:
    """Find the digit in levels of ink, uint8 [H, W]; None where there is only ground.

    Ink that is a tiny part of the picture is lost among the noise that Otsu's threshold then cuts in two: if nothing
    stands out, what lies above the threshold is cut once more.
    """
    lines, threshold = _lines(levels)
    digit = _digit_above(levels, threshold, lines)
    if digit is None:
        above = levels[~lines & (levels > threshold)]
        digit = _digit_above(levels, otsu(histogram(above))[0], lines) if above.size else None
        if digit is not None and np.count_nonzero(digit.mask) < SMALLEST_FOUND * levels.size:
            return None
    return digit


def _lines(levels: Pixels) -> tuple[Mask, int]:
    """The lines along the sides, bool [H, W], and the threshold for the ink between them.

    Lines may be much darker than the digit: where there are any, what lies between them is separated anew.
    """
    threshold, _ = otsu(histogram(levels))
    lines = find_lines(levels > threshold)
    if lines.any():
        threshold, _ = otsu(histogram(levels[~lines]))
        lines |= find_lines((levels > threshold) | lines)
    return lines, threshold


def _digit_above(levels: Pixels, threshold: int, lines: Mask) -> Digit | None:
    """The digit among the ink above a threshold, unless it hardly stands out."""
    parts = find_components((levels > threshold) & ~lines)
    stray = _stray(parts, lines)
    kept = _kept(parts, stray)
    if not kept.any():
        return None
    mask = parts.mask(kept)
    contrast, noise = _contrast(levels, mask, lines | parts.mask(stray))
    if contrast < max(FAINTEST, CLEAREST_NOISE * noise):
        return None
    left, top = int(parts.left[kept].min()), int(parts.top[kept].min())
    right, bottom = int(parts.right[kept].max()), int(parts.bottom[kept].max())
    count = int(np.count_nonzero(kept))
    box = left, top, right, bottom
    return Digit(mask, box, contrast, count, find_enclosure(parts, kept), _reason(parts, kept))


def _stray(parts: Components, lines: Mask) -> Mask:
    """Which parts lie along the sides of the picture, or of the `lines` [H, W] erased there: bool [K].

    None do where the picture was cut to its digit.
    """
    rows, columns = parts.shape
    sides = np.array([parts.left == 0, parts.top == 0, parts.right == columns, parts.bottom == rows])
    if parts.area.size and not lines.any() and sides[:, np.argmax(parts.area)].sum() >= 3:
        return np.zeros(parts.area.size, np.bool_)
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
