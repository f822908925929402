"""Characters that are no digits, drawn with the same pen as `training.pictures.handwriting` draws digits.

What tells the two apart is then their form alone, not the pen. The letters and signs are those of the Hershey fonts,
drawn by A. V. Hershey for the U.S. National Bureau of Standards and free to use; the others are invented.
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
