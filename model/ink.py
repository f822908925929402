"""Find the ink in a picture: which side is ink, how the light falls, and where ink begins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.grey import Pixels


@dataclass(frozen=True, slots=True)
class Ink:
    """How far each pixel stands out from its ground, uint8 [H, W], and the level where ink begins."""

    levels: Pixels
    threshold: int
    mask: NDArray[np.bool_]
    dark: bool


def find_ink(picture: Image.Image, polarity: str) -> Ink:
    """Separate ink from ground in a grey picture."""
    pixels = np.asarray(picture).astype(np.int16)
    ring = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = int(np.median(ring))
    if polarity == "auto":
        away = pixels.astype(np.float32) - ground
        dark = bool((away**3).sum() < 0)
    else:
        dark = polarity == "dark-on-light"
    levels = np.clip(ground - pixels if dark else pixels - ground, 0, 255).astype(np.uint8)
    threshold = otsu(np.asarray(Image.fromarray(levels).histogram()))
    return Ink(levels, threshold, levels > threshold, dark)


def otsu(histogram: NDArray[np.int64]) -> int:
    """The level that splits a histogram [256] into its two most distinct classes (Otsu 1979)."""
    count = histogram.cumsum()
    mass = (histogram * np.arange(256)).cumsum()
    above = count[-1] - count
    valid = (count > 0) & (above > 0)
    mean = mass[-1] / count[-1]
    spread = (mean * count - mass) ** 2 / np.where(valid, count * above, 1)
    return int(np.argmax(np.where(valid, spread, -1)))
