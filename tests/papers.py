"""Empty paper as cameras, scanners and screens show it, and the same paper with a faint or a small digit on it.

Everything follows from the seed. Levels are float [H, W] of 0 to 255 until `photo` rounds them.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests.samples import IMAGES, LABELS, photo

Levels = np.ndarray
Random = np.random.Generator


@dataclass(frozen=True)
class Marked:
    """Paper with a digit on it: uint8 [H, W], the digit, and its box (left, top, right, bottom) in pixels."""

    pixels: np.ndarray
    label: int
    box: tuple[int, int, int, int]


def empty_paper(seed: int) -> np.ndarray:
    """A picture of paper with nothing on it, uint8 [H, W], of 20 to 1000 pixels."""
    random = np.random.default_rng([seed, 1])
    levels = _lit_paper(random)
    return _taken(_with_marks(levels, random), random, random.choice(STRENGTHS))


def marked_paper(seed: int) -> Marked:
    """Paper as `empty_paper` makes it, with a digit that stands out clearly, though perhaps faintly, from the grain."""
    random = np.random.default_rng([seed, 2])
    levels = _lit_paper(random)
    strength = random.choice(STRENGTHS)
    contrast = max(22, 7 * strength) * 2 ** random.uniform(0, 1)
    side = min(levels.shape)
    height = int(max(14, random.uniform(0.2, 0.75) * side))
    if side < 24:
        height = int(0.7 * side)
    index = int(random.integers(len(IMAGES)))
    coverage = _pen(IMAGES[index], height, random)
    rows, columns = coverage.shape
    reach = levels.shape[0] - rows, levels.shape[1] - columns
    top, left = (int(random.uniform(0.2, 0.8) * free) for free in reach)
    place = levels[top : top + rows, left : left + columns]
    dark = levels.mean() > 128
    full = min(contrast, 0.8 * levels.mean()) if dark else contrast
    place += (-full if dark else full) * coverage
    return Marked(_taken(levels, random, strength), int(LABELS[index]), (left, top, left + columns, top + rows))


def noise(seed: int) -> np.ndarray:
    """Nothing but noise, uint8 [H, W]: of all levels, of a bell's, or grains of salt and pepper."""
    random = np.random.default_rng([seed, 3])
    shape = _shape(random)
    kind = seed % 3
    if kind == 0:
        return random.integers(0, 256, shape, dtype=np.uint8)
    if kind == 1:
        return photo(random.normal(random.uniform(60, 200), random.uniform(20, 70), shape))
    grains = random.random(shape)
    share = random.uniform(0.02, 0.3)
    return np.where(grains < share, 0, np.where(grains > 1 - share, 255, 160)).astype(np.uint8)


STRENGTHS = (0.0, 0.7, 1.5, 3.0, 5.0, 8.0, 12.0)
"""Standard deviations of the grain, in grey levels: none, a scan's, a camera's by day and by night."""


def _shape(random: Random) -> tuple[int, int]:
    """Rows and columns; small pictures are as frequent as large ones."""
    side = 20 * 50 ** random.random()
    return tuple(int(np.clip(side * 2 ** random.uniform(-0.5, 0.5), 20, 1000)) for _ in range(2))


def _lit_paper(random: Random) -> Levels:
    """A sheet in some light."""
    shape = _shape(random)
    level = random.choice([random.uniform(90, 250), random.uniform(180, 250), random.uniform(5, 60)])
    levels = np.full(shape, float(level))
    for light in random.choice(LIGHTS, random.choice([0, 1, 1, 2]), replace=False):
        levels = light(levels, random)
    return levels


def _with_marks(levels: Levels, random: Random) -> Levels:
    """What may lie on, in or around paper that nobody wrote on."""
    for mark in random.choice(MARKS, random.choice([0, 1, 1, 2]), replace=False):
        levels = mark(levels, random)
    return levels


def _taken(levels: Levels, random: Random, strength: float) -> np.ndarray:
    """The picture a camera stores: grain, at times coarse or smoothed, then perhaps JPEG."""
    grain = random.normal(0, 1, levels.shape)
    kind = random.integers(4)
    if kind == 1:
        grain = _smooth(levels.shape, random.uniform(1.5, 5), random)
    elif kind == 2:
        grain = _blurred(grain, random.uniform(0.5, 2))
    elif kind == 3:
        grain = (grain + _smooth(levels.shape, random.uniform(3, 12), random)) / 1.4
    pixels = photo(levels + strength * grain)
    return _jpeg(pixels, int(random.integers(20, 91))) if random.random() < 0.5 else pixels


