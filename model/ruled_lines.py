"""Find ruled lines: those of a notebook's paper, right across the picture and thinner than the pen."""

import numpy as np

from model.components import Mask
from model.morphology import grow_down

THIN = 0.03
"""A ruled line is no thicker than this fraction of the picture."""
LEAN = 0.01
"""It may rise or fall by this fraction of the picture, each way."""
ACROSS = 0.9
"""It can be followed over this fraction of the picture, on its own or under strokes,"""
ALONE = 0.3
"""and over this fraction on its own."""

END = 0.05
"""It comes as near as this fraction of the picture to both sides."""


def find_ruled(mask: Mask) -> Mask:
    """Find ink that belongs to ruled lines, across or down: bool [H, W] -> bool [H, W]. Strokes across them do not."""
    ruled = np.zeros_like(mask)
    for view, drawn in ((mask, ruled), (mask.T, ruled.T)):
        if np.count_nonzero(view, axis=1).max() >= ALONE * view.shape[1]:
            drawn |= _across(view)
    return ruled


def _across(mask: Mask) -> Mask:
    """Ink of lines across a mask: bool [H, W] -> bool [H, W]."""
    rows, columns = mask.shape
    thickest = 1 + round(THIN * rows)
    thin = mask & ~_opened(mask, thickest + 1)
    near = grow_down(thin, 1 + round(LEAN * rows))
    end = 1 + round(END * columns)
    is_line = near[:, :end].any(axis=1) & near[:, -end:].any(axis=1)
    is_line &= np.count_nonzero(near, axis=1) >= ALONE * columns
    is_line &= np.count_nonzero(near | mask, axis=1) >= ACROSS * columns
    if 2 * np.count_nonzero(is_line) > rows:  # lines everywhere are grain
        is_line[:] = False
    drawn: Mask = thin & is_line[:, np.newaxis]
    return drawn


def _opened(mask: Mask, length: int) -> Mask:
    """What lies in vertical runs of at least about `length` pixels."""
    reach = length // 2
    return grow_down(~grow_down(~mask, reach), reach)
