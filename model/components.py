"""Connected components of a mask, found by joining runs of ink rather than pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.grey import Pixels

Mask = NDArray[np.bool_]
Ints = NDArray[np.intp]


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
    flat = np.zeros(rows * stride + 1, np.int8)
    flat[1:].reshape(rows, stride)[:, :columns] = mask
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    start, end = edges[0::2], edges[1::2]
    owner = _join(start, end, stride)
    count = int(owner.max()) + 1 if owner.size else 0
    row, first = np.divmod(start, stride)
    length = end - start
    top, bottom = np.zeros(count, np.intp), np.zeros(count, np.intp)
    top[owner[::-1]] = row[::-1]  # runs are in reading order, and of several values the last one stays
    bottom[owner] = row + 1
    left, right = np.full(count, columns), np.zeros(count, np.intp)
    np.minimum.at(left, owner, first)
    np.maximum.at(right, owner, first + length)
    area = np.bincount(owner, length, count).astype(np.intp)
    return Components((rows, columns), start, end, owner, left, top, right, bottom, area)


def _join(start: Ints, end: Ints, stride: int) -> Ints:
    """Number the sets of touching runs, [R] -> [R]."""
    # A run touches those of the row above that neither end before its start nor begin after its end (diagonals too).
    first = end.searchsorted(start - stride)
    touching = start.searchsorted(end - stride, side="right") - first
    own = np.arange(start.size)
    above = np.where(touching > 0, first, own)
    tops = above == own
    if np.count_nonzero(tops) == 1:  # whatever is not the first run hangs on one above it
        return np.zeros(start.size, np.intp)
    label = _followed(above)
    lower = np.flatnonzero(touching > 1)
    if lower.size:  # they may join what hangs together nowhere above
        further = touching[lower] - 1
        upper = np.arange(int(further.sum())) + np.repeat(first[lower] + 1 - (further.cumsum() - further), further)
        label = _merged(label[np.repeat(lower, further)], label[upper], own)[label]
        tops = label == own
    number: Ints = tops.cumsum() - 1
    return number[label]


def _merged(one: Ints, other: Ints, own: Ints) -> Ints:
    """For each label the lowest that pairs of labels [P], [P] join it with, directly or by way of others."""
    lowest = own.tolist()
    for a, b in set(zip(one.tolist(), other.tolist(), strict=True)):
        while lowest[a] != a:
            a = lowest[a]
        while lowest[b] != b:
            b = lowest[b]
        lowest[max(a, b)] = min(a, b)
    return _followed(np.array(lowest))


def _followed(label: Ints) -> Ints:
    """What each label leads to at last, [R] -> [R]: those that lead to themselves stay."""
    while not np.array_equal(further := label[label], label):
        label = further
    return label
