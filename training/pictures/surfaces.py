"""Pictures with nothing written on them: empty paper in any light, what is left of a form's lines, textures, noise."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from model.grey import Pixels
from training.pictures.degradation import Mask, blurred, light, smooth_field, to_pixels
from training.pictures.generation import Drawn, draw_framed

SMALLEST, LARGEST = 16, 140
"""Sides of a picture, in pixels."""


def draw_blank(rng: Generator) -> Pixels:
    """Empty paper, uint8 [H, W]: grain, uneven light, folds, stains, print shining through, the lines of a cell."""
    shape = _shape(rng)
    levels = np.full(shape, rng.uniform(90, 250), np.float32)
    if rng.random() < 0.7:
        levels *= light(shape, rng)
    if rng.random() < 0.3:
        levels += _fold(shape, rng)
    if rng.random() < 0.3:
        levels -= np.float32(rng.uniform(3, 25)) * smooth_field(shape, int(rng.integers(2, 9)), rng)
    if rng.random() < 0.5:
        _draw_lines(levels, rng)
    if rng.random() < 0.3:
        _draw_specks(levels, rng)
    levels += rng.normal(0, rng.uniform(0, 10), shape)
    picture = to_pixels(levels if rng.random() < 0.85 else 255 - levels)
    return blurred(picture, rng.uniform(0.3, 2)) if rng.random() < 0.5 else picture


def draw_lit(count: int, rng: Generator) -> Drawn:
    """Empty paper in hard light that framing takes for ink."""
    return draw_framed(count, lambda: ("paper in hard light", _lit_paper(rng)))


def _lit_paper(rng: Generator) -> Pixels:
    """One to three edges of shadows across it, straight or bent, uint8 [H, W]; stains, a fold, grain."""
    shape = _shape(rng)
    levels = np.full(shape, rng.uniform(90, 250), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        levels *= _shadow(shape, rng)
    if rng.random() < 0.5:
        levels -= np.float32(rng.uniform(3, 60)) * smooth_field(shape, int(rng.integers(2, 7)), rng)
    if rng.random() < 0.2:
        levels += _fold(shape, rng)
    levels += rng.normal(0, rng.choice([0.5, 2, 6]), shape)
    picture = to_pixels(levels)
    return blurred(picture, rng.uniform(0.3, 2)) if rng.random() < 0.3 else picture


def _shadow(shape: tuple[int, int], rng: Generator) -> Mask:
    """What fraction of the light an edge lets through on either side of it, [H, W]."""
    y, x = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j].astype(np.float32)
    angle, (across, down) = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1, 2)
    away = (x - np.float32(across)) * np.float32(np.cos(angle)) + (y - np.float32(down)) * np.float32(np.sin(angle))
    along = (x - np.float32(across)) * np.float32(np.sin(angle)) - (y - np.float32(down)) * np.float32(np.cos(angle))
    away += np.float32(rng.choice([0, rng.uniform(-1, 1)])) * along * along
    edge = np.tanh(away / np.float32(2 * rng.choice([0.003, 0.01, 0.04])))
    lit: Mask = 1 - np.float32(rng.uniform(0.05, 0.6) / 2) * (1 + edge)
    return lit


def _draw_lines(levels: Mask, rng: Generator) -> None:
    """Along one to four sides, as a cell that was cut out of a form or a puzzle has them."""
    depth = np.float32(rng.uniform(20, 120))
    for side in rng.permutation(4)[: int(rng.integers(1, 5))]:
        turned = np.rot90(levels, side)
        place = int(turned.shape[0] * rng.uniform(0, 0.12))
        turned[place : place + int(rng.integers(1, 2 + turned.shape[0] // 20))] -= depth


def _draw_specks(levels: Mask, rng: Generator) -> None:
    rows, columns = levels.shape
    for _ in range(int(rng.integers(1, 8))):
        y, x, size = int(rng.integers(rows)), int(rng.integers(columns)), int(rng.integers(1, 2 + rows // 25))
        levels[y : y + size, x : x + size] -= rng.uniform(10, 100)


def _fold(shape: tuple[int, int], rng: Generator) -> Mask:
    """The light on one side of a fold and the shadow on the other, [H, W]."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    angle = rng.uniform(0, np.pi)
    across = (x - rng.uniform(0, shape[1])) * np.cos(angle) + (y - rng.uniform(0, shape[0])) * np.sin(angle)
    wide = rng.uniform(0.5, 4)
    slope: Mask = (rng.uniform(5, 40) * across / wide * np.exp(-((across / wide) ** 2))).astype(np.float32)
    return slope


