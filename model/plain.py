"""Find the digits of many plain pictures of one size at once: the calls that one of them takes serve for all.

Plain is a picture whose ground is of one level, and bare along the sides, with one stroke of ink that surely stands
out. Of such a picture this finds what `find_ink` and `find_digit` do; `tests/test_plain_pictures.py` holds it to them.
"""

from dataclasses import dataclass

import numpy as np

from model.components import Ints, Mask, Part, find_components
from model.contrast import BARE, bare_everywhere, clear_contrast, reach_of, surely_clear
from model.digit import LOWEST_THRESHOLD, Digit, most_of_a_speck, reason_of
from model.enclosures import SHEET, has_four_sides
from model.grey import Pixels
from model.ink import (
    FLAT,
    LEVEL,
    SQUARE,
    Floats,
    Histogram,
    Ink,
    darker,
    histogram,
    is_light_around,
    otsu,
    rim,
    share_of_ring,
)

Found = tuple[Ink | None, Digit | None]


@dataclass(slots=True)
class _Inks:
    """What `Ink` tells of one picture, of N; `number`: which of the pictures they are."""

    number: Ints
    pixels: Pixels
    levels: Pixels
    threshold: Ints
    count: Histogram
    rim: Ints
    dark: Mask
    level: Ints

    def __getitem__(self, these: Mask) -> "_Inks":
        return _Inks(*(getattr(self, name)[these] for name in self.__slots__))

    def each(self) -> list[Ink]:
        """One by one."""
        numbers = (self.threshold.tolist(), self.rim.tolist(), self.dark.tolist(), self.level.tolist())
        return [
            Ink(pixels, levels, threshold, count[level::-1], rim, dark, level=level)
            for pixels, levels, count, threshold, rim, dark, level in zip(
                self.pixels, self.levels, self.count, *numbers, strict=True
            )
        ]


def find_plain(pictures: Pixels, pixel: float = 1.0) -> list[Found]:
    """Of each of uint8 [N, H, W] the ink and the digit, as far as they are found for little.

    `pixel`: how many of their pixels stand for one of the original picture.
    """
    found: list[Found] = [(None, None)] * len(pictures)
    inks = _flat_inks(pictures)
    if inks.number.size:
        ink = inks.each()
        digits = _digits(inks, ink, pixel)
        for row, number in enumerate(inks.number.tolist()):
            found[number] = ink[row], digits.get(row)
    return found


def _flat_inks(pictures: Pixels) -> _Inks:
    """Those on a ground of one level that is bare along the sides."""
    size = pictures[0].size
    count = np.stack([histogram(picture) for picture in pictures])
    threshold = otsu(count)
    ring = share_of_ring(pictures, threshold)
    one_level = (count.max(axis=1) >= FLAT * size) & ((ring == 0) | (ring == 1))
    dark = is_light_around(ring, (count * (threshold[:, np.newaxis] < LEVEL)).sum(axis=1) / size)
    if not dark.all():
        pictures = np.where(dark[:, np.newaxis, np.newaxis], pictures, ~pictures)
        count = np.where(dark[:, np.newaxis], count, count[:, ::-1])
        threshold = np.where(dark, threshold, 254 - threshold)
    level = np.where(threshold[:, np.newaxis] < LEVEL, count, -1).argmax(axis=1)
    ground = level.astype(np.uint8)[:, np.newaxis, np.newaxis]
    levels = darker(pictures, ground)
    inks = _Inks(np.arange(len(count)), pictures, levels, level - threshold - 1, count, rim(levels), dark, level)
    lit = count[inks.number, level] >= FLAT * size
    plain = one_level & lit & (inks.rim <= np.maximum(inks.threshold, LOWEST_THRESHOLD) // 2)
    return inks if plain.all() else inks[plain]


def _digits(inks: _Inks, ink: list[Ink], pixel: float) -> dict[int, Digit]:
    """The digits that are one part each, by the row of their ink."""
    rows, columns = inks.levels.shape[1:]
    threshold = np.maximum(inks.threshold, LOWEST_THRESHOLD)
    masks = inks.levels > threshold.astype(np.uint8)[:, np.newaxis, np.newaxis]
    parts = find_components(masks.reshape(-1, columns))  # one below the other: along the sides there is no ink
    picture, highest = np.divmod(parts.top, rows)
    large = np.maximum(parts.right - parts.left, parts.bottom - parts.top) > most_of_a_speck((rows, columns), pixel)
    alone = np.flatnonzero(large & (np.bincount(picture, minlength=len(masks))[picture] == 1))
    row, area = picture[alone], parts.area[alone]
    runs = np.bincount(parts.owner, minlength=parts.area.size)[alone]
    down = np.array([np.count_nonzero(change) for change in masks[:, 1:] != masks[:, :-1]])
    width = 2 * area / (2 * runs + down[row])
    contrast = _contrasts(inks, row, area, width, threshold[row])
    box = np.stack([parts.left[alone], highest[alone], parts.right[alone], parts.bottom[alone] - row * rows], axis=1)
    each = zip(row.tolist(), box.tolist(), area.tolist(), width.tolist(), contrast.tolist(), strict=True)
    digits = {}
    for number, (left, top, right, bottom), pixels, *sure in each:
        if digit := _digit(ink[number], masks[number], Part(0, left, top, right, bottom, pixels), *sure):
            digits[number] = digit
    return digits


def _digit(ink: Ink, mask: Mask, part: Part, width: float, contrast: float) -> Digit | None:
    """One part as a digit; None if it may enclose another. `contrast`: 0 where it has to be looked at closely."""
    reason = None
    if part.area >= SHEET * part.height * part.width:
        if has_four_sides(mask[part.top : part.bottom, part.left : part.right]):
            return None
        reason = reason_of([part])
    found = contrast or clear_contrast(ink, mask, width, np.zeros_like(mask))
    box = part.left, part.top, part.right, part.bottom
    return Digit(ink.levels, mask, box, width, contrast > 0, found, 1, None, reason) if found else None


def _contrasts(inks: _Inks, row: Ints, area: Ints, width: Floats, threshold: Ints) -> Floats:
    """How far digits surely stand out; 0 of those that have to be looked at closely."""
    size = inks.levels[0].size
    ground = size - area - 2 * 2 * area / width
    count, level = inks.count[row], inks.level[row]
    stands_out = np.maximum(level[:, np.newaxis] - LEVEL, 0)
    rest = count * (stands_out <= threshold[:, np.newaxis])
    noise = np.sqrt((rest * SQUARE[stands_out]).sum(axis=1) / np.maximum(ground, 1))
    most = ((count - rest) * stands_out).sum(axis=1) / area
    contrast = most - (rest * stands_out).sum(axis=1) / np.maximum(ground, 1)
    bare, glare = (BARE * contrast).astype(np.intp), 255 - (count[:, ::-1] > 0).argmax(axis=1) - level
    clear = (ground >= size / 4) & (inks.rim[row] <= bare) & surely_clear(most, contrast, noise, bare, glare)
    reach = reach_of(width)
    for each in set(reach[clear].tolist()):
        these = np.flatnonzero(clear & (reach == each))
        clear[these] = bare_everywhere(inks.levels[row[these]], bare[these], each)
    return np.where(clear, contrast, 0)
