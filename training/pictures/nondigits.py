"""Pictures that do not show one digit, of many kinds, framed as the service frames them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from PIL import Image
from rich.progress import Progress

from model.contract import Frames
from model.grey import Pixels
from training.pictures.degradation import degrade
from training.pictures.fonts import DIGITS, Typeface
from training.pictures.generation import Drawn, draw_framed, generate
from training.pictures.glyphs import EM, jitter, pick, render
from training.pictures.letters import Styles, draw_letter, draw_script, draw_symbol, sort_styles
from training.pictures.strokes import draw_invented, draw_scribble, draw_shape
from training.pictures.surfaces import draw_blank, draw_noise, draw_texture, enlarged

SHARES = {
    "letter": 0.22,
    "script": 0.18,
    "symbol": 0.06,
    "shape": 0.09,
    "invented": 0.13,
    "scribble": 0.06,
    "texture": 0.04,
    "noise": 0.04,
    "blank": 0.06,
    "several": 0.05,
    "part": 0.03,
    "fashion": 0.04,
}
"""How often each kind is drawn. Of some, framing refuses many."""

PARTS = {
    "0": "left right top bottom",
    "2": "left bottom",
    "3": "left top bottom",
    "4": "left top",
    "5": "left right bottom",
    "6": "left",
    "8": "left",
    "9": "left",
}
"""Which halves of a digit are none themselves: the top of an 8 is an 0, and half of a 1 is a 1."""


THIN = 0.05
"""Ink is a bar if its variance across is less than this fraction of that along: a quarter of the length across."""
PAIR = 0.85
"""Width of two digits side by side, as a fraction of their height; of one it is rarely more than 0.8."""


class Sources(NamedTuple):
    """What non-digits are made of: fonts, and pictures of digits and of other things, uint8 (N, 28, 28)."""

    styles: Styles
    digits: Frames
    things: Frames


class NonDigits(NamedTuple):
    """Frames, uint8 (N, 28, 28), the kind of each, [N], and how many framing refused, by kind."""

    frames: Frames
    kinds: Sequence[str]
    refused: dict[str, int]


def nondigits(
    typefaces: Sequence[Typeface],
    digits: Frames,
    things: Frames,
    count: int,
    seed: int,
    progress: Progress,
    *,
    workers: int | None = None,
) -> NonDigits:
    """Make so many pictures that are not one digit, and that framing alone does not refuse.

    `digits`: MNIST's, to be put side by side; `things`: Fashion-MNIST's; both uint8 (N, 28, 28). The same for any
    number of workers; None: one for each core.
    """
    sources = Sources(sort_styles(typefaces), digits, things)
    drawn = generate(draw_nondigits, (sources,), count, seed, progress, "Render what is no digit", workers)
    return NonDigits(drawn.frames, drawn.kinds, dict(drawn.refused))


def draw_nondigits(count: int, rng: Generator, sources: Sources) -> Drawn:
    """Draw pictures until so many pass framing, but for those that look like a digit after all."""

    def draw() -> tuple[str, Pixels] | None:
        kind = str(rng.choice(list(SHARES), p=list(SHARES.values())))
        picture = draw_picture(kind, sources, rng)
        return None if picture is None else (kind, picture)

    def looks_like_one(kind: str, frame: Pixels) -> bool:
        return is_bar(frame) or (kind == "several" and is_narrow(frame))

    return draw_framed(count, draw, looks_like_one)


def is_bar(frame: Pixels) -> bool:
    """Whether a framed picture, uint8 (28, 28), is an upright or slanted bar: there a 1 looks no different."""
    y, x = np.nonzero(frame > 127)
    if y.size < 2:
        return False
    (down, both), (_, across) = np.cov(y, x)
    middle, spread = (down + across) / 2, np.hypot((down - across) / 2, both)
    return bool(middle - spread < THIN * (middle + spread) and down > across)


def is_narrow(frame: Pixels) -> bool:
    """Whether a framed picture, uint8 (28, 28), is as narrow as one digit: framing took the others for neighbours."""
    y, x = np.nonzero(frame)
    return not y.size or bool(np.ptp(x) + 1 < PAIR * (np.ptp(y) + 1))


def draw_picture(kind: str, sources: Sources, rng: Generator) -> Pixels | None:
    """A grey picture of one kind, uint8 [H, W]; None where there is nothing to draw, as a letter that a font lacks."""
    if kind in SURFACES:
        return SURFACES[kind](rng)
    glyph = GLYPHS[kind](sources, rng)
    return None if glyph is None else degrade(jitter(glyph, rng), rng)


def _draw_digit(sources: Sources, rng: Generator) -> Image.Image | None:
    """A digit to be cut or joined with others: MNIST's or a printed one; grey, light on dark, cut to its ink."""
    return _draw_that_digit(pick(DIGITS, rng), sources, rng) if rng.random() < 0.4 else _written(sources, rng)