def draw_noise(rng: Generator) -> Pixels:
    """Noise, uint8 [H, W]: Gaussian, salt and pepper, even, in patches of any size."""
    shape = _shape(rng)
    kind = rng.random()
    if kind < 0.3:
        return to_pixels(rng.normal(rng.uniform(60, 200), rng.uniform(5, 80), shape))
    if kind < 0.5:
        picture = np.full(shape, rng.choice([0, 128, 255]), np.uint8)
        struck = rng.random(shape) < rng.uniform(0.005, 0.4)
        picture[struck] = rng.choice([0, 255], int(struck.sum()))
        return picture
    if kind < 0.6:
        return rng.integers(0, 256, shape, np.uint8)
    field = np.zeros(shape, np.float32)
    cells, strength = int(rng.integers(2, 8)), 1.0
    while cells < min(shape):
        field += np.float32(strength) * (smooth_field(shape, cells, rng) - np.float32(0.5))
        cells, strength = cells * 2, strength * rng.uniform(0.3, 0.9)
    picture = to_pixels(128 + field * rng.uniform(40, 300))
    return to_pixels(255.0 * (picture > rng.integers(90, 170))) if rng.random() < 0.25 else picture


def draw_texture(rng: Generator) -> Pixels:
    """A pattern that repeats, uint8 [H, W]: stripes, checks, dots, rings, bricks, cloth, strokes of hatching."""
    shape = _shape(rng)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32) / min(shape)
    angle, often = rng.uniform(0, np.pi), rng.uniform(1.5, 12)
    u = (x * np.cos(angle) + y * np.sin(angle)) * often
    v = (y * np.cos(angle) - x * np.sin(angle)) * often * rng.uniform(0.6, 1.7)
    pattern = PATTERNS[int(rng.integers(len(PATTERNS)))](u + 0.3 * smooth_field(shape, 4, rng), v)
    sharp = rng.uniform(1, 12)
    wave = 1 / (1 + np.exp(-sharp * (pattern - rng.uniform(-0.5, 0.5))))
    dark, bright = np.sort(rng.uniform(0, 255, 2))
    levels = dark + (bright - dark) * wave
    return to_pixels(levels + rng.normal(0, rng.uniform(0, 12), shape))


def _sine(phase: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(np.sin(2 * np.pi * phase))


def _bricks(u: NDArray[np.floating], v: NDArray[np.floating]) -> NDArray[np.floating]:
    shifted = u + 0.5 * (np.floor(v) % 2)
    return np.asarray(np.minimum(np.abs(shifted % 1 - 0.5), np.abs(v % 1 - 0.5)) * 4 - 0.5)


PATTERNS: tuple[Callable[[NDArray[np.floating], NDArray[np.floating]], NDArray[np.floating]], ...] = (
    lambda u, v: _sine(u),
    lambda u, v: _sine(u) * _sine(v),
    lambda u, v: np.maximum(_sine(u), _sine(v)),
    lambda u, v: np.minimum(_sine(u), _sine(v)),
    lambda u, v: _sine(np.hypot(u - 1.5, v - 1.5)),
    lambda u, v: _sine(u + 0.4 * _sine(v)),
    _bricks,
)


def _shape(rng: Generator) -> tuple[int, int]:
    height = np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST)))
    return max(8, int(height)), max(8, int(height * np.exp(rng.uniform(-0.4, 0.4))))


def enlarged(image: Pixels, side: int) -> Image.Image:
    """A small picture, uint8 [H, W], as a smooth one of the given longest side."""
    scale = side / max(image.shape)
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
