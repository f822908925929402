"""Bring a picture to the size at which ink is sought: steps measured in its pixels then mean the same in all."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from model.grey import Pixels

Box = tuple[int, int, int, int]

LARGEST = 256
"""Longest side of a working picture, in pixels."""
USUAL = 112
"""The longest side that smaller pictures are enlarged to, about: four times the frame."""


@dataclass(frozen=True, slots=True)
class Working:
    """A grey picture of working size, each of whose pixels stands for `scale` pixels of the original, each way."""

    picture: Image.Image
    scale: float
    original: tuple[int, int]

    def in_original(self, box: Box) -> Box:
        """Left, top, right, bottom in the original's pixels, all that the box touches."""
        left, top, right, bottom = (side * self.scale for side in box)
        width, height = self.original
        return math.floor(left), math.floor(top), min(math.ceil(right), width), min(math.ceil(bottom), height)


def to_working(pixels: Pixels) -> Working:
    """Bring a picture, uint8 [H, W], to working size: averaged down, or enlarged smoothly."""
    rows, columns = pixels.shape
    repeats = count_repeats(pixels)
    picture = Image.fromarray(np.ascontiguousarray(pixels[::repeats, ::repeats]))
    longest = max(picture.size)
    shrink, enlarge = -(-longest // LARGEST), max(1, round(USUAL / longest))
    if shrink > 1:
        picture = picture.reduce(shrink)
    elif repeats == 1 and picture.getcolors(2):
        picture = picture.filter(ImageFilter.BoxBlur(1))  # greys, if it had any, are in the density of its dots
    if enlarge > 1:
        size = picture.width * enlarge, picture.height * enlarge
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    return Working(picture, repeats * shrink / enlarge, (columns, rows))


def count_repeats(pixels: Pixels) -> int:
    """How often each pixel was repeated, each way, to enlarge the picture; 1 if it was not so enlarged.

    A few rows tell for nearly all pictures.
    """
    rows, columns = pixels.shape
    repeats = math.gcd(rows, columns)
    for lines in (pixels[:: 1 + rows // 8], pixels, pixels.T):
        if repeats == 1:
            break
        changes = np.flatnonzero((lines[:, 1:] != lines[:, :-1]).any(axis=0)) + 1
        repeats = math.gcd(repeats, int(np.gcd.reduce(changes, initial=0)))
    return repeats