def _draw_that_digit(digit: str, sources: Sources, rng: Generator) -> Image.Image | None:
    return render(pick(pick(sources.styles.print, rng), rng), digit)


def _written(sources: Sources, rng: Generator) -> Image.Image | None:
    digit = enlarged(pick(sources.digits, rng), EM)
    return digit.crop(digit.getbbox())


def draw_several(sources: Sources, rng: Generator) -> Image.Image | None:
    """Two or three digits that touch or overlap: those with a gap between them framing tells by itself."""
    digits = [_draw_digit(sources, rng) for _ in range(int(rng.choice([2, 3], p=[0.75, 0.25])))]
    canvas = Image.new("L", (4 * EM, 2 * EM))
    x = 0
    for digit in digits:
        if digit is None:
            return None
        height = EM * rng.uniform(0.7, 1)
        size = max(1, round(digit.width * height / digit.height)), round(height)
        ink = digit.resize(size)
        canvas.paste(255, (x, int(rng.uniform(0, 0.3) * EM)), ink)
        x += max(4, round(size[0] * rng.uniform(0.7, 1.02)))
    return canvas.crop(canvas.getbbox())


def draw_part(sources: Sources, rng: Generator) -> Image.Image | None:
    """Half of a printed digit, or a little less or more."""
    digit = pick(list(PARTS), rng)
    side = pick(PARTS[digit].split(), rng)
    glyph = _draw_that_digit(digit, sources, rng)
    if glyph is None:
        return None
    width, height = glyph.size
    cut = rng.uniform(0.4, 0.52)
    across, down = round(width * cut), round(height * cut)
    box = {
        "left": (0, 0, across, height),
        "right": (width - across, 0, width, height),
        "top": (0, 0, width, down),
        "bottom": (0, height - down, width, height),
    }[side]
    half = glyph.crop(box)
    return half.crop(half.getbbox()) if half.getbbox() else None


def draw_thing(sources: Sources, rng: Generator) -> Image.Image | None:
    """A picture of something to wear."""
    return enlarged(pick(sources.things, rng), EM)


def _alone(draw: Callable[[Generator], Image.Image | None], _: Sources, rng: Generator) -> Image.Image | None:
    return draw(rng)


def _of_styles(
    draw: Callable[[Styles, Generator], Image.Image | None], sources: Sources, rng: Generator
) -> Image.Image | None:
    return draw(sources.styles, rng)


SURFACES: dict[str, Callable[[Generator], Pixels]] = {
    "blank": draw_blank,
    "noise": draw_noise,
    "texture": draw_texture,
}
GLYPHS: dict[str, Callable[[Sources, Generator], Image.Image | None]] = {
    "letter": partial(_of_styles, draw_letter),
    "script": partial(_of_styles, draw_script),
    "symbol": partial(_of_styles, draw_symbol),
    "shape": partial(_alone, draw_shape),
    "invented": partial(_alone, draw_invented),
    "scribble": partial(_alone, draw_scribble),
    "several": draw_several,
    "part": draw_part,
    "fashion": draw_thing,
}
