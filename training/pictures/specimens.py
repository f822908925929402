"""Handwriting as it arrives from people: drawn with a pen, photographed, framed as the service frames it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from model.contract import Frames
from model.grey import Pixels
from training.pictures.characters import write_branched, write_invented, write_letter
from training.pictures.degradation import degrade
from training.pictures.generation import Drawn, draw_framed
from training.pictures.handwriting import write_digit
from training.pictures.pen import Ink, Random

_ENLARGED = 128
"""Pixels a side of what 28 pixels become."""
_COARSE = 0.35
"""How many pictures have so few pixels that each can be seen."""
_COARSEST = 0.4
"""How many of them are 8 or 9 pixels high."""
_STRETCH = 0.8
"""Natural logarithm of how much broader some of them are than they were: fitted to a square, as far as that."""
_LOWEST, _HIGHEST = 14, 110
"""Height of a character in a photograph, in pixels."""


def draw_rewritten(count: int, random: Random, frames: Frames, labels: NDArray[np.int64]) -> Drawn:
    """Digits of MNIST, uint8 (N, 28, 28), in another pen."""

    def draw() -> tuple[str, Ink]:
        chosen = random.integers(len(labels))
        return str(labels[chosen]), rewrite(frames[chosen], random)

    return _framed(count, random, draw)


def draw_forms(count: int, random: Random) -> Drawn:
    """Digits in the forms of `training.pictures.handwriting`."""

    def draw() -> tuple[str, Ink]:
        digit = int(random.integers(10))
        return str(digit), write_digit(digit, random)

    return _framed(count, random, draw)


def draw_characters(count: int, random: Random) -> Drawn:
    """Letters and invented characters, in equal numbers."""

    def draw() -> tuple[str, Ink]:
        if random.random() < 0.5:
            return "handwritten letter", write_letter(random)
        return "invented character", write_invented(random)

    return _framed(count, random, draw)


def draw_branched(count: int, random: Random) -> Drawn:
    """Characters that branch off a stem."""
    return _framed(count, random, lambda: ("branched character", write_branched(random)))


def _framed(count: int, random: Random, draw: Callable[[], tuple[str, Ink]]) -> Drawn:
    """Draw, photograph and frame until so many pictures were framed as one digit would be."""

    def show() -> tuple[str, Pixels]:
        kind, ink = draw()
        return kind, coarsen(ink, random) if random.random() < _COARSE else degrade(_sized(ink, random), random)

    return draw_framed(count, show)


def _sized(ink: Ink, random: Random) -> Ink:
    """Cut out with some margin, at the size of a photograph."""
    image = Image.fromarray((255 * ink).astype(np.uint8))
    left, top, right, bottom = image.getbbox() or (0, 0, *image.size)
    height = np.exp(random.uniform(np.log(_LOWEST), np.log(_HIGHEST)))
    scale = height / max(right - left, bottom - top)
    margin = (random.uniform(0.08, random.choice([0.2, 0.6]), 4) * max(right - left, bottom - top)).astype(int)
    image = image.crop((left - margin[0], top - margin[1], right + margin[2], bottom + margin[3]))
    size = max(3, round(image.width * scale)), max(3, round(image.height * scale))
    return np.asarray(image.resize(size, Image.Resampling.BOX), np.float32) / np.float32(255)


def rewrite(frame: Frames, random: Random) -> Ink:
    """A digit of MNIST, uint8 (28, 28), as somebody else might have written it."""
    image = _transformed(Image.fromarray(frame), random)
    # Blurred and cut off again, the line is thinner or thicker where the level is higher or lower: another pen.
    blurred = image.filter(ImageFilter.GaussianBlur(random.uniform(1, 4.5)))
    level, edge = random.uniform(0.25, 0.62), random.uniform(0.05, 0.3)
    ink = np.clip((np.asarray(blurred, np.float32) / np.float32(255) - level) / edge + 0.5, 0, 1, dtype=np.float32)
    if ink.max() < 0.9:  # a line too thin for this level: leave it as it was
        ink = np.asarray(image, np.float32) / np.float32(255)
    return _scratched(ink, random) if random.random() < 0.12 else ink


def _transformed(image: Image.Image, random: Random) -> Image.Image:
    """Enlarged, and turned, slanted and stretched around the middle a little."""
    turn, slant = random.normal(0, 0.1), random.normal(0, 0.15)
    stretch = np.exp(random.normal(0, 0.12, 2))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = matrix @ np.array([[1, slant], [0, 1]]) @ np.diag(stretch) * (image.width * 1.25 / _ENLARGED)
    offset = image.width / 2 - matrix @ np.full(2, _ENLARGED / 2)
    coefficients = (*matrix[0], offset[0], *matrix[1], offset[1])
    return image.transform((_ENLARGED, _ENLARGED), Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC)


def _scratched(ink: Ink, random: Random) -> Ink:
    """With a thin gap across it, as where a pen skipped or a ruled line was removed."""
    rows, columns = np.mgrid[: ink.shape[0], : ink.shape[1]]
    angle, width = random.uniform(0, np.pi), random.uniform(1, 5)
    x, y = random.uniform(0.3, 0.7, 2) * _ENLARGED
    distance = np.abs((columns - x) * np.sin(angle) - (rows - y) * np.cos(angle))
    return np.where(distance > width / 2, ink, np.float32(0))


def coarsen(ink: Ink, random: Random) -> Frames:
    """A picture of few pixels, enlarged again without care: an icon, a thumbnail, a scan of 8 by 8. uint8 (H, W)."""
    image = Image.fromarray((255 * ink).astype(np.uint8))
    image = image.crop(image.getbbox() or (0, 0, *image.size))
    height = int(random.integers(8, 10 if random.random() < _COARSEST else 17))
    stretch = random.uniform(0, _STRETCH) if random.random() < 0.3 else random.normal(0, 0.1)
    width = max(2, round(height * min(1.3, image.width / image.height * np.exp(stretch))))
    small = np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float32)
    levels = random.choice([4, 16, 255])
    gain = random.uniform(1.0, 1.6)
    small = np.rint(np.clip(small * gain, 0, 255) * levels / 255) * (255 / levels)
    border = random.integers(0, 3, 4)
    small = np.pad(small, ((border[0], border[1]), (border[2], border[3])))
    times = int(random.integers(3, 9))
    method = random.choice([Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC])
    picture = Image.fromarray(small.astype(np.uint8))
    return np.asarray(picture.resize((picture.width * times, picture.height * times), Image.Resampling(int(method))))
