"""A pen: lines and curves, the hand that distorts them, and the nib that draws them."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Points = NDArray[np.float64]
"""(N, 2): x to the right and y down, in heights of a character."""
Ink = NDArray[np.float32]
"""(H, W): 0 where the ground is bare, 1 where it is covered."""
Random = np.random.Generator

HEIGHT = 96
"""Pixels from the top to the foot of a digit as it is drawn; what sees it scales it down."""
_MARGIN = 40
_STEP = 0.02
"""Distance of two dabs of the pen, in heights."""


def write(strokes: list[Points], random: Random) -> Ink:
    """One specimen of a character, in a random hand and with a random nib, an empty margin around it.

    `strokes` lie in a box of about one by one.
    """
    return draw([_resample(stroke) for stroke in _distort(strokes, random)], random)


def draw(strokes: list[Points], random: Random) -> Ink:
    """Draw polylines with one nib, an empty margin around them."""
    every = np.concatenate(strokes)
    low, high = every.min(axis=0), every.max(axis=0)
    columns, rows = (np.ceil((high - low) * HEIGHT).astype(int) + 2 * _MARGIN).tolist()
    canvas = Image.new("L", (columns, rows))
    pencil = ImageDraw.Draw(canvas)
    width = random.choice([random.uniform(0.035, 0.08), random.uniform(0.07, 0.13), random.uniform(0.12, 0.19)])
    flat, angle = random.choice([1.0, 1.0, random.uniform(0.4, 1.0)]), random.uniform(0, np.pi)
    for stroke in strokes:
        pressure = _pressure(len(stroke), random)
        for (x, y), (dx, dy), push in zip((stroke - low) * HEIGHT + _MARGIN, _direction(stroke), pressure, strict=True):
            # A flat nib is broad across one direction and narrow along it.
            across = abs(dx * np.sin(angle) - dy * np.cos(angle))
            radius = width * HEIGHT / 2 * push * (flat + (1 - flat) * across)
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(canvas, np.float32) / np.float32(255)


def _pressure(length: int, random: Random) -> Points:
    """Of the pen along a stroke, around one: it swells and fades, most at the ends."""
    knots = 1 + random.normal(0, random.uniform(0.02, 0.15), 5)
    knots[-1] *= random.choice([1.0, 1.0, 0.6])
    pressure: Points = np.interp(np.linspace(0, 4, length), np.arange(5), knots)
    return pressure.clip(0.4, 1.6)


def _direction(stroke: Points) -> Points:
    steps = np.gradient(stroke, axis=0)
    unit: Points = steps / np.maximum(np.hypot(*steps.T)[:, None], 1e-9)
    return unit


def _resample(stroke: Points) -> Points:
    """The same line in even steps."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    wanted = np.linspace(0, along[-1], max(3, int(along[-1] / _STEP)))
    return np.stack([np.interp(wanted, along, axis) for axis in stroke.T], axis=1)


def _distort(strokes: list[Points], random: Random) -> list[Points]:
    """One hand: slant, width, tilt and a slow waver of everything, and a small error in where each stroke is put."""
    slant, tilt = np.clip(random.normal(0.12, 0.22), -0.45, 0.7), random.normal(0, 0.09)
    matrix = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    matrix = matrix @ np.array([[1, -slant], [0, 1]]) @ np.diag([np.exp(random.normal(-0.02, 0.2)), 1])
    waver, phase = random.normal(0, 0.02, (2, 2, 2)), random.uniform(0, 2 * np.pi, (2, 2, 2))

    def moved(points: Points) -> Points:
        points = _rounded(_resample(points), random.choice([0.0, 0.03, 0.06, 0.1]))
        shift = sum(
            waver[axis, harmonic] * np.sin((2 + 3 * harmonic) * points[:, [axis]] + phase[axis, harmonic])
            for axis in (0, 1)
            for harmonic in (0, 1)
        )
        placed: Points = (points + shift + random.normal(0, 0.012, 2) - 0.5) @ matrix.T
        return placed

    return [moved(stroke) for stroke in strokes]


def _rounded(points: Points, reach: float) -> Points:
    """Corners rounded, as a quick hand does: each point the mean of those within `reach`, the ends kept."""
    half = int(reach / _STEP / 2)
    if not half:
        return points
    padded = np.concatenate([np.repeat(points[:1], half, 0), points, np.repeat(points[-1:], half, 0)])
    kernel = np.ones(2 * half + 1) / (2 * half + 1)
    return np.stack([np.convolve(axis, kernel, "valid") for axis in padded.T], axis=1)


def line(*points: tuple[float, float]) -> Points:
    return np.array(points, np.float64)


def arc(x: float, y: float, across: float, down: float, start: float, end: float) -> Points:
    """Part of an ellipse around (x, y) with radii `across` and `down`. Degrees, clockwise from the right."""
    angle = np.radians(np.linspace(start, end, 40))
    return np.stack([x + across * np.cos(angle), y + down * np.sin(angle)], axis=1)


def join(*parts: Points) -> Points:
    return np.concatenate(parts)


def curve(*points: tuple[float, float]) -> Points:
    """A smooth line through points: a Catmull-Rom spline."""
    p = np.array([points[0], *points, points[-1]], np.float64)
    t = np.linspace(0, 1, 14)[:, None]
    spans = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return np.concatenate(spans)