def _coordinates(levels: Levels) -> tuple[Levels, Levels]:
    """Rows and columns from 0 to 1 along the longer side."""
    rows, columns = np.mgrid[: levels.shape[0], : levels.shape[1]] / max(levels.shape)
    return rows, columns


def _along(levels: Levels, random: Random) -> Levels:
    """How far each pixel lies from a slanted line through the picture, as a fraction of its longer side."""
    rows, columns = _coordinates(levels)
    angle = random.uniform(0, 2 * np.pi)
    distance = np.cos(angle) * rows + np.sin(angle) * columns
    return distance - np.quantile(distance, random.uniform(0.1, 0.9))


def _smooth(shape: tuple[int, int], cell: float, random: Random) -> Levels:
    """Noise of deviation 1 with grains of `cell` pixels."""
    coarse = random.normal(0, 1, [int(side // cell) + 2 for side in shape]).astype(np.float32)
    grain = np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC))
    return grain / max(grain.std(), 0.1)


def _blurred(levels: Levels, radius: float) -> Levels:
    """Blurred noise keeps its deviation."""
    scaled = photo(128 + 24 * levels)
    blurred = np.asarray(Image.fromarray(scaled).filter(ImageFilter.GaussianBlur(radius)), float) - 128
    return blurred / max(blurred.std(), 1)


def _jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("L"))


# --- Light ----------------------------------------------------------------------------------------------------------


def slope(levels: Levels, random: Random) -> Levels:
    """A lamp on one side."""
    return levels * (1 + random.uniform(0.1, 0.6) * _along(levels, random)).clip(0.2, 1.3)


def vignette(levels: Levels, random: Random) -> Levels:
    """A lens darkens the corners; a torch lights the middle."""
    rows, columns = _coordinates(levels)
    middle = random.uniform(0.3, 0.7, 2) * levels.shape / max(levels.shape)
    distance = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2
    return levels * (1 - random.uniform(0.1, 0.9) * distance)


def shadow(levels: Levels, random: Random) -> Levels:
    """The edge of a hand's or a phone's shadow, straight or bent, sharp or soft."""
    edge = _along(levels, random)
    if random.random() < 0.5:
        edge = edge + random.uniform(-1, 1) * _along(levels, random) ** 2
    softness = random.choice([0.008, 0.03, 0.1])
    return levels * (1 - random.uniform(0.1, 0.6) / (1 + np.exp(-(edge / softness).clip(-50, 50))))


def fold(levels: Levels, random: Random) -> Levels:
    """A sheet once folded: either half leans to the light by itself, and the fold is a soft line."""
    edge = _along(levels, random)
    step = np.tanh(edge / 0.01)
    return levels * (1 + random.uniform(-0.08, 0.08) * step - random.uniform(0, 0.05) * (1 - step**2))


def clouds(levels: Levels, random: Random) -> Levels:
    """Dappled light, waves of the sheet, stains."""
    return levels * (1 + random.uniform(0.01, 0.06) * _smooth(levels.shape, max(levels.shape) / 5, random))


LIGHTS: list[Callable[[Levels, Random], Levels]] = [slope, vignette, shadow, fold, clouds]


# --- What is no ink -------------------------------------------------------------------------------------------------


def crease(levels: Levels, random: Random) -> Levels:
    """A crumpled sheet: fine lines of light and shade, across it or in part."""
    drawn = Image.new("L", levels.shape[::-1], 128)
    draw = ImageDraw.Draw(drawn)
    for _ in range(random.integers(1, 4)):
        points = random.uniform(-0.1, 1.1, (3, 2)) * levels.shape[::-1]
        draw.line([tuple(point) for point in points], fill=int(random.choice([60, 200])), width=1)
    relief = np.asarray(drawn.filter(ImageFilter.GaussianBlur(max(levels.shape) / 150)), float) - 128
    return levels + random.uniform(2, 7) * relief / max(np.abs(relief).max(), 1)


