"""Find the lines that frame a picture: cell borders, the edge of the sheet, the shadow along a side."""

import numpy as np
from numpy.typing import NDArray

from model.components import Mask

COVER = 0.5
"""A side with ink along at least this fraction of it may have a line;"""
FREE_COVER = 0.9
"""and along this fraction, with nothing hanging on it, it has one whatever the other sides have."""
CORNER = 0.05
"""A line comes as near as this fraction of the side to one of its ends."""
GAP = 0.03
"""A line may leave this fraction of the picture free on its outer side."""
THICKEST = 0.25
"""Ink that reaches farther in than this fraction of the picture is not the line's own."""
ENDS = 0.2
"""The line is measured over this fraction of the side at either end, where a digit rarely touches it."""
DEEP = 0.05
"""Ink that reaches farther in than this from a side without a line is a digit cut to its box."""


def find_lines(mask: Mask) -> Mask:
    """Find ink that belongs to lines along the sides: bool [H, W] -> bool [H, W].

    Each line is taken as straight, and as thick as it is near its ends, so that a digit that touches it keeps what
    reaches beyond. Where the ink also ends at the opposite side, the picture was cut to its digit, and the top of a
    5 or 7 is no line, unless it stands free.
    """
    lines = np.zeros_like(mask)
    strips = [_strip(side).any(axis=1) for side in _sides(mask)]
    if not any(np.count_nonzero(strip) >= COVER * strip.size for strip in strips):
        return lines
    depths = [_depth(side) for side in _sides(mask)]
    covered = [_is_covered(depth) for depth in depths]
    for side, drawn in enumerate(_sides(lines)):
        depth, opposite, width = depths[side], side ^ 1, drawn.shape[1]
        if covered[side]:
            line = _straight(depth, THICKEST * width)
            if covered[opposite] or _stands_free(depth, line, width) or not _is_deep(depths[opposite], width):
                drawn |= np.arange(width) < line[:, np.newaxis]
    return lines


def _sides(mask: Mask) -> list[Mask]:
    """Views of the mask in which the left, right, top and bottom side in turn is the left one."""
    return [mask, mask[:, ::-1], mask.T, mask[::-1].T]


def _strip(side: Mask) -> Mask:
    """Where a line along the left side begins, if there is one: [H, a few]."""
    return side[:, : round(GAP * side.shape[1]) + 1]


def _depth(side: Mask) -> NDArray[np.intp]:
    """How far ink reaches in from the left side, by row: [H]; 0 where it begins elsewhere than in the next row."""
    strip = _strip(side)
    first = strip.argmax(axis=1)
    inked = strip.any(axis=1) & (np.abs(np.diff(first, append=first[-1:])) <= 1)  # specks begin anywhere
    after = ~side & (np.arange(side.shape[1]) >= first[:, np.newaxis])
    depth = np.where(after.any(axis=1), after.argmax(axis=1), side.shape[1])
    return np.where(inked, depth, 0)


def _is_covered(depth: NDArray[np.intp]) -> bool:
    """Whether a line runs along a side, by its depth [H]; it leaves by one end at least, where a digit is rounded."""
    end = 1 + round(CORNER * depth.size)
    return bool(np.count_nonzero(depth) >= COVER * depth.size and (depth[:end].any() or depth[-end:].any()))


def _is_deep(depth: NDArray[np.intp], width: int) -> bool:
    """Whether ink reaches in from the middle of a side; at its ends it may be that of a line along the next side."""
    end = round(ENDS * depth.size)
    return bool(depth[end : depth.size - end].max(initial=0) > DEEP * width)


def _stands_free(depth: NDArray[np.intp], line: NDArray[np.float64], width: int) -> bool:
    """Whether a line runs all along a side with nothing hanging on it."""
    end = round(ENDS * depth.size)
    middle = slice(end, depth.size - end)
    hanging = (depth - line)[middle].max(initial=0) > DEEP * width
    return bool(np.count_nonzero(depth) >= FREE_COVER * depth.size and not hanging)


def _straight(depth: NDArray[np.intp], thickest: float) -> NDArray[np.float64]:
    """The thickness of the line, by row: [H]."""
    end = max(1, round(ENDS * depth.size))
    thickness = []
    for part in (depth[:end], depth[-end:]):
        thin = np.sort(part[part <= thickest])
        thickness.append(float(thin[3 * thin.size // 4]) if thin.size else 0.0)
    return np.linspace(thickness[0], thickness[1], depth.size) + 1
