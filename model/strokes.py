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
"""Fine pixels per side of a pixel of the frame."""
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
THINNEST = 1.5
"""Strokes thinner than this, in pixels of the frame, are widened; 95 % of MNIST's are wider."""


@dataclass(frozen=True, slots=True)
class Strokes:
    """A digit on the fine grid, 0 to 1 [H, W], light on dark, and whether its strokes had to be widened."""

    fine: Levels
    widened: bool


def redraw(levels: Pixels, mask: Mask, box: Box) -> Strokes:
    """Draw the ink of a mask, both [H, W], from its box: LONGEST * FINE fine pixels long, plus the border."""
    ink = _sharpened(levels, mask, box)
    widen = max(0, round((THINNEST * FINE - stroke_width(ink > 0.5)) / 2))
    return Strokes(grow(ink, widen) if widen else ink, widened=widen > 0)


def _sharpened(levels: Pixels, mask: Mask, box: Box) -> Levels:
    """The box of the ink and the border around it, in fine pixels, without blur: ground is 0 and full ink 1."""
    width, height = box[2] - box[0], box[3] - box[1]
    longest = max(width, height)
    grid = _grid(longest)
    ink = _cut(levels, mask, box, grid.pad, max(1, round(longest / LONGEST)))
    down = slice(0, grid.fine(height)), slice(0, ink.shape[0])
    across = slice(0, grid.fine(width)), slice(0, ink.shape[1])
    sharp: Levels = grid.enlarge[down] @ (ink @ grid.enlarge[across].T)
    blurred: Levels = grid.blur[down] @ (ink @ grid.blur[across].T)
    span = (HIGH - LOW) * _full(sharp)
    sharp *= (1 + SHARPEN) / span
    blurred *= SHARPEN / span
    sharp -= blurred
    sharp -= LOW / (HIGH - LOW)
    return sharp.clip(0, 1, out=sharp)


def _full(ink: Levels) -> float:
    """The level of full ink, from the mean in which each pixel weighs as the square of its own."""
    flat = ink.ravel()
    squared = flat * flat
    return INNER * float(squared @ flat) / float(squared.sum())


def _cut(levels: Pixels, mask: Mask, box: Box, pad: int, reach: int) -> Levels:
    """The box of the ink and `pad` pixels around it; what lies farther than `reach` from the mask is left out."""
    left, top, right, bottom = box
    rows, columns = mask.shape
    above, before = min(pad, top), min(pad, left)
    place = slice(top - above, min(bottom + pad, rows)), slice(left - before, min(right + pad, columns))
    near = grow(mask[place], reach)
    ink = np.zeros((bottom - top + 2 * pad, right - left + 2 * pad), np.float32)  # ground where it leaves the picture
    ink[pad - above :, pad - before :][: near.shape[0], : near.shape[1]] = levels[place] * near
    return ink


@dataclass(frozen=True, slots=True)
class _Grid:
    """How a digit of some length is brought to the fine grid: each way by a matrix [fine pixels, pixels]."""

    scale: float
    pad: int
    enlarge: Levels
    blur: Levels

    def fine(self, length: int) -> int:
        """How many fine pixels so many pixels and the border around them become."""
        return math.ceil(length * self.scale) + 2 * BORDER * FINE


@lru_cache(maxsize=128)
def _grid(longest: int) -> _Grid:
    """The grid for a digit of this length: area averaging down, smoothly up."""
    scale = LONGEST * FINE / longest
    border = BORDER * FINE / scale
    pad = math.ceil(border)
    size = (LONGEST + 2 * BORDER) * FINE
    each = Image.fromarray(np.eye(longest + 2 * pad, dtype=np.float32))  # what resizing does to every pixel alone
    enlarge = np.asarray(
        each.resize(
            (size, each.height),
            Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC,
            (pad - border, 0, pad + longest + border, each.height),
        )
    ).T
    away = np.subtract.outer(np.arange(size), np.arange(size)) / (BLUR * FINE)
    bell = np.exp(-(away**2) / 2).astype(np.float32)
    return _Grid(scale, pad, enlarge, bell / bell[size // 2].sum() @ enlarge)


def stroke_width(mask: Mask) -> float:
    """Mean width of strokes, in pixels of the mask [H, W]: twice the area over the length of the outline."""
    return 2 * int(np.count_nonzero(mask)) / max(outline_length(mask), 1)


def outline_length(mask: Mask) -> int:
    """The steps of the outline of a mask [H, W] within the picture: from a pixel to the next, up, down or sideways."""
    return int(np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1]))
