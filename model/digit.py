"""Find the digit in a picture's ink: which parts are its own, and not lines, neighbours, specks or noise."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from model.components import Components, Mask, Part, find_components
from model.contrast import FAINTEST, clear_contrast, plain_contrast
from model.enclosures import find_enclosure
from model.frame_lines import find_lines
from model.grey import Pixels
from model.ink import Histogram, Ink, flattened, histogram, otsu
from model.morphology import grow
from model.ruled_lines import find_ruled
from model.strokes import stroke_width
from model.working import Box

Reason = Literal["blank", "several_digits", "not_a_digit"]
"""Why a picture does not show one digit, in the words of the HTTP contract."""

MARGIN = 6
"""Frames and the ends of neighbours lie in the outer sixth of the picture."""
INSIDE_AT_SIDE, INSIDE_AT_LINE = 0.25, 0.5
"""Parts that touch a side, or a line along it, are the digit's if this fraction of them lies farther in."""
CUT = 0.02
"""A digit that reaches within this fraction of the picture to opposite sides was cut to its box."""
LIGHT, BROAD = 25, 0.12
"""What stands out by fewer grey levels than this, and than the light varies by, and is as broad as this fraction of the
shorter side, may be light."""
SMALLEST = 0.04
"""Parts of less ink than this fraction of the largest are specks,"""
LARGE, NEAR = 0.2, 0.2
"""and so are those of less than the first, unless they lie within the second, in sizes of the larger ones, of these."""
SPECK, SPECK_PIXELS = 0.04, 5
"""What is no longer than this fraction of the shorter side, or this many pixels of the picture, is a speck too."""
LOWEST_THRESHOLD = FAINTEST // 2
"""Of ink: half of the faintest."""
SMALLEST_FOUND = 5e-4
"""Ink that is found only at the second cut must make up this fraction of the picture, and half of all ink there."""
TALL = 0.6
"""A part is of a digit's size if it is this fraction as high as the highest."""
SOLID = 0.88
"""A part that fills its box to this fraction, and is not narrow as a 1 is, is no pen stroke."""
FEW_PARTS, PLAIN = 3, 20
"""What is found in the second look and falls into more parts than this, or stands out by fewer levels, is grain."""
MOST_PARTS = 8
"""Digits fall into fewer parts than this; textures and writing into more."""


@dataclass(slots=True)
class Digit:
    """The digit's ink: its mask, bool [H, W], its box in the same pixels, and how far it stands out, in grey levels.

    `levels`: how far each pixel does, uint8 [H, W]; `width`: of its strokes; `plain`: whether there surely is bare
    ground all around them; `parts`: how many; `enclosure`: the box of a drawn box or a sheet that may hold the digit
    proper; `reason`: why it is not one digit.
    """

    levels: Pixels
    mask: Mask
    box: Box
    width: float
    plain: bool
    contrast: float
    parts: int
    enclosure: Box | None
    reason: Reason | None


def find_digit(ink: Ink, pixel: float = 1.0) -> Digit | None:
    """Find the digit in a picture's ink; None where there is only ground.

    `pixel`: how many pixels of the ink stand for one of the picture. Where nothing but light is found, and that uneven,
    the ground is followed more closely: strokes stand out from it, however faint, and most shadows no longer do.
    """
    digit = _find_in(ink, pixel)
    if digit and not _is_light(digit, ink.unevenness):
        return digit
    digit = _find_in(flattened(ink), pixel)
    return None if digit is None or digit.parts > FEW_PARTS or digit.contrast < PLAIN else digit


def _is_light(digit: Digit, unevenness: int) -> bool:
    """Whether it is what a shadow's edge leaves bright or dark: digits that were cut to their boxes are narrower."""
    if digit.contrast >= min(LIGHT, unevenness) or digit.width < BROAD * min(digit.mask.shape):
        return False
    return _reaches_across(digit.box, digit.mask.shape)


def _reaches_across(box: Box, shape: tuple[int, ...]) -> bool:
    """Whether a box in a picture [H, W] comes near two sides of it that lie opposite."""
    rows, columns = shape
    left, top, right, bottom = box
    across = left <= CUT * columns and right >= (1 - CUT) * columns
    return across or (top <= CUT * rows and bottom >= (1 - CUT) * rows)


def _find_in(ink: Ink, pixel: float) -> Digit | None:
    """Find the digit among the levels as they are.

    Ink that is a tiny part of the picture is lost among the noise that Otsu's threshold then cuts in two: if nothing
    stands out, what lies above the threshold is cut once more.
    """
    lines, threshold = _lines(ink)
    digit = _digit_above(ink, threshold, lines, pixel)
    if digit is None:
        above = ink.levels[(ink.levels > threshold) & ~lines]
        threshold = _threshold(histogram(above))
        digit = _digit_above(ink, threshold, lines, pixel)
        if digit is not None:
            found, all_ink = np.count_nonzero(digit.mask), np.count_nonzero(above > threshold)
            if found < max(SMALLEST_FOUND * ink.levels.size, all_ink / 2):
                return None
    return digit


def _lines(ink: Ink) -> tuple[Mask, int]:
    """The lines along the sides, bool [H, W], and the threshold for the ink between them.

    Lines may be much darker than the digit: where there are any, what lies between them is separated anew.
    """
    threshold = max(ink.threshold, LOWEST_THRESHOLD)
    if ink.rim <= threshold:
        return np.zeros(ink.levels.shape, np.bool_), threshold
    lines = find_lines(ink.levels > threshold)
    if lines.any():
        threshold = _threshold(histogram(ink.levels[~lines]))
        lines |= find_lines((ink.levels > threshold) | lines)
    return lines, threshold


