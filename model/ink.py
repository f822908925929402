"""Find the ink in a picture: which side of the ground it lies on, how the light falls, and where it begins."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from model.grey import Pixels
from model.morphology import grow, shrink

Polarity = Literal["auto", "dark-on-light", "light-on-dark"]
Levels = NDArray[np.float32]
Histogram = NDArray[np.int64]

GRID = 32
"""Cells along the longest side of the grid on which the ground is sought."""
REACH = 6
"""Cells on either side over which the ground is sought: strokes up to 2/5 of the picture wide are bridged."""
FLAT = 0.25
"""Ground of one level over this fraction of the picture was drawn or cleaned: there is no light to even out."""
TWO_TONES = 0.95
"""Otsu's separability above which a picture is two flat tones: printed or drawn on a screen, not photographed."""
ENOUGH_GROUND = 0.4
"""What lies along the sides is the ground only if it makes up this fraction of the picture; else it is a frame."""
COARSE = 64
"""Longest side of the reduced picture that tells on which side of its ground the ink lies."""
NEIGHBOURHOOD = 5
"""Pixels are compared with the mean over this fraction (1/5) of the shorter side on either side of them."""


@dataclass(frozen=True, slots=True)
class Ink:
    """How far each pixel stands out from its ground, uint8 [H, W], and whether it does so on the dark side.

    `unevenness`: the grey levels over which the ground itself varies.
    """

    levels: Pixels
    dark: bool
    unevenness: int


def find_ink(picture: Image.Image, polarity: Polarity) -> Ink:
    """Separate ink from ground in a grey picture."""
    dark = is_dark(picture) if polarity == "auto" else polarity == "dark-on-light"
    light = picture if dark else ImageChops.invert(picture)
    flat = _flat_ground(light)
    if flat is not None:
        return Ink(np.asarray(light.point([max(flat - level, 0) for level in range(256)])), dark, unevenness=0)
    ground = find_ground(light)
    levels = np.asarray(ImageChops.subtract(ground, light))
    return Ink(levels, dark, int(np.ptp(np.asarray(ground))))


def is_dark(picture: Image.Image) -> bool:
    """Whether the ink is darker than its ground.

    Of two flat tones the ground is the one along the sides. Otherwise the light may be uneven, and it is the sign of
    the skewness that tells: ink stands out from its neighbourhood farther than its ground does.
    """
    pixels = np.asarray(picture)
    count = histogram(pixels)
    threshold, separability = otsu(count)
    if separability >= TWO_TONES or count.max() >= FLAT * pixels.size:
        ring = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]) > threshold
        light = np.count_nonzero(pixels > threshold) / pixels.size
        ring_is_light = 2 * np.count_nonzero(ring) > ring.size
        share = light if ring_is_light else 1 - light
        return bool(ring_is_light if share >= ENOUGH_GROUND else light > 0.5)
    cell = -(-max(picture.size) // COARSE)
    coarse = np.asarray(picture.reduce(cell) if cell > 1 else picture, np.float32)
    away = coarse - _mean_nearby(coarse, max(1, min(coarse.shape) // NEIGHBOURHOOD))
    return float((away * away * away).sum()) <= 0


def _mean_nearby(pixels: Levels, reach: int) -> Levels:
    """The mean up to `reach` rows and columns away, [H, W], of what lies within the picture."""
    mean: Levels = pixels
    for _ in range(2):
        total = np.zeros((mean.shape[0] + 1, mean.shape[1]), np.float32)
        mean.cumsum(axis=0, out=total[1:])
        row = np.arange(mean.shape[0])
        below, above = np.maximum(row - reach, 0), np.minimum(row + reach + 1, row.size)
        mean = ((total[above] - total[below]) / (above - below)[:, np.newaxis]).T.astype(np.float32)
    return mean


def _flat_ground(light: Image.Image) -> int | None:
    """The one level of a ground that was drawn, or cleaned; None where it is more than one."""
    count = histogram(np.asarray(light))
    threshold, _ = otsu(count)
    level = int(np.argmax(np.where(np.arange(256) > threshold, count, 0)))
    return level if count[level] >= FLAT * count.sum() else None


def find_ground(light: Image.Image) -> Image.Image:
    """The sheet without its dark ink: a closing on a coarse grid, which follows shadows but not strokes."""
    cell = -(-max(light.size) // GRID)
    coarse = light.reduce(cell) if cell > 1 else light
    closed = Image.fromarray(shrink(grow(np.asarray(coarse), REACH), REACH))
    return closed.filter(ImageFilter.BoxBlur(1)).resize(light.size, Image.Resampling.BILINEAR)


def histogram(pixels: Pixels) -> Histogram:
    """How many pixels have each level: uint8 [...] -> [256]."""
    return np.bincount(pixels.ravel(), minlength=256)


def otsu(histogram: Histogram) -> tuple[int, float]:
    """Split a histogram [256] into its two most distinct classes (Otsu 1979).

    Returns the highest level of the lower class, and the separability: the variance between the classes as a
    fraction of the whole, 0 where there is one level only.
    """
    level = np.arange(256)
    count = histogram.cumsum()
    mass = (histogram * level).cumsum()
    total, mean = int(count[-1]), mass[-1] / count[-1]
    variance = float(histogram @ (level - mean) ** 2)
    pairs = count * (total - count)
    between = (mean * count - mass) ** 2 / np.maximum(pairs, 1)
    best = int(np.argmax(between))
    return best, float(between[best]) * total / variance if variance else 0.0
