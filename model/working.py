"""Bring a picture to the size at which ink is sought: steps measured in its pixels then mean the same in all."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from model.grey import Pixels

Box = tuple[int, int, int, int]

LARGEST = 128
"""Longest side of a working picture, in pixels."""
_ROUNDING = 1e-6
"""Of a scale that is a fraction, times a side: what lies no further beyond a pixel's edge does not touch the next."""
USUAL = 112
"""The longest side that smaller pictures are enlarged to, about: four times the frame."""


@dataclass(slots=True)
class Working:
    """A grey picture of working size, uint8 [H, W].

    Each of its pixels stands for `scale` pixels of the original, each way; the original's shape is `original`.
    """

    pixels: Pixels
    scale: float
    original: tuple[int, int]

    def in_original(self, box: Box) -> Box:
        """Left, top, right, bottom in the original's pixels, all that the box touches."""
        left, top, right, bottom = (side * self.scale for side in box)
        height, width = self.original
        right, bottom = math.ceil(right - _ROUNDING), math.ceil(bottom - _ROUNDING)
        return math.floor(left), math.floor(top), min(right, width), min(bottom, height)


def to_working(pixels: Pixels) -> Working:
    """Bring a picture, uint8 [H, W], to working size: averaged down, or enlarged smoothly."""
    shape = pixels.shape[0], pixels.shape[1]
    repeats = count_repeats(pixels)
    if repeats > 1:
        pixels = np.ascontiguousarray(pixels[::repeats, ::repeats])
    longest = max(pixels.shape)
    shrink, enlarge = -(-longest // LARGEST), max(1, round(USUAL / longest))
    dotted = shrink == repeats == 1 and _has_two_levels(pixels)
    if shrink == enlarge == 1 and not dotted:
        return Working(pixels, repeats, shape)
    picture = Image.fromarray(pixels)
    if dotted:
        picture = picture.filter(ImageFilter.BoxBlur(1))  # greys, if it had any, are in the density of its dots
    if shrink > 1:
        picture = picture.reduce(shrink)
    elif enlarge > 1:
        size = picture.width * enlarge, picture.height * enlarge
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    return Working(np.asarray(picture), repeats * shrink / enlarge, shape)


def _has_two_levels(pixels: Pixels) -> bool:
    """Whether a picture has no greys between its darkest and its lightest."""
    if len(set(pixels[0].tobytes())) > 2:  # one row tells for nearly all pictures
        return False
    return bool(((pixels == pixels.min()) | (pixels == pixels.max())).all())


def count_repeats(pixels: Pixels) -> int:
    """How often each pixel was repeated, each way, to enlarge the picture; 1 if it was not so enlarged.

    The first columns tell for most pictures, and a few rows for nearly all.
    """
    if min(pixels.shape) * LARGEST < max(pixels.shape):  # nothing is left of such a line of a picture, repeated or not
        return 1
    if pixels[:, :1].tobytes() != pixels[:, 1:2].tobytes():
        return 1
    rows, columns = pixels.shape
    repeats = math.gcd(rows, columns)
    for lines in (pixels[:: 1 + rows // 8], pixels, pixels.T):
        if repeats == 1:
            break
        changes = np.flatnonzero((lines[:, 1:] != lines[:, :-1]).any(axis=0)) + 1
        repeats = math.gcd(repeats, int(np.gcd.reduce(changes, initial=0)))
    return repeats
