"""Redraw the strokes of a digit on a fine grid: as sharp, as even and as wide as MNIST's pens drew them."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from model.components import Mask
from model.grey import Pixels
from model.morphology import grow
from model.working import Box

FINE = 4
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
THINNEST = 1.5
"""Strokes thinner than this, in pixels of the frame, are widened; 95 % of MNIST's are wider."""
ROOM = 0.8
"""Full ink is sharpened at this fraction of white, to leave room for what sharpening overshoots."""

_LEVEL = np.arange(256)
_CURVE = np.rint(255 * ((_LEVEL / 255 / ROOM - LOW) / (HIGH - LOW)).clip(0, 1)).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Strokes:
    """A digit on the fine grid, uint8 [H, W], light on dark, and whether its strokes had to be widened."""

    fine: Pixels
    widened: bool


def redraw(levels: Pixels, mask: Mask, box: Box) -> Strokes:
    """Draw the ink of a mask, both [H, W], from its box: LONGEST * FINE fine pixels long, plus the border."""
    ink = _sharpened(_enlarged(levels, mask, box))
    widen = max(0, round((THINNEST * FINE - stroke_width(ink > 127)) / 2))
    return Strokes(grow(ink, widen) if widen else ink, widened=widen > 0)


def _enlarged(levels: Pixels, mask: Mask, box: Box) -> Image.Image:
    """The box of the ink and the border around it, in fine pixels: area averaging down, smoothly up.

    What lies farther than a pixel of the frame from the mask is left out.
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    scale = LONGEST * FINE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    border = BORDER * FINE
    x, y = border * width / size[0], border * height / size[1]
    pad = math.ceil(max(x, y))
    rows, columns = mask.shape
    above, before = min(pad, top), min(pad, left)
    place = slice(top - above, min(bottom + pad, rows)), slice(left - before, min(right + pad, columns))
    near = grow(mask[place], max(1, round(FINE / scale)))
    ink = np.zeros((height + 2 * pad, width + 2 * pad), np.uint8)  # ground where the border leaves the picture
    ink[pad - above :, pad - before :][: near.shape[0], : near.shape[1]] = levels[place] * near
    return Image.fromarray(ink).resize(
        (size[0] + 2 * border, size[1] + 2 * border),
        Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC,
        (pad - x, pad - y, pad + width + x, pad + height + y),
    )


def _sharpened(picture: Image.Image) -> Pixels:
    """Take back blur, and bring ground to 0 and full ink to 255: levels [H, W] -> [H, W]."""
    ink = np.asarray(picture)
    bright = np.sort(ink[ink > ink.max() // 2])
    full = float(bright[3 * bright.size // 4]) if bright.size else 255.0
    scaled = np.minimum(_LEVEL * (ROOM * 255 / full), 255).astype(np.uint8)[ink]
    blur = ImageFilter.UnsharpMask(BLUR * FINE, round(100 * SHARPEN), 0)
    sharp: Pixels = _CURVE[np.asarray(Image.fromarray(scaled).filter(blur))]
    return sharp


def stroke_width(mask: Mask) -> float:
    """Mean width of strokes, in pixels of the mask [H, W]: twice the area over the length of the outline."""
    outline = int(np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1]))
    return 2 * int(np.count_nonzero(mask)) / max(outline, 1)
