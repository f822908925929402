"""What a pen draws that is no digit: simple shapes, and strokes as invented letters have them."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Points = NDArray[np.float64]
"""A polyline: [N, 2], x and y in the unit square."""

CANVAS = 240
"""Pixels along the unit square; twice what is kept, for smooth edges."""
EDGE = 30
"""Pixels around it, for the width of the pen."""


def draw_strokes(strokes: Sequence[Points], width: float, filled: Sequence[Points] = ()) -> Image.Image | None:
    """Draw polylines with a round pen, `width` in the unit square, and filled polygons; grey, cut to the ink."""
    canvas = Image.new("L", (CANVAS + 2 * EDGE,) * 2)
    pen = ImageDraw.Draw(canvas)
    thick = max(2, round(width * CANVAS))
    for polygon in filled:
        pen.polygon([tuple(point) for point in polygon * CANVAS + EDGE], fill=255)
    for stroke in strokes:
        points = [tuple(point) for point in stroke * CANVAS + EDGE]
        if len(points) > 1:
            pen.line(points, fill=255, width=thick, joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)
    drawn = canvas.reduce(2)
    box = drawn.getbbox()
    return drawn.crop(box) if box else None


# Shapes. Each has its middle at (0.5, 0.5) and lies within the unit square.


def _arc(x: float, y: float, across: float, down: float, start: float = 0, end: float = 360) -> Points:
    angle = np.radians(np.linspace(start, end, 40))
    return np.column_stack([x + across * np.cos(angle), y + down * np.sin(angle)])


def _regular(corners: int, turn: float = -90, radius: float = 0.5) -> Points:
    angle = np.radians(turn + 360 / corners * np.arange(corners + 1))
    return 0.5 + radius * np.column_stack([np.cos(angle), np.sin(angle)])


def _lines(*lines: str) -> list[Points]:
    """Polylines out of text: '0,0 1,1' goes from corner to corner."""
    return [np.array([point.split(",") for point in line.split()], float) for line in lines]


def _star() -> list[Points]:
    points = _regular(5)[:-1][[0, 2, 4, 1, 3, 0]]
    return [points]


def _outlined_star() -> list[Points]:
    outer, inner = _regular(5)[:-1], _regular(5, turn=-54, radius=0.2)[:-1]
    points = np.stack([outer, inner], axis=1).reshape(-1, 2)
    return [np.concatenate([points, points[:1]])]


def _heart() -> list[Points]:
    t = np.linspace(0, 2 * np.pi, 60)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return [np.column_stack([0.5 + x / 34, 0.47 - y / 34])]


def _spiral() -> list[Points]:
    t = np.linspace(0.1, 1, 120)
    angle = t * 2 * np.pi * 2.7
    return [0.5 + 0.5 * t[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])]


def _wave() -> list[Points]:
    t = np.linspace(0, 1, 60)
    return [np.column_stack([t, 0.5 + 0.2 * np.sin(t * 4 * np.pi)])]


def _house() -> list[Points]:
    return _lines("0,.5 .5,0 1,.5", ".1,.4 .1,1 .9,1 .9,.4", ".4,1 .4,.6 .6,.6 .6,1")


def _smiley() -> list[Points]:
    eyes = [_arc(x, 0.35, 0.03, 0.04) for x in (0.32, 0.68)]
    return [_arc(0.5, 0.5, 0.5, 0.5), *eyes, _arc(0.5, 0.52, 0.27, 0.25, 20, 160)]


def _flower() -> list[Points]:
    t = np.linspace(0, 2 * np.pi, 120)
    radius = 0.3 + 0.2 * np.cos(5 * t)
    return [0.5 + radius[:, None] * np.column_stack([np.cos(t), np.sin(t)]), _arc(0.5, 0.5, 0.1, 0.1)]


SHAPES: dict[str, Callable[[], list[Points]]] = {
    "line": lambda: _lines("0,.5 1,.5"),
    "cross": lambda: _lines("0,0 1,1", "0,1 1,0"),
    "plus": lambda: _lines(".5,0 .5,1", "0,.5 1,.5"),
    "check": lambda: _lines("0,.6 .35,1 1,0"),
    "triangle": lambda: [_regular(3)],
    "square": lambda: [_regular(4, turn=45)],
    "diamond": lambda: [_regular(4)],
    "star": _star,
    "outlined star": _outlined_star,
    "asterisk": lambda: [np.array([[0.5, 0.5], point]) for point in _regular(6)[:-1]],
    "arrow": lambda: _lines("0,.5 1,.5", ".7,.2 1,.5 .7,.8"),
    "long arrow": lambda: _lines(".5,1 .5,0", ".3,.25 .5,0 .7,.25"),
    "crossed circle": lambda: [_arc(0.5, 0.5, 0.5, 0.5), *_lines(".15,.15 .85,.85", ".15,.85 .85,.15")],
    "wheel": lambda: [_arc(0.5, 0.5, 0.5, 0.5), *_lines(".5,0 .5,1", "0,.5 1,.5")],
    "target": lambda: [_arc(0.5, 0.5, 0.5, 0.5), _arc(0.5, 0.5, 0.22, 0.22)],
    "dotted circle": lambda: [_arc(0.5, 0.5, 0.5, 0.5), _arc(0.5, 0.5, 0.05, 0.05)],
    "half circle": lambda: [_arc(0.5, 0.75, 0.5, 0.5, 180, 360), *_lines("0,.75 1,.75")],
    "arch": lambda: [_arc(0.5, 0.6, 0.4, 0.6, 180, 360)],
    "spiral": _spiral,
    "wave": _wave,
    "zigzag": lambda: _lines("0,.7 .2,.3 .4,.7 .6,.3 .8,.7 1,.3"),
    "heart": _heart,
    "smiley": _smiley,
    "house": _house,
    "flower": _flower,
    "equals": lambda: _lines("0,.3 1,.3", "0,.7 1,.7"),
    "hash": lambda: _lines(".3,0 .3,1", ".7,0 .7,1", "0,.3 1,.3", "0,.7 1,.7"),
    "grid": lambda: _lines("0,0 1,0 1,1 0,1 0,0", ".5,0 .5,1", "0,.5 1,.5"),
    "tee": lambda: _lines("0,0 1,0", ".5,0 .5,1"),
    "corner": lambda: _lines("0,0 0,1 1,1"),
    "ladder": lambda: _lines("0,0 0,1", "1,0 1,1", "0,.25 1,.25", "0,.5 1,.5", "0,.75 1,.75"),
    "tree": lambda: _lines(".5,1 .5,.1", ".1,.3 .5,.6 .9,.3", ".2,.1 .5,.35 .8,.1"),
    "dots": lambda: [_arc(x, y, 0.03, 0.03) for x, y in ((0.1, 0.2), (0.8, 0.1), (0.5, 0.8))],
}  # fmt: skip
"""What people draw that no digit looks like, each a list of strokes. No circle, no upright line, no Z, no hourglass."""

FILLED = ("triangle", "square", "diamond", "outlined star", "heart", "flower", "half circle")


def draw_shape(rng: Generator) -> Image.Image | None:
    """A shape as a hand draws it: uneven, stretched, not quite closed; some are filled."""
    name = str(rng.choice(list(SHAPES)))
    strokes = [_by_hand(stroke, rng) for stroke in SHAPES[name]()]
    stretch = np.exp(rng.uniform(-0.3, 0.3, 2))
    strokes = [0.5 + (stroke - 0.5) * stretch / stretch.max() for stroke in strokes]
    filled = strokes[:1] if name in FILLED and rng.random() < 0.3 else []
    return draw_strokes(strokes, _pen(rng), filled)


def _by_hand(stroke: Points, rng: Generator) -> Points:
    """Through the same points, nearly, and now and then too short or too long."""
    shaken = stroke + rng.normal(0, 0.012, stroke.shape) + rng.normal(0, 0.03, 2)
    end = len(shaken) - (int(rng.integers(0, 4)) if len(shaken) > 20 else 0)
    return shaken[:end]


def _pen(rng: Generator) -> float:
    return float(rng.uniform(0.02, 0.14))


# Invented letters: strokes that begin where others end, cross them, or stand beside them.


def draw_invented(rng: Generator) -> Image.Image | None:
    """A letter of no alphabet: two to five straight or bent strokes, hooks, loops and dots, joined or crossing."""
    strokes = [_stroke(rng.uniform(0.05, 0.95, 2), rng)]
    for _ in range(int(rng.choice([1, 2, 3, 4], p=[0.3, 0.35, 0.25, 0.1]))):
        if rng.random() < 0.75:
            old = strokes[int(rng.integers(len(strokes)))]
            start = old[int(rng.choice([0, len(old) // 2, len(old) - 1]))]
        else:
            start = rng.uniform(0, 1, 2)
        strokes.append(_stroke(start, rng))
    if rng.random() < 0.2:
        strokes.append(_stroke(rng.uniform(0, 1, 2), rng, length=0.01))
    if rng.random() < 0.25:  # letters are often symmetric
        strokes += [np.column_stack([1 - stroke[:, 0], stroke[:, 1]]) for stroke in strokes]
    return draw_strokes([np.clip(stroke, 0, 1) for stroke in strokes], float(rng.uniform(0.03, 0.12)))


def _stroke(start: Points, rng: Generator, length: float | None = None) -> Points:
    """From a point into the square: straight, bent like an arc, a hook, or a loop."""
    towards = rng.uniform(0, 1, 2) - start
    distance = float(np.hypot(*towards)) + 1e-6
    size = length or max(0.25, min(1.0, distance))
    angle = math.atan2(towards[1], towards[0])
    if rng.random() < 0.5:  # upright and level strokes are the most common
        angle = round(angle / (math.pi / 2)) * math.pi / 2 + rng.normal(0, 0.06)
    kind = rng.random()
    steps = np.linspace(0, 1, 24)
    if kind < 0.4:
        turning = rng.normal(0, 0.15) * steps
    elif kind < 0.7:
        turning = rng.uniform(-3.2, 3.2) * steps
    elif kind < 0.9:  # a hook at the end
        turning = np.where(steps > 0.65, (steps - 0.65) / 0.35 * rng.choice([-1, 1]) * rng.uniform(1.5, 3.5), 0.0)
    else:
        turning = rng.choice([-1, 1]) * rng.uniform(5, 7) * steps
    heading = angle + turning
    moves = np.column_stack([np.cos(heading), np.sin(heading)]) * size / len(steps)
    return np.concatenate([start[None], start + moves.cumsum(axis=0)])


def draw_scribble(rng: Generator) -> Image.Image | None:
    """A pen moved about without aim: one to four long smooth lines through random points."""
    strokes = []
    for _ in range(int(rng.integers(1, 5))):
        knots = rng.uniform(0, 1, (int(rng.integers(3, 14)), 2))
        strokes.append(_smooth(knots))
    return draw_strokes(strokes, float(rng.uniform(0.02, 0.1)))


def _smooth(knots: Points) -> Points:
    """A Catmull-Rom spline through points: [N, 2] -> [12 (N - 1) + 1, 2]."""
    padded = np.concatenate([knots[:1], knots, knots[-1:]])
    t = np.linspace(0, 1, 12, endpoint=False)[:, None]
    pieces = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        cubic = 2 * start + (end - before) * t + (2 * before - 5 * start + 4 * end - after) * t**2
        pieces.append((cubic + (3 * start - before - 3 * end + after) * t**3) / 2)
    spline: Points = np.clip(np.concatenate([*pieces, knots[-1:]]), 0, 1)
    return spline
