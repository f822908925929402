"""Paper, light and camera: from an ink mask to the grey picture of it that somebody sends."""

import io

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from model.grey import Pixels

Mask = NDArray[np.float32]
"""How much of each pixel is ink: [H, W], 0 to 1."""

DARK_ON_LIGHT = 0.8
CLEAN = 0.3
"""How many pictures were drawn on a screen: two levels and what lies between, no light, no noise."""
OUT_OF_FOCUS = 0.3
"""How many photographs are so blurred that the loops of a bold 6 or 8 close."""
LEAST_CONTRAST = 45
"""Grey levels between ink and paper, in nearly all pictures."""


def degrade(mask: Mask, rng: Generator) -> Pixels:
    """Show ink on paper as a camera, a scanner or a screen may: uint8 [H, W], or enlarged by up to 6."""
    mask = _marked(mask, rng) if rng.random() < 0.1 else mask
    mask = _pressed(mask, rng) if rng.random() < 0.3 else mask
    show = _drawn if rng.random() < CLEAN else photographed
    return _sent(show(mask, rng), rng)


def scan(mask: Mask, rng: Generator) -> Pixels:
    """Show ink on clean paper under even light, sharp to somewhat blurred: uint8 [H, W], or enlarged by up to 6."""
    paper = rng.uniform(200, 255)
    levels = paper - rng.uniform(100, paper) * mask
    picture = to_pixels(levels if rng.random() < DARK_ON_LIGHT else paper - levels)
    if rng.random() < 0.5:
        picture = blurred(picture, rng.uniform(0.3, 0.3 + min(mask.shape) / 75))
    return _sent(picture, rng)


def photographed(mask: Mask, rng: Generator) -> Pixels:
    """Ink on paper under uneven light, blurred, with the noise of a sensor: uint8 [H, W]."""
    paper = rng.uniform(110, 255)
    contrast = rng.uniform(LEAST_CONTRAST, max(paper - 5, LEAST_CONTRAST + 5))
    if rng.random() < 0.06:
        contrast = rng.uniform(25, LEAST_CONTRAST)
    levels = paper - contrast * mask
    if rng.random() < 0.4:
        levels = levels * light(mask.shape, rng)
    if rng.random() < 0.5:
        grain = rng.uniform(0, min(12, contrast / 8))
        levels = levels + rng.normal(0, grain, mask.shape)
    picture = to_pixels(levels if rng.random() < DARK_ON_LIGHT else paper + 5 - levels + rng.uniform(0, 40))
    focus = rng.random()
    if focus < 0.35:
        picture = blurred(picture, rng.uniform(0.3, 0.3 + min(mask.shape) / 75))
    elif focus < 0.35 + OUT_OF_FOCUS:
        picture = blurred(picture, min(mask.shape) * rng.uniform(0.02, 0.06))
    return picture


def light(shape: tuple[int, ...], rng: Generator) -> Mask:
    """What fraction of the light reaches each place, [H, W]: a slope, a lamp, the edge of a shadow."""
    rows, columns = shape
    y, x = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    along = (x - 0.5) * np.float32(np.cos(angle)) + (y - 0.5) * np.float32(np.sin(angle))
    kind = rng.random()
    if kind < 0.5:
        shade = 1 + along * np.float32(rng.uniform(0.1, 0.5))
    elif kind < 0.8:
        centre = rng.uniform(0, 1, 2)
        distance = (x - np.float32(centre[0])) ** 2 + (y - np.float32(centre[1])) ** 2
        shade = 1 - np.float32(rng.uniform(0.1, 0.5)) * distance
    else:
        softness = rng.uniform(0.03, 0.3)
        shade = 1 - np.float32(rng.uniform(0.1, 0.4)) / (1 + np.exp(-along / np.float32(softness)))
    lit: Mask = np.maximum(shade / shade.max(), np.float32(0.3))
    return lit


def blurred(picture: Pixels, radius: float) -> Pixels:
    """Out of focus, by so many pixels."""
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


def smooth_field(shape: tuple[int, ...], cells: int, rng: Generator) -> Mask:
    """A random field that changes over so many cells along each side: [H, W], 0 to 1."""
    coarse = Image.fromarray(rng.integers(0, 256, (cells + 1, cells + 1), np.uint8))
    rows, columns = shape
    return np.asarray(coarse.resize((columns, rows), Image.Resampling.BICUBIC), np.float32) / np.float32(255)


def _drawn(mask: Mask, rng: Generator) -> Pixels:
    """On a screen or printed and scanned: flat paper, flat ink, now and then without greys between them."""
    if rng.random() < 0.15:
        mask = (mask > 0.5).astype(np.float32)
    light_level, dark_level = (255.0, 0.0) if rng.random() < 0.6 else (rng.uniform(150, 255), rng.uniform(0, 100))
    levels = light_level + (dark_level - light_level) * mask
    return to_pixels(levels if rng.random() < DARK_ON_LIGHT else light_level + dark_level - levels)


def _sent(picture: Pixels, rng: Generator) -> Pixels:
    """Compressed, or enlarged, on the way."""
    chance = rng.random()
    if chance < 0.25:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=int(rng.integers(25, 95)))
        return np.asarray(Image.open(buffer))
    if chance < 0.37 and max(picture.shape) < 64:
        times = int(rng.integers(2, 7))
        size = picture.shape[1] * times, picture.shape[0] * times
        way = rng.choice([Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC])
        return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling(way)))
    return picture


def _pressed(mask: Mask, rng: Generator) -> Mask:
    """Ink that the pen or the press laid on unevenly."""
    least = rng.uniform(0.4, 0.9)
    return mask * np.float32(1 - least) * smooth_field(mask.shape, int(rng.integers(2, 7)), rng) + mask * np.float32(
        least
    )


def _marked(mask: Mask, rng: Generator) -> Mask:
    """What else is on the paper: the line of a form, the end of a neighbour's stroke, specks."""
    marked = mask.copy()
    turned = np.rot90(marked, int(rng.integers(0, 4)))  # a view: what is drawn along its top lies along any side
    rows, columns = turned.shape
    thick = max(1, round(min(rows, columns) * rng.uniform(0.01, 0.04)))
    ink = np.float32(rng.uniform(0.3, 1))
    kind = rng.random()
    if kind < 0.35:
        place = int(rng.integers(0, 1 + rows // 10))
        turned[place : place + thick] = ink
    elif kind < 0.65:
        left, width = int(rng.integers(0, columns)), int(columns * rng.uniform(0.1, 0.4))
        end = turned[: max(1, int(rows * rng.uniform(0.01, 0.06))), left : left + width]
        np.maximum(end, ink, out=end)
    else:
        for _ in range(int(rng.integers(1, 6))):
            y, x = int(rng.integers(0, rows)), int(rng.integers(0, columns))
            turned[y : y + thick, x : x + thick] = ink
    return marked


def to_pixels(levels: NDArray[np.floating]) -> Pixels:
    """Grey levels, rounded: [H, W] -> uint8 [H, W]."""
    pixels: Pixels = np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
    return pixels
