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
    return Components(
        shape=(rows, columns),
        start=start,
        end=end,
        owner=owner,
        left=_least(first, owner, count),
        top=_least(row, owner, count),
        right=-_least(-(first + length), owner, count),
        bottom=-_least(-(row + 1), owner, count),
        area=np.bincount(owner, length, count).astype(np.intp),
    )


def _least(values: Ints, owner: Ints, count: int) -> Ints:
    """The smallest value of each owner, [R] -> [count]."""
    least = np.full(count, np.iinfo(np.intp).max)
    np.minimum.at(least, owner, values)
    return least


def _join(start: Ints, end: Ints, stride: int) -> Ints:
    """Number the sets of touching runs, [R] -> [R]: each run takes the lowest number it touches, until none changes."""
    # A run touches those of the next row that begin at or before its end and end at or after its start (diagonals too).
    low = np.searchsorted(end - stride, start, side="left")
    high = np.searchsorted(start - stride, end, side="right")
    touching = np.maximum(high - low, 0)
    upper = np.repeat(np.arange(start.size), touching)
    lower = np.arange(upper.size) - np.repeat(touching.cumsum() - touching - low, touching)
    label = np.arange(start.size)
    while True:
        a, b = label[upper], label[lower]
        if np.array_equal(a, b):
            break
        least = np.minimum(a, b)
        np.minimum.at(label, a, least)
        np.minimum.at(label, b, least)
        while not np.array_equal(label, jumped := label[label]):
            label = jumped
    is_root = label == np.arange(label.size)
    number: Ints = is_root.cumsum() - 1
    return number[label]
