"""Frame any grey picture of a digit as MNIST framed its own: 20 pixels long, centred by mass, light on dark.

The steps follow the MNIST page (LeCun, Cortes, Burges) and its reconstruction QMNIST (Yadav, Bottou 2019).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from model.components import Components, find_components
from model.contract import SIZE
from model.grey import Pixels
from model.ink import Ink, find_ink

Polarity = Literal["auto", "dark-on-light", "light-on-dark"]
Box = tuple[int, int, int, int]
Mask = NDArray[np.bool_]

WORKING = 256
"""Longest side, in pixels, of the picture that is searched for ink: larger ones are averaged down first."""
FINE = 4
"""Fine pixels per side of a pixel of the frame: strokes are weighed and the digit is placed on this finer grid."""
LONGEST = 20
"""Longest side of an MNIST digit, in pixels of the frame."""
CENTRE = 14.5
"""Where MNIST has the centre of mass, in pixels from the frame's edge: the middle of the 15th pixel."""
THINNEST = 1.5
"""Strokes thinner than this, in pixels of the frame, are widened; 95 % of MNIST's are wider."""


@dataclass(frozen=True, slots=True)
class Framed:
    """A framed picture, and what was found on the way.

    `image` uint8 (28, 28), light ink on dark; `inverted`: the ink was darker than its ground; `box`: left, top,
    right, bottom of the ink in pixels of the picture (all of it where it was taken as it is, None where blank);
    `reason`: why this is not one digit, if framing can tell.
    """

    image: Pixels
    inverted: bool
    box: Box | None
    warnings: tuple[str, ...] = ()
    reason: str | None = None


def frame_digit(pixels: Pixels, polarity: Polarity = "auto") -> Framed:
    """Frame a picture, uint8 [H, W] with at least one pixel, of any size and light. Never fails."""
    rows, columns = pixels.shape
    if polarity != "dark-on-light" and _is_framed(pixels):
        return Framed(pixels, inverted=False, box=(0, 0, columns, rows))
    factor = -(-max(rows, columns) // WORKING)
    picture = Image.fromarray(pixels)
    ink = find_ink(picture.reduce(factor) if factor > 1 else picture, polarity)
    parts = find_components(ink.mask)
    kept = _keep(parts)
    if not kept.any():
        return Framed(np.zeros((SIZE, SIZE), np.uint8), ink.dark, None, reason="blank")
    left, top = int(parts.left[kept].min()), int(parts.top[kept].min())
    right, bottom = int(parts.right[kept].max()), int(parts.bottom[kept].max())
    image = _draw(ink, parts.mask(kept), (left, top, right, bottom))
    box = (left * factor, top * factor, min(right * factor, columns), min(bottom * factor, rows))
    return Framed(image, ink.dark, box, (), _reason(parts, kept))


def _is_framed(pixels: Pixels) -> bool:
    """Whether a picture is framed as MNIST's are: light ink, 19 or 20 pixels long, its mass in the middle."""
    if pixels.shape != (SIZE, SIZE) or pixels[0, 0] or pixels[-1, -1]:
        return False
    across, down = np.flatnonzero(pixels.any(axis=0)), np.flatnonzero(pixels.any(axis=1))
    if not across.size:
        return False
    longest = max(across[-1] - across[0], down[-1] - down[0]) + 1
    if not LONGEST - 1 <= longest <= LONGEST + 1:
        return False
    weight = pixels.astype(np.float32)
    index = np.arange(SIZE, dtype=np.float32)
    offset = np.array([weight.sum(axis=0) @ index, weight.sum(axis=1) @ index]) / weight.sum() + 0.5 - CENTRE
    return bool(np.abs(offset).max() <= 0.75)


def _keep(parts: Components) -> Mask:
    """Which parts belong to the digit: bool [K]."""
    rows, columns = parts.shape
    if not parts.area.size:
        return np.zeros(0, np.bool_)
    edge = (parts.left == 0) | (parts.top == 0) | (parts.right == columns) | (parts.bottom == rows)
    if edge.all():
        edge[:] = False
    main = int(np.where(edge, 0, parts.area).max())
    kept: Mask = ~edge & (parts.area >= max(0.05 * main, 2))
    return kept


def _reason(parts: Components, kept: Mask) -> str | None:
    """Tell digits side by side: two parts nearly as high as the highest that share no column."""
    height = (parts.bottom - parts.top)[kept]
    tall = height >= 0.6 * height.max()
    left, right = parts.left[kept][tall], parts.right[kept][tall]
    return "several_digits" if left.max() >= right.min() else None


def _draw(ink: Ink, mask: Mask, box: Box) -> Pixels:
    """Draw the ink in the box as MNIST would have: uint8 (28, 28)."""
    left, top, right, bottom = box
    near = Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).filter(ImageFilter.MaxFilter(3))
    digit = Image.fromarray(np.where(np.asarray(near), ink.levels, 0)).crop(box)
    scale = LONGEST * FINE / max(right - left, bottom - top)
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    fine = digit.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR)
    fine = _stretch(fine, ink.threshold)
    return np.asarray(_place(_widen(fine)).reduce(FINE))


def _stretch(fine: Image.Image, threshold: int) -> Image.Image:
    """Raise the peak to white."""
    peak = max(int(np.asarray(fine).max()), 1)
    return fine.point([min(255, round(level * 255 / peak)) for level in range(256)])


def _widen(fine: Image.Image) -> Image.Image:
    """Widen strokes that the network would hardly see."""
    return fine


def _place(fine: Image.Image) -> Image.Image:
    """Put the centre of mass where MNIST has it, on the fine grid."""
    weight = np.asarray(fine, np.float32)
    total = max(float(weight.sum()), 1.0)
    x = float(weight.sum(axis=0) @ np.arange(fine.width)) / total + 0.5
    y = float(weight.sum(axis=1) @ np.arange(fine.height)) / total + 0.5
    canvas = Image.new("L", (SIZE * FINE, SIZE * FINE))
    canvas.paste(fine, (round(CENTRE * FINE - x), round(CENTRE * FINE - y)))
    return canvas
