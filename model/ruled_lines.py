"""Find ruled lines: those of a notebook's paper, right across the picture and thinner than the pen."""

import numpy as np

from model.components import Mask
from model.morphology import grow_down

THIN, THIN_PIXELS = 0.03, 1.6
"""A ruled line is no thicker than this fraction of the picture, or this many of its pixels."""
LEAN = 0.01
"""It may rise or fall by this fraction of the picture, each way."""
ACROSS = 0.9
"""It can be followed over this fraction of the picture, on its own or under strokes,"""
ALONE = 0.3
"""and over this fraction on its own."""
GRAIN = 2
"""Its rows have more thin ink than this many times what most rows have: grain is the same in all."""
END = 0.05
"""It comes as near as this fraction of the picture to both sides."""


def find_ruled(mask: Mask, lines: Mask, pixel: float = 1.0) -> Mask:
    """Find ink that belongs to ruled lines, across or down: bool [H, W] -> bool [H, W]. Strokes across them do not.

    They may end at the `lines` [H, W] along the sides. `pixel`: how many pixels of the mask stand for one of the
    picture; no line is thinner than that.
    """
    ruled = np.zeros_like(mask)
    rows = _ruled_rows(mask, lines, ruled, pixel)
    columns = _ruled_rows(mask.T, lines.T, ruled.T, pixel)
    ruled |= mask & rows[:, np.newaxis] & columns  # where they cross, neither is thin
    return ruled


def _ruled_rows(mask: Mask, lines: Mask, ruled: Mask, pixel: float) -> Mask:
    """Add the ink of lines across a mask to `ruled`, both bool [H, W]; tell the rows they lie in, bool [H]."""
    rows, columns = mask.shape
    if np.count_nonzero(mask, axis=1).max() < ALONE * columns:
        return np.zeros(rows, np.bool_)
    thickest = 1 + round(max(THIN * rows, THIN_PIXELS * pixel))
    thin = mask & ~_opened(mask, thickest + 1)
    lean = 1 + round(LEAN * rows)
    near = grow_down(thin, lean)
    end = 1 + round(END * columns)
    is_line = np.asarray(np.count_nonzero(near, axis=1) >= ALONE * columns)
    if not is_line.any():
        return is_line
    along = np.count_nonzero(thin, axis=1)
    most = int(np.sort(along)[rows // 2])
    is_line &= grow_down(along[:, np.newaxis] > GRAIN * most, lean)[:, 0]
    near |= lines
    is_line &= near[:, :end].any(axis=1) & near[:, -end:].any(axis=1)
    is_line &= np.asarray(np.count_nonzero(near | mask, axis=1) >= ACROSS * columns)
    ruled |= thin & is_line[:, np.newaxis]
    return is_line


def _opened(mask: Mask, length: int) -> Mask:
    """What lies in vertical runs of at least about `length` pixels."""
    reach = length // 2
    return grow_down(~grow_down(~mask, reach), reach)
