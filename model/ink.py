"""Find the ink in a picture: which side of the ground it lies on, how the light falls, how far it stands out."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from model.components import Mask
from model.grey import Levels, Pixels
from model.morphology import close

Polarity = Literal["auto", "dark-on-light", "light-on-dark"]
Histogram = NDArray[np.intp]
Floats = NDArray[np.float64]

GRID = 32
"""Cells along the longest side of the coarse picture that shows the light without the strokes."""
REACH = 6
"""Cells on either side over which the ground is sought: strokes up to 2/5 of the picture wide are bridged."""
NEIGHBOURHOOD = 6
"""Cells are compared with the mean over this fraction (1/6) of the shorter side on either side of them."""
FLAT = 0.18
"""Ground of one level over this fraction of the picture was drawn or cleaned: there is no light to even out."""
FLAT_QUARTER = 0.01
"""And over this fraction of each of its quarters, unless its sides are all of that ground."""
TWO_TONES = 0.95
"""Otsu's separability above which a picture is two flat tones: printed or drawn on a screen, not photographed."""
ENOUGH_GROUND = 0.4
"""What lies along the sides is the ground only if it makes up this fraction of the picture; else it is a frame."""

SIDE = 0.05
"""Lines along the sides, and those from one to the other, come at least so near, as a fraction of the picture."""
FLATTENED = 0.07
"""In the second look the ground is followed over this fraction of the picture, each way: no stroke is broader."""

LEVEL = np.arange(256)
SQUARE = LEVEL * LEVEL


@dataclass(slots=True)
class Ink:
    """How far each pixel stands out from its ground, uint8 [H, W], and whether it does so on the dark side.

    `pixels`: the picture, inverted where its ink is light; `threshold`: the level above which there is ink, as Otsu
    cut it; `count`: how many pixels have each level, from 0 on; `rim`: the highest level in the margin, SIDE of the
    picture broad; `unevenness`: the grey levels over which the ground itself varies, 0 where it is of one `level`.
    """

    pixels: Pixels
    levels: Pixels
    threshold: int
    count: Histogram
    rim: int
    dark: bool
    unevenness: int = 0
    level: int | None = None


def find_ink(pixels: Pixels, polarity: Polarity) -> Ink:
    """Separate ink from ground in a grey picture, uint8 [H, W]."""
    count = histogram(pixels)
    threshold = int(otsu(count))
    dark = polarity == "dark-on-light"
    if polarity == "auto":
        ring, level = float(share_of_ring(pixels, np.asarray(threshold))), int(count.argmax())
        one_level = count[level] >= FLAT * pixels.size and (ring in (0, 1) or _is_all_over(pixels == level))
        flat = one_level or _separability(count, threshold) >= TWO_TONES
        share = int(count[threshold + 1 :].sum()) / pixels.size
        dark = bool(is_light_around(ring, share)) if flat else _stands_out_dark(_coarse(pixels))
    if not dark:
        pixels, count, threshold = ~pixels, count[::-1], 254 - threshold
    level = threshold + 1 + int(count[threshold + 1 :].argmax()) if threshold < 255 else 255
    if count[level] >= FLAT * pixels.size:
        levels = darker(pixels, np.uint8(level))
        ink = Ink(pixels, levels, level - threshold - 1, count[level::-1], int(rim(levels)), dark, level=level)
        if ink.rim <= ink.threshold or _is_all_over(pixels == level):
            return ink
    ground = find_ground(_coarse(pixels), pixels.shape)
    return _stands_out(pixels, np.maximum(ground, pixels), dark, int(np.ptp(ground)))


def darker(pixels: Pixels, ground: Pixels | np.uint8) -> Pixels:
    """By how many levels pixels are darker than the ground, uint8 [...]; 0 where they are lighter."""
    levels: Pixels = ground - pixels
    levels *= pixels < ground  # a third of the time that the lesser of the two takes
    return levels


def flattened(ink: Ink) -> Ink:
    """The same ink where the ground is followed more closely, over FLATTENED of the picture each way."""
    ground = close(ink.pixels, 1 + round(FLATTENED * max(ink.pixels.shape)))
    return _stands_out(ink.pixels, ground, ink.dark, ink.unevenness)


def _stands_out(pixels: Pixels, ground: Pixels, dark: bool, unevenness: int) -> Ink:
    """Dark ink on a ground that is nowhere darker, both uint8 [H, W]."""
    levels = ground - pixels
    count = histogram(levels)
    return Ink(pixels, levels, int(otsu(count)), count, int(rim(levels)), dark, unevenness)


