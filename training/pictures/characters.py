"""Characters that are no digits, drawn with the same pen as `training.pictures.handwriting` draws digits.

What tells the two apart is then their form alone, not the pen. The letters and signs are those of the Hershey fonts,
drawn by A. V. Hershey for the U.S. National Bureau of Standards and free to use; the others are invented. Some of these
are a stem with branches: a letter that has the top of a 7 or the arm of a 4 is what is most often taken for a digit.
"""

from functools import cache

import numpy as np
from HersheyFonts import HersheyFonts

from training.pictures.pen import Ink, Points, Random, arc, curve, join, line, write

_DIGITS_AND_SPECKS = "0123456789 !\"%',.:;`^_~?@{}\x7f"
LOOK_ALIKES = {
    "futural": "()/\\|[]1lIiOoQDZzSsBbgqG",
    "cursive": "()/\\|[]lIiOoQDZzSsBbgqGe",
    "scripts": "()/\\|[]lIiOoQDZzSsBbgqGe",
    "cyrilc_1": "()/\\|[]HhOoXxBbRr",
    "greeks": "()/\\|[]IiOoHhSsZdzTt",
    "mathupp": "()/\\|[]" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
}
"""Per font, what a person may take for a digit; it is left out, along with the digits themselves."""
_ANCHORS = (0.0, 0.5, 1.0)


def write_letter(random: Random) -> Ink:
    """A letter or sign of an alphabet that exists."""
    characters = alphabet(str(random.choice(list(LOOK_ALIKES))))
    return write(characters[random.integers(len(characters))], random)


def write_invented(random: Random) -> Ink:
    """A character of an alphabet that does not exist: two to five strokes between a few anchors."""
    strokes = [_STROKES[random.integers(len(_STROKES))](random) for _ in range(random.integers(2, 6))]
    return write(strokes, random)


def write_branched(random: Random) -> Ink:
    """A stem and what branches off it, never so that it is a 1, a 4 or a 7."""
    top, foot = random.normal(0.5, 0.08), random.normal(0.5, 0.08)
    bend = random.normal(0, 0.05)
    stem = curve((top, 0.0), ((top + foot) / 2 + bend, 0.5), (foot, 1.0))
    branches = _BRANCHES[random.integers(len(_BRANCHES))](random)
    placed = [branch + np.array([np.interp(branch[0, 1], stem[:, 1], stem[:, 0]), 0.0]) for branch in branches]
    if random.random() < 0.3:  # a serif or a short hook at one end, away from where it would make a 1
        placed.append(line((foot, 1.0), (foot + random.choice([-1, 1]) * random.uniform(0.08, 0.2), 1.0)))
    return write([stem, *placed], random)


@cache
def alphabet(font: str) -> list[list[Points]]:
    """The characters of a font, each in a box one high that hangs from the origin."""
    hershey = HersheyFonts()
    hershey.load_default_font(font)
    left_out = set(_DIGITS_AND_SPECKS + LOOK_ALIKES[font])
    glyphs = [glyph.strokes for name, glyph in sorted(hershey.all_glyphs.items()) if name not in left_out]
    lines = [[np.array(stroke, np.float64) for stroke in strokes if len(stroke) > 1] for strokes in glyphs]
    return [_scaled(strokes) for strokes in lines if strokes]


def _scaled(strokes: list[Points]) -> list[Points]:
    every = np.concatenate(strokes)
    low, size = every.min(axis=0), max(1.0, np.ptp(every, axis=0).max())
    return [(stroke - low) / size for stroke in strokes]


def _anchor(r: Random) -> tuple[float, float]:
    x, y = r.choice(_ANCHORS, 2) + r.normal(0, 0.06, 2)
    return float(x), float(y)


def _straight(r: Random) -> Points:
    return line(_anchor(r), _anchor(r) if r.random() < 0.8 else (0.5, 0.5))


def _bent(r: Random) -> Points:
    return line(_anchor(r), _anchor(r), _anchor(r))


def _bow(r: Random) -> Points:
    return curve(_anchor(r), _anchor(r), _anchor(r))


def _wave(r: Random) -> Points:
    return curve(_anchor(r), _anchor(r), _anchor(r), _anchor(r))


def _hook(r: Random) -> Points:
    start = r.uniform(0, 360)
    hook = arc(
        *_anchor(r), r.uniform(0.08, 0.3), r.uniform(0.08, 0.3), start, start + r.choice([-1, 1]) * r.uniform(150, 300)
    )
    return join(hook, line(_anchor(r)))


def _ring(r: Random) -> Points:
    return arc(*_anchor(r), r.uniform(0.06, 0.3), r.uniform(0.06, 0.3), 0, 360)


def _dot(r: Random) -> Points:
    x, y = _anchor(r)
    return line((x, y), (x + 0.02, y + 0.01))


_STROKES = (_straight, _straight, _straight, _bent, _bow, _bow, _wave, _hook, _hook, _ring, _dot)


# Branches begin at the stem, x = 0, at their own height, and go to the right or left of it.


def _bar(r: Random, height: float, side: int) -> Points:
    """A stroke to one side, straight or bowed, level or rising."""
    reach, rise = side * r.uniform(0.3, 0.75), r.normal(0, 0.12)
    return curve((0.0, height), (reach / 2, height + rise / 2 + r.normal(0, 0.04)), (reach, height + rise))


def _low_left(r: Random) -> list[Points]:
    return [_bar(r, r.uniform(0.35, 0.95), -1)]


def _right(r: Random) -> list[Points]:
    return [_bar(r, r.uniform(0.0, 0.7), 1)]


def _flag_and_right(r: Random) -> list[Points]:
    """The top of a 7, whose bar is on the wrong side only."""
    return [_bar(r, r.uniform(0.0, 0.1), -1) * np.array([0.5, 1.0]), _bar(r, r.uniform(0.4, 0.6), 1)]


def _comb(r: Random) -> list[Points]:
    """Bars one above the other on one side."""
    side, first, gap = int(r.choice([-1, 1])), r.uniform(0.0, 0.25), r.uniform(0.22, 0.35)
    return [_bar(r, first + gap * number, side) for number in range(int(r.integers(2, 4)))]


def _fork(r: Random) -> list[Points]:
    """A bowl or a wedge on both sides: a trident."""
    height, wide, deep = r.uniform(0.35, 0.75), r.uniform(0.25, 0.5), r.uniform(0.3, 0.6)
    arms = [
        ((0.0, height), (side * wide * r.uniform(0.5, 1.0), height - 0.25 * deep), (side * wide, height - deep))
        for side in (-1, 1)
    ]
    return [curve(*arm) for arm in arms]


def _forked_flag(r: Random) -> list[Points]:
    """A fork whose one arm goes on as a flag."""
    left, right = _fork(r)
    flag = left[-1] + np.array([[0.0, 0.0], [r.uniform(-0.3, -0.1), r.uniform(-0.1, 0.15)]])
    return [join(left, flag), right]


_BRANCHES = (_low_left, _right, _flag_and_right, _comb, _comb, _fork, _forked_flag)
