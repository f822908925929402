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
    threshold, separability = otsu(count)
    dark = polarity == "dark-on-light"
    if polarity == "auto":
        light = _share_of_ring(pixels, threshold)
        level = int(count.argmax())
        one_level = count[level] >= FLAT * pixels.size and (light in (0, 1) or _is_all_over(pixels == level))
        flat = one_level or separability >= TWO_TONES
        dark = _is_light_around(light, count, threshold) if flat else _stands_out_dark(_coarse(pixels))
    if not dark:
        pixels, count, threshold = ~pixels, count[::-1], 254 - threshold
    level = threshold + 1 + int(count[threshold + 1 :].argmax()) if threshold < 255 else 255
    if count[level] >= FLAT * pixels.size:
        levels = darker(pixels, np.uint8(level))
        ink = Ink(pixels, levels, level - threshold - 1, count[level::-1], rim(levels), dark, level=level)
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
    return Ink(pixels, levels, otsu(count)[0], count, rim(levels), dark, unevenness)


def rim(levels: Pixels) -> int:
    """The highest level in the margin of a picture, uint8 [H, W]."""
    across, down = bytes(np.maximum.reduce(levels, axis=0)), bytes(np.maximum.reduce(levels, axis=1))
    wide, high = 1 + round(SIDE * len(across)), 1 + round(SIDE * len(down))
    return max(max(across[:wide]), max(across[-wide:]), max(down[:high]), max(down[-high:]))


def _is_all_over(mask: Mask) -> bool:
    """Whether pixels of a mask [H, W] lie in all quarters of it: a shadow may leave the rest of a picture flat."""
    rows, columns = mask.shape[0] // 2, mask.shape[1] // 2
    quarters = mask[:rows, :columns], mask[:rows, columns:], mask[rows:, :columns], mask[rows:, columns:]
    return all(np.count_nonzero(quarter) >= FLAT_QUARTER * quarter.size for quarter in quarters)


def _coarse(pixels: Pixels) -> Pixels:
    """The picture averaged over cells, [at most GRID, at most GRID]."""
    cell = -(-max(pixels.shape) // GRID)
    return np.asarray(Image.fromarray(pixels).reduce(cell)) if cell > 1 else pixels


def _share_of_ring(pixels: Pixels, threshold: int) -> float:
    """The share of the pixels along the sides that lies above a threshold."""
    ring = np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])) > threshold
    return int(np.count_nonzero(ring)) / ring.size


def _is_light_around(ring: float, count: Histogram, threshold: int) -> bool:
    """Whether of two tones the lighter is the ground: the one along the sides, if there is enough of it.

    `ring` is its share there.
    """
    share = int(count[threshold + 1 :].sum()) / int(count.sum())
    enough = (share if ring > 0.5 else 1 - share) >= ENOUGH_GROUND
    return ring > 0.5 if enough else share > 0.5


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


def otsu(count: Histogram) -> tuple[int, float]:
    """Split a histogram [256] into its two most distinct classes (Otsu 1979).

    Returns the highest level of the lower class, and the separability: the variance between the classes as a
    fraction of the whole, 0 where there is one level only.
    """
    below = count.cumsum()
    mass = (count * LEVEL).cumsum()
    total, mean = int(below[-1]), float(mass[-1] / below[-1])
    between = mean * below
    between -= mass
    between *= between
    between /= np.maximum(below * (total - below), 1)
    best = int(between.argmax())
    variance = float(count @ SQUARE) - total * mean * mean
    return best, float(between[best]) * total / variance if variance > 0 else 0.0


def otsus(count: Histogram) -> Histogram:
    """The same highest levels of the lower classes of many histograms: [N, 256] -> [N]."""
    below, mass = count.cumsum(axis=1), (count * LEVEL).cumsum(axis=1)
    total, mean = below[:, -1:], mass[:, -1:] / below[:, -1:]
    between = (mean * below - mass) ** 2 / np.maximum(below * (total - below), 1)
    best: Histogram = between.argmax(axis=1)
    return best


def rims(levels: Pixels) -> Histogram:
    """The highest level in the margin of each of many pictures, uint8 [N, H, W] -> [N]."""
    count, rows, columns = levels.shape
    wide, high = 1 + round(SIDE * columns), 1 + round(SIDE * rows)
    sides = levels[:, :high], levels[:, -high:], levels[:, :, :wide], levels[:, :, -wide:]
    margins = [side.reshape(count, -1).max(axis=1) for side in sides]
    highest: Histogram = np.maximum.reduce(margins).astype(np.intp)
    return highest
