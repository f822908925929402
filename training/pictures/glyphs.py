"""Printed digits as people send them: rendered from fonts, jittered, photographed, framed as the service does."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageFont
from rich.progress import Progress

from model.contract import Frames
from model.grey import Pixels
from training.pictures.degradation import Mask, degrade
from training.pictures.fonts import DIGITS, Typeface
from training.pictures.generation import Drawn, draw_framed, generate

EM = 100
"""Pixels of the em square at which glyphs are drawn once, to be jittered and averaged down."""
SMALLEST, LARGEST = 10, 80
"""Height of a digit in the picture that is sent, in pixels."""
ROTATION = math.radians(10)
SHEAR = 0.2
STYLES_AT_ONCE = 24
"""Styles that the digits of one chunk are drawn from: drawing a glyph anew costs as much as all its jitter."""


Show = Callable[[Mask, Generator], Pixels]
"""From an ink mask to the grey picture of it that is sent."""


class Printed(NamedTuple):
    """Frames of printed digits, uint8 (N, 28, 28), their labels, int64 (N,), and what framing refused, by digit."""

    frames: Frames
    labels: NDArray[np.int64]
    refused: Mapping[str, int]


@lru_cache(maxsize=128)
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=2048)
def render(font_file: Path, text: str, size: int = EM) -> Image.Image | None:
    """Draw text at a size in pixels per em, cut to its ink: grey, light on dark. None where that is blank."""
    mask = _font(font_file, size).getmask(text)
    box = mask.getbbox() if mask.size[0] and mask.size[1] else None
    if box is None:
        return None
    return Image.frombytes("L", mask.size, bytes(mask)).crop(box)


def printed_digits(
    typefaces: Sequence[Typeface],
    count: int,
    seed: int,
    progress: Progress,
    *,
    show: Show = degrade,
    workers: int | None = None,
) -> Printed:
    """Make so many pictures of one printed digit, of families, their styles and digits drawn evenly.

    The same for any number of workers; None: one for each core.
    """
    styles = [typeface.styles for typeface in typefaces if typeface.has_digits]
    pictures = generate(draw_digits, (styles, show), count, seed, progress, "Render printed digits", workers)
    return Printed(pictures.frames, np.array([int(kind) for kind in pictures.kinds], np.int64), pictures.refused)


def draw_digits(count: int, rng: Generator, styles: Sequence[Sequence[Path]], show: Show) -> Drawn:
    """Draw pictures until so many were framed as one digit."""
    chosen = [pick(pick(styles, rng), rng) for _ in range(STYLES_AT_ONCE)]

    def draw() -> tuple[str, Pixels]:
        digit = pick(DIGITS, rng)
        glyph = render(pick(chosen, rng), digit)
        assert glyph is not None  # fonts whose digits are blank were left out
        return digit, show(jitter(glyph, rng), rng)

    return draw_framed(count, draw)


def jitter(glyph: Image.Image, rng: Generator) -> Mask:
    """Turn, shear, stretch, thicken or thin a glyph, bring it to a size, give it a margin: [H, W], 0 to 1."""
    glyph = _weighted(_turned(glyph, rng), rng)
    longest = max(glyph.size)
    scale = math.exp(rng.uniform(math.log(SMALLEST), math.log(LARGEST))) / longest
    size = max(1, round(glyph.width * scale)), max(1, round(glyph.height * scale))
    small = np.asarray(glyph.resize(size, Image.Resampling.BOX if rng.random() < 0.5 else Image.Resampling.BICUBIC))
    left, top, right, bottom = (max(size) * rng.uniform(0.06, rng.choice([0.15, 0.8]), 4)).astype(int) + 1
    mask = np.zeros((size[1] + top + bottom, size[0] + left + right), np.float32)
    mask[top : top + size[1], left : left + size[0]] = small
    mask /= 255
    return mask


def _turned(glyph: Image.Image, rng: Generator) -> Image.Image:
    """Rotated, sheared and stretched, on a canvas that holds all of it."""
    angle, shear = rng.uniform(-ROTATION, ROTATION), rng.uniform(-SHEAR, SHEAR)
    wide = math.exp(rng.uniform(-0.15, 0.15))
    cosine, sine = math.cos(angle), math.sin(angle)
    matrix = np.array([[cosine, -sine], [sine, cosine]]) @ np.array([[wide, shear], [0, 1]])
    half = np.array(glyph.size) / 2
    reach = np.abs(matrix) @ half + 3
    back = np.linalg.inv(matrix)
    offset = half - back @ reach
    size = math.ceil(2 * reach[0]), math.ceil(2 * reach[1])
    data = (back[0, 0], back[0, 1], offset[0], back[1, 0], back[1, 1], offset[1])
    return glyph.transform(size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)


def _weighted(glyph: Image.Image, rng: Generator) -> Image.Image:
    """With strokes a little thicker or thinner: blurred, and cut at another level than the middle."""
    if rng.random() < 0.4:
        return glyph
    radius = rng.uniform(1, 2.5)
    level = rng.uniform(55, 135)
    steep = 4.0
    table = np.clip((np.arange(256) - level) * steep + 128, 0, 255).astype(np.uint8)
    return glyph.filter(ImageFilter.BoxBlur(radius)).point(table.tolist())


def pick(choices: Sequence[Any] | Frames, rng: Generator) -> Any:
    """One of the choices, all as likely."""
    return choices[int(rng.integers(len(choices)))]