def _threshold(count: Histogram) -> int:
    """The level above which there is ink, by a histogram [256]: Otsu's, but no lower than the lowest."""
    return max(int(otsu(count)), LOWEST_THRESHOLD) if count.any() else FAINTEST


def _digit_above(ink: Ink, threshold: int, lines: Mask, pixel: float) -> Digit | None:
    """The digit among the ink above a threshold, unless it hardly stands out."""
    above = ink.levels > threshold
    free = ink.rim <= threshold // 2  # no line, however faint, can be followed to a side
    ruled = lines if free else _ruled(ink.levels, threshold, lines, pixel)
    components = find_components(above if free else above & ~(lines | ruled))
    stray = np.zeros(components.area.size, np.bool_) if free else _stray(components, lines)
    kept = _kept(components, stray, ink.levels, threshold)
    parts = components.parts(kept)
    if max((max(part.height, part.width) for part in parts), default=0) <= most_of_a_speck(above.shape, pixel):
        return None
    alone = free and len(parts) == kept.size
    mask = above if alone else components.mask(kept)
    area = sum(part.area for part in parts)
    width = stroke_width(mask, area)
    plain = plain_contrast(ink, area, width, threshold) if alone else None
    contrast = plain or clear_contrast(ink, mask, width, lines | ruled | components.mask(stray))
    if contrast is None:
        return None
    enclosure = find_enclosure(components, parts)
    return Digit(ink.levels, mask, _box(parts), width, bool(plain), contrast, len(parts), enclosure, reason_of(parts))


def most_of_a_speck(shape: tuple[int, int], pixel: float) -> float:
    """How long a speck may be, in a picture [H, W] of which so many pixels stand for one of the original."""
    return max(SPECK * min(shape), SPECK_PIXELS * pixel)


def _ruled(levels: Pixels, threshold: int, lines: Mask, pixel: float) -> Mask:
    """The ink of ruled lines among that above a threshold, bool [H, W]; they are often fainter than the pen."""
    faint = find_ruled((levels > threshold // 2) & ~lines, lines, pixel)
    return faint | find_ruled((levels > threshold) & ~lines, lines, pixel)


def _stray(parts: Components, lines: Mask) -> Mask:
    """Which parts lie along the sides of the picture, or of the `lines` [H, W] erased there: bool [K].

    None do where the picture was cut to its digit.
    """
    rows, columns = parts.shape
    at_side = (parts.left == 0) | (parts.top == 0) | (parts.right == columns) | (parts.bottom == rows)
    any_lines = bool(lines.any())
    if not any_lines and (not at_side.any() or _is_cut(parts)):
        return np.zeros(parts.area.size, np.bool_)
    inner = np.zeros_like(lines)
    inner[rows // MARGIN : rows - rows // MARGIN, columns // MARGIN : columns - columns // MARGIN] = True
    within = parts.total(inner)
    stray: Mask = at_side & (within < INSIDE_AT_SIDE * parts.area)
    if any_lines:
        stray |= (parts.total(grow(lines, 2)) > 0) & (within < INSIDE_AT_LINE * parts.area)
    return stray


def _is_cut(parts: Components) -> bool:
    """Whether the largest part reaches from side to side."""
    largest = np.arange(parts.area.size) == parts.area.argmax()
    return _reaches_across(parts.box(largest), parts.shape)


def _kept(parts: Components, stray: Mask, levels: Pixels, threshold: int) -> Mask:
    """Which parts are the digit's, by how much ink above the threshold each has: bool [K]. Specks are not."""
    if stray.size == 1:
        return ~stray & (parts.area > 1)
    ink = parts.total(levels) - threshold * parts.area
    largest = int(ink[~stray].max(initial=0))
    kept: Mask = ~stray & (ink >= max(SMALLEST * largest, 1)) & (parts.area > 1)
    large = kept & (ink >= LARGE * largest)
    if not large.any():
        return kept
    left, top, right, bottom = parts.box(large)
    reach = NEAR * max(right - left, bottom - top)
    away = [left - parts.right, parts.left - right, top - parts.bottom, parts.top - bottom]
    kept &= np.asarray(np.max(away, axis=0) <= reach)
    return kept


def _box(parts: list[Part]) -> Box:
    """Left, top, right and bottom of all the parts, at least one."""
    _, left, top, right, bottom, _ = zip(*parts, strict=True)
    return min(left), min(top), max(right), max(bottom)


def reason_of(parts: list[Part]) -> Reason | None:
    """Tell what is not one digit."""
    if _side_by_side(parts):
        return "several_digits"
    if len(parts) > MOST_PARTS:
        left, _, right, _ = _box(parts)
        narrow = [part for part in parts if part.width < 0.9 * (right - left)]  # digits in a grid, which spans them all
        return "several_digits" if narrow and _side_by_side(narrow) else "not_a_digit"
    highest = max(parts, key=lambda part: part.height)
    solid = highest.area >= SOLID * highest.width * highest.height
    return "not_a_digit" if solid and 2 * highest.width >= highest.height else None


def _side_by_side(parts: list[Part]) -> bool:
    """Whether two of the parts of a digit's size share no column."""
    least = TALL * max(part.height for part in parts)
    tall = [part for part in parts if part.height >= least]
    return max(part.left for part in tall) >= min(part.right for part in tall)
