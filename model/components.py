"""Connected components of a mask, found by joining runs of ink rather than pixels."""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.grey import Pixels

Mask = NDArray[np.bool_]
Ints = NDArray[np.intp]


class Part(NamedTuple):
    """One of the parts of a mask: its number, its box (right and bottom exclusive) and its pixels."""

    number: int
    left: int
    top: int
    right: int
    bottom: int
    area: int

    @property
    def width(self) -> int:
        """Columns of the box."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows of the box."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Components:
    """The 8-connected parts of a mask, numbered from 0 in reading order of their first pixel.

    `left`, `top`, `right`, `bottom` [K] are their boxes (right and bottom exclusive), `area` [K] their pixels.
    The runs [R] are horizontal strips of ink: pixels `start` to `end` of the mask laid flat with one empty column
    added on the right, each belonging to the part `owner`.
    """

    shape: tuple[int, int]
    start: Ints
    end: Ints
    owner: Ints
    left: Ints
    top: Ints
    right: Ints
    bottom: Ints
    area: Ints

    def mask(self, kept: Mask) -> Mask:
        """Draw the kept parts: bool [K] -> bool [H, W]."""
        rows, columns = self.shape
        drawn = kept[self.owner]
        edges = np.zeros(rows * (columns + 1) + 1, np.int8)
        edges[self.start[drawn]] = 1
        edges[self.end[drawn]] = -1  # never a start too: an empty column or a gap lies between two runs
        return edges[:-1].cumsum(dtype=np.int8).view(np.bool_).reshape(rows, columns + 1)[:, :columns]

    def parts(self, kept: Mask) -> list[Part]:
        """The kept parts, bool [K], one by one."""
        number = np.flatnonzero(kept)
        sides = (self.left, self.top, self.right, self.bottom, self.area)
        return [
            Part(*values) for values in zip(number.tolist(), *(side[number].tolist() for side in sides), strict=True)
        ]

    def total(self, values: Pixels | Mask) -> Ints:
        """The sum of values, uint8 or bool [H, W], over the pixels of each part: [K]."""
        rows, columns = self.shape
        before = np.zeros(rows * (columns + 1) + 1, np.int32)
        before[1:].reshape(rows, columns + 1)[:, :columns] = values
        before.cumsum(out=before)
        return np.bincount(self.owner, before[self.end] - before[self.start], self.area.size).astype(np.intp)

    def box(self, kept: Mask) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of all the kept parts, bool [K], at least one."""
        left, top = int(self.left[kept].min()), int(self.top[kept].min())
        return left, top, int(self.right[kept].max()), int(self.bottom[kept].max())


def find_components(mask: Mask) -> Components:
    """Label the 8-connected parts of a mask, bool [H, W], in time that grows with its runs."""
    rows, columns = mask.shape
    stride = columns + 1  # the empty column keeps runs from flowing into the next row
    flat = np.zeros(rows * stride + 1, np.bool_)
    flat[1:].reshape(rows, stride)[:, :columns] = mask
    edges = (flat[1:] != flat[:-1]).nonzero()[0]
    start, end = edges[0::2], edges[1::2]
    owner, count = _join(start, end, stride)
    row, first = np.divmod(start, stride)
    length = end - start
    if count == 1:
        boxes = np.array([[first.min()], [row[0]], [(first + length).max()], [row[-1] + 1], [length.sum()]])
        return Components((rows, columns), start, end, owner, *boxes)
    top, bottom = np.zeros(count, np.intp), np.zeros(count, np.intp)
    top[owner[::-1]] = row[::-1]  # runs are in reading order, and of several values the last one stays
    bottom[owner] = row + 1
    left, right = np.full(count, columns), np.zeros(count, np.intp)
    np.minimum.at(left, owner, first)
    np.maximum.at(right, owner, first + length)
    area = np.bincount(owner, length, count).astype(np.intp)
    return Components((rows, columns), start, end, owner, left, top, right, bottom, area)


def _join(start: Ints, end: Ints, stride: int) -> tuple[Ints, int]:
    """Number the sets of touching runs, [R] -> [R], in the order of their first; and count them."""
    # A run touches those of the row above that neither end before its start nor begin after its end (diagonals too).
    first = end.searchsorted(start - stride)
    touching = start.searchsorted(end - stride, side="right") - first
    own = np.arange(start.size)
    above = np.where(touching > 0, first, own)
    tops = np.flatnonzero(above == own)
    if tops.size == 1:  # whatever is not the first run hangs on one above it
        return np.zeros_like(own), 1
    rows = int(end[-1]) // stride + 1 if own.size else 0
    for _ in range(rows.bit_length()):  # now each leads twice as far up, and at last to the top of what it hangs on
        above = above[above]
    lower = np.flatnonzero(touching > 1)
    further = touching[lower] - 1
    upper = np.arange(int(further.sum())) + np.repeat(first[lower] + 1 - (further.cumsum() - further), further)
    numbers = _merged(tops.tolist(), above[upper].tolist(), above[np.repeat(lower, further)].tolist())
    number = np.empty_like(own)
    number[tops] = numbers
    return number[above], max(numbers, default=-1) + 1


def _merged(tops: list[int], one: list[int], other: list[int]) -> list[int]:
    """Number the tops, in ascending order, anew: `one` and `other`, pairs of them, belong together."""
    lowest = {top: top for top in tops}
    for a, b in set(zip(one, other, strict=True)):
        while lowest[a] != a:
            lowest[a] = a = lowest[lowest[a]]
        while lowest[b] != b:
            lowest[b] = b = lowest[lowest[b]]
        lowest[max(a, b)] = min(a, b)
    numbers: dict[int, int] = {}
    count = itertools.count()
    for top, lower in lowest.items():
        numbers[top] = next(count) if top == lower else numbers[lower]
    return list(numbers.values())