def texture(levels: Levels, random: Random) -> Levels:
    """Fibres, laid paper, canvas: grain of several sizes, at times longer one way."""
    rows, columns = levels.shape
    cell = random.uniform(1.5, 6)
    stretched = random.choice([1, 4])
    grain = _smooth((rows, max(columns // stretched, 2)), cell, random)
    wide = np.asarray(Image.fromarray(grain.astype(np.float32)).resize((columns, rows), Image.Resampling.BICUBIC))
    return levels + random.uniform(0.5, 4) * wide


def show_through(levels: Levels, random: Random) -> Levels:
    """The print of the other side, mirrored and blurred."""
    page = Image.new("L", levels.shape[::-1])
    draw = ImageDraw.Draw(page)
    height = max(8, int(random.uniform(0.05, 0.2) * levels.shape[0]))
    font = ImageFont.load_default(height)
    for row in range(0, levels.shape[0], int(1.3 * height)):
        words = "".join(random.choice(list("aeinrstmkg hdu"), 4 + 2 * levels.shape[1] // height))
        draw.text((-height, row), words, fill=255, font=font)
    mirrored = page.transpose(Image.Transpose.FLIP_LEFT_RIGHT).filter(ImageFilter.GaussianBlur(max(1, height / 12)))
    return levels - random.uniform(1, 8) * np.asarray(mirrored, float) / 255


def grid(levels: Levels, random: Random) -> Levels:
    """Squared or ruled paper, faint."""
    pitch = max(6, int(random.uniform(0.06, 0.25) * max(levels.shape)))
    width = max(1, pitch // 16)
    lines = np.zeros(levels.shape)
    start = random.integers(pitch)
    for offset in range(width):
        lines[start + offset :: pitch] = 1
        if random.random() < 0.7 or offset:
            lines[:, start + offset :: pitch] = 1
    return levels - random.uniform(3, 25) * lines


def borders(levels: Levels, random: Random) -> Levels:
    """A table's cell, cut out by hand: its lines at some of the sides, askew."""
    rows, columns = levels.shape
    drawn = Image.new("L", (4 * columns, 4 * rows))
    draw = ImageDraw.Draw(drawn)
    width = max(2, int(4 * random.uniform(0.008, 0.04) * max(levels.shape)))
    lean = random.uniform(-0.02, 0.05, (4, 2)) * 4
    left, top, right, bottom = lean * np.array([[columns], [rows], [columns], [rows]])
    right, bottom = 4 * columns - right, 4 * rows - bottom
    sides = [
        [(left[0], 0), (left[1], 4 * rows)],
        [(0, top[0]), (4 * columns, top[1])],
        [(right[0], 0), (right[1], 4 * rows)],
        [(0, bottom[0]), (4 * columns, bottom[1])],
    ]
    for side in random.choice(4, random.integers(1, 5), replace=False):
        draw.line(sides[side], fill=255, width=width)
    lines = np.asarray(drawn.filter(ImageFilter.GaussianBlur(random.uniform(1, 6))).reduce(4), float) / 255
    return levels * (1 - random.uniform(0.2, 0.7) * lines)


def specks(levels: Levels, random: Random) -> Levels:
    """Dust, and dots of the pulp."""
    marked = levels.copy()
    for _ in range(random.integers(1, 12)):
        size = int(random.integers(1, max(3, max(levels.shape) // 70)))
        top, left = (int(random.integers(0, side - size)) for side in levels.shape)
        marked[top : top + size, left : left + size] *= random.uniform(0.4, 0.95)
    return marked


MARKS: list[Callable[[Levels, Random], Levels]] = [crease, texture, show_through, grid, borders, specks]


# --- A digit --------------------------------------------------------------------------------------------------------


def _pen(image: np.ndarray, height: int, random: Random) -> Levels:
    """How far ink covers the box of a digit, `height` pixels long: 0 to 1, [H, W], in strokes thinner than MNIST's."""
    cut = Image.fromarray(image).crop(Image.fromarray(image).getbbox())
    scale = 160 / max(cut.size)
    large = cut.resize([max(1, round(side * scale)) for side in cut.size], Image.Resampling.BICUBIC)
    shape = large.point([0] * 128 + [255] * 128)
    if random.random() < 0.6 and height > 24:
        shape = shape.filter(ImageFilter.MinFilter(int(random.choice([3, 5, 7]))))
    size = [max(1, round(side * height / 160)) for side in shape.size]
    return np.asarray(shape.resize(size, Image.Resampling.BOX), float) / 255