def rim(levels: Pixels) -> Histogram:
    """The highest level in the margin of a picture, or of each of many: uint8 [..., H, W] -> [...]."""
    rows, columns = levels.shape[-2:]
    high, wide = 1 + round(SIDE * rows), 1 + round(SIDE * columns)
    sides = levels[..., :high, :], levels[..., -high:, :], levels[..., :wide], levels[..., -wide:]
    margins = [side.reshape(*levels.shape[:-2], -1).max(axis=-1) for side in sides]
    highest: Histogram = np.maximum.reduce(margins).astype(np.intp)
    return highest


def _is_all_over(mask: Mask) -> bool:
    """Whether pixels of a mask [H, W] lie in all quarters of it: a shadow may leave the rest of a picture flat."""
    rows, columns = mask.shape[0] // 2, mask.shape[1] // 2
    quarters = mask[:rows, :columns], mask[:rows, columns:], mask[rows:, :columns], mask[rows:, columns:]
    return all(np.count_nonzero(quarter) >= FLAT_QUARTER * quarter.size for quarter in quarters)


def _coarse(pixels: Pixels) -> Pixels:
    """The picture averaged over cells, [at most GRID, at most GRID]."""
    cell = -(-max(pixels.shape) // GRID)
    return np.asarray(Image.fromarray(pixels).reduce(cell)) if cell > 1 else pixels


def share_of_ring(pixels: Pixels, threshold: Histogram) -> Floats:
    """The share of the pixels along the sides that lies above a threshold: uint8 [..., H, W] and [...] -> [...]."""
    sides = pixels[..., 0, :], pixels[..., -1, :], pixels[..., 0], pixels[..., -1]
    ring = np.concatenate(sides, axis=-1)
    share: Floats = (ring > threshold[..., np.newaxis]).sum(axis=-1) / ring.shape[-1]
    return share


def is_light_around(ring: float | Floats, share: float | Floats) -> Mask:
    """Whether of two tones the lighter is the ground: the one along the sides, if there is enough of it.

    `ring` is its share there, `share` that of the whole; of one picture, or of many, [N].
    """
    enough = np.where(ring > 0.5, share, 1 - share) >= ENOUGH_GROUND
    light: Mask = np.where(enough, ring, share) > 0.5
    return light


def _stands_out_dark(coarse: Pixels) -> bool:
    """Whether what stands out from its neighbourhood does so on the dark side: the sign of the skewness.

    Shadows and slopes of the light cancel out.
    """
    levels = coarse.astype(np.float32)
    away = levels - _mean_nearby(levels, max(1, min(coarse.shape) // NEIGHBOURHOOD))
    return float((away * away * away).sum()) <= 0


def _mean_nearby(levels: Levels, reach: int) -> Levels:
    """The mean up to `reach` rows and columns away, [H, W], of what lies within the picture."""
    for _ in range(2):
        total = np.zeros((levels.shape[0] + 1, levels.shape[1]), np.float32)
        levels.cumsum(axis=0, out=total[1:])
        row = np.arange(levels.shape[0])
        first, last = np.maximum(row - reach, 0), np.minimum(row + reach + 1, row.size)
        levels = np.divide((total[last] - total[first]).T, last - first, dtype=np.float32)
    return levels


def find_ground(coarse: Pixels, shape: tuple[int, int]) -> Pixels:
    """The sheet without its dark ink, uint8 [H, W] of the shape asked: a closing follows shadows, not strokes."""
    closed = Image.fromarray(close(coarse, REACH)).filter(ImageFilter.BoxBlur(1))
    return np.asarray(closed.resize(shape[::-1], Image.Resampling.BILINEAR))


def histogram(pixels: Pixels) -> Histogram:
    """How many pixels have each level: uint8 [...] -> [256]."""
    return np.bincount(pixels.ravel(), minlength=256)


def otsu(count: Histogram) -> Histogram:
    """Split a histogram, or each of many, into its two most distinct classes: the highest level of the lower one.

    [..., 256] -> [...] (Otsu 1979).
    """
    below, mass = count.cumsum(axis=-1), (count * LEVEL).cumsum(axis=-1)
    total = below[..., -1:]
    between = mass[..., -1:] / total * below
    between -= mass
    between *= between
    between /= np.maximum(below * (total - below), 1)
    best: Histogram = between.argmax(axis=-1)
    return best


def _separability(count: Histogram, threshold: int) -> float:
    """The variance between the two classes of a histogram [256] as a fraction of the whole; 0 of one level only."""
    below, total = int(count[: threshold + 1].sum()), int(count.sum())
    mass = int((count * LEVEL)[: threshold + 1].sum())
    mean = int(count @ LEVEL) / total
    variance = float(count @ SQUARE) - total * mean * mean
    between = (mean * below - mass) ** 2 / max(below * (total - below), 1)
    return between * total / variance if variance > 0 else 0.0
