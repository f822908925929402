"""Redraw the strokes of a digit on a fine grid: as sharp, as even and as wide as MNIST's pens drew them.

What is linear in it, enlarging and sharpening, is two matrix products, one for the rows and one for the columns.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from model.components import Mask
from model.grey import Levels, Pixels
from model.morphology import grow
from model.working import Box

FINE = 3
"""Fine pixels per side of a pixel of the frame; 6 read no more, and take 70 µs longer."""
LONGEST = 20
"""Longest side of an MNIST digit, in pixels of the frame."""
BORDER = 2
"""Empty pixels of the frame kept around the digit, for what blur and widening spread."""
BLUR = 1.25
"""Radius, in pixels of the frame, of the blur that sharpening takes back: a photo's, enlarged."""
SHARPEN = 1.5
"""How many times over that blur is taken back; 1 to 2.5 serve alike."""
LOW, HIGH = 0.4, 1.0
"""Fractions of the full ink that become ground and full ink: half of it lies on the edge of a stroke."""
INNER = 1.14
"""Full ink over the mean of all ink in which each pixel weighs as the square of its own: edges pull it down."""
THINNEST = 1.65
"""Strokes thinner than this, in pixels of the frame, are widened; 95 % of MNIST's are wider."""


@dataclass(slots=True)
class Strokes:
    """A digit on the fine grid, 0 to 1 [H, W], light on dark, and whether its strokes had to be widened."""

    fine: Levels
    widened: bool


def redraw(levels: Pixels, mask: Mask, box: Box, width: float, *, plain: bool) -> Strokes:
    """Draw the ink of a mask, both [H, W], from its box: LONGEST * FINE fine pixels long, plus the border.

    `width`: that of its strokes, in pixels. Unless there is `plain` ground all around them, what lies farther than a
    pixel of the frame from the mask is left out.
    """
    grid = _grid(max(box[2] - box[0], box[3] - box[1]))
    ink = _cut(levels if plain else levels * grow(mask, max(1, round(FINE / grid.scale))), box, grid.pad)
    fine = _sharpened(ink, grid)
    widen = max(0, round((THINNEST * FINE - width * grid.scale) / 2))
    return Strokes(grow(fine, widen) if widen else fine, widened=widen > 0)


def _cut(levels: Pixels, box: Box, pad: int) -> Levels:
    """The box of the ink and `pad` pixels around it; where it leaves the picture there is ground."""
    left, top, right, bottom = box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad
    rows, columns = levels.shape
    if left >= 0 and top >= 0 and right <= columns and bottom <= rows:
        return levels[top:bottom, left:right].astype(np.float32)
    ink = np.zeros((bottom - top, right - left), np.float32)
    within = levels[max(top, 0) : bottom, max(left, 0) : right]
    ink[max(-top, 0) :, max(-left, 0) :][: within.shape[0], : within.shape[1]] = within
    return ink


@dataclass(frozen=True, slots=True)
class _Grid:
    """How a digit of some length is brought to the fine grid: by matrices `down` [2, fine pixels, pixels] and `across`.

    The first enlarges, the second blurs as well; the product of either, rows and columns, with the ink is so weighed
    that their difference is the sharpened ink. `across` are the same, [2, pixels, fine pixels]: turned around only when
    they are used they would take half as long again. `pad`: pixels of the border around the ink.
    """

    scale: float
    pad: int
    down: Levels
    across: Levels


@lru_cache(maxsize=128)
def _grid(longest: int) -> _Grid:
    """The grid for a digit of this length: area averaging down, smoothly up."""
    scale = LONGEST * FINE / longest
    border = BORDER * FINE / scale
    pad = math.ceil(border)
    size = (LONGEST + 2 * BORDER) * FINE
    each = Image.fromarray(np.eye(longest + 2 * pad, dtype=np.float32))  # what resizing does to every pixel alone
    way = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    enlarge = np.asarray(
        each.resize((size, each.height), way, (pad - border, 0, pad + longest + border, each.height))
    ).T
    away = np.subtract.outer(np.arange(size), np.arange(size)) / (BLUR * FINE)
    bell = np.where(np.abs(away) < 4, np.exp(-(away**2) / 2), 0)
    blur = bell / bell[size // 2].sum() @ enlarge
    weighed = enlarge * math.sqrt((1 + SHARPEN) / (HIGH - LOW)), blur * math.sqrt(SHARPEN / (HIGH - LOW))
    down = np.array(weighed, np.float32)
    return _Grid(scale, pad, down, np.ascontiguousarray(down.transpose(0, 2, 1)))


def _sharpened(ink: Levels, grid: _Grid) -> Levels:
    """The ink, [H, W] with its border, in fine pixels, without blur: ground is 0 and full ink 1."""
    rows, columns = ink.shape
    fine = math.ceil(grid.scale * rows), math.ceil(grid.scale * columns)
    down, across = grid.down[:, : fine[0], :rows], grid.across[:, :columns, : fine[1]]
    ink = ink * np.float32(1 / _full(ink))
    sharp: Levels
    sharp, blurred = down @ (ink @ across)
    sharp -= blurred
    sharp -= LOW / (HIGH - LOW)
    np.maximum(sharp, 0, out=sharp)
    np.minimum(sharp, 1, out=sharp)
    return sharp


def _full(ink: Levels) -> float:
    """The level of full ink, from the mean in which each pixel weighs as the square of its own."""
    flat = ink.ravel()
    squared = flat * flat
    return INNER * float(squared @ flat) / float(flat @ flat)


def stroke_width(mask: Mask, area: int) -> float:
    """Mean width of strokes, in pixels of their mask [H, W], `area` of it: twice that over the outline's length."""
    outline = np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    return 2 * area / max(int(outline), 1)
