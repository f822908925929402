"""Find the ink in a picture: which side of the ground it lies on, how the light falls, how far it stands out."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

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
TWO_TONES = 0.95
"""Otsu's separability above which a picture is two flat tones: printed or drawn on a screen, not photographed."""
ENOUGH_GROUND = 0.4
"""What lies along the sides is the ground only if it makes up this fraction of the picture; else it is a frame."""

SIDE = 0.05
"""Lines along the sides, and those from one to the other, come at least so near, as a fraction of the picture."""
FLATTENED = 0.07
"""In the second look the ground is followed over this fraction of the picture, each way: no stroke is broader."""

LEVEL = np.arange(256)


@dataclass(frozen=True, slots=True)
class Ink:
    """How far each pixel stands out from its ground, uint8 [H, W], and whether it does so on the dark side.

    `pixels`: the picture, inverted where its ink is light; `unevenness`: the grey levels over which the ground itself
    varies, 0 where it is of one `level`, else None. `count` is the histogram of the levels [256], `rim` the highest of
    those that lie in the margin, SIDE of the picture broad.
    """

    pixels: Pixels
    levels: Pixels
    count: Histogram
    rim: int
    dark: bool
    unevenness: int
    level: int | None


def find_ink(pixels: Pixels, polarity: Polarity) -> Ink:
    """Separate ink from ground in a grey picture, uint8 [H, W]."""
    coarse = _coarse(pixels)
    count = histogram(pixels)
    threshold, separability = otsu(count)
    dark = polarity == "dark-on-light"
    if polarity == "auto":
        flat = separability >= TWO_TONES or count.max() >= FLAT * pixels.size
        dark = _is_light_around(pixels, threshold) if flat else _stands_out_dark(coarse)
    if not dark:
        pixels, coarse, count, threshold = ~pixels, ~coarse, count[::-1], 254 - threshold
    level = threshold + 1 + int(np.argmax(count[threshold + 1 :])) if threshold < 255 else 255
    if count[level] >= FLAT * pixels.size:
        levels = level - np.minimum(pixels, np.uint8(level))
        below = np.zeros_like(count)
        below[: level + 1] = count[level::-1]
        below[0] += count[level + 1 :].sum()
        return Ink(pixels, levels, below, rim(levels), dark, 0, level)
    ground = find_ground(coarse, pixels.shape)
    levels = np.maximum(ground, pixels) - pixels
    return Ink(pixels, levels, histogram(levels), rim(levels), dark, int(np.ptp(ground)), None)


def flattened(ink: Ink) -> Ink:
    """The same ink where the ground is followed more closely, over FLATTENED of the picture each way."""
    levels = close(ink.pixels, 1 + round(FLATTENED * max(ink.pixels.shape))) - ink.pixels
    return replace(ink, levels=levels, count=histogram(levels), rim=rim(levels), level=None)


def rim(levels: Pixels) -> int:
    """The highest level in the margin of a picture, uint8 [H, W]."""
    high, wide = (1 + round(SIDE * length) for length in levels.shape)
    strips = levels[:high], levels[-high:], levels[:, :wide], levels[:, -wide:]
    return max(int(strip.max()) for strip in strips)


def _coarse(pixels: Pixels) -> Pixels:
    """The picture averaged over cells, [at most GRID, at most GRID]."""
    cell = -(-max(pixels.shape) // GRID)
    return np.asarray(Image.fromarray(pixels).reduce(cell)) if cell > 1 else pixels


def _is_light_around(pixels: Pixels, threshold: int) -> bool:
    """Whether of two tones the lighter is the ground: the one along the sides, if there is enough of it."""
    light = pixels > threshold
    ring = np.count_nonzero(light[[0, -1]]) + np.count_nonzero(light[:, [0, -1]])
    ring_is_light = ring > sum(light.shape)
    share = np.count_nonzero(light) / light.size
    enough = (share if ring_is_light else 1 - share) >= ENOUGH_GROUND
    return bool(ring_is_light if enough else share > 0.5)


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
    variance = float(count @ (LEVEL - mean) ** 2)
    between = (mean * below - mass) ** 2 / np.maximum(below * (total - below), 1)
    best = int(between.argmax())
    return best, float(between[best]) * total / variance if variance else 0.0
