"""Digits drawn stroke by stroke, in the forms that MNIST's writers seldom used: barred sevens, curled nines.

A form is a list of strokes in a box of one by one, x to the right and y down, and every call draws another specimen.
How people of several countries write digits was taken from school charts, the numbers by eye.
"""

from collections.abc import Callable

import numpy as np

from training.pictures.pen import Ink, Points, Random, arc, curve, join, line, write

Form = Callable[[Random], list[Points]]


def write_digit(digit: int, random: Random) -> Ink:
    """One specimen of a digit."""
    weights = np.array([weight for weight, _ in FORMS[digit]])
    form = int(random.choice(len(weights), p=weights / weights.sum()))
    return write(FORMS[digit][form][1](random), random)


def _zero(r: Random) -> list[Points]:
    start, width = r.uniform(-130, -50), r.uniform(0.24, 0.45)
    turn = r.choice([1, -1]) * (360 + r.normal(5, 18))
    return [arc(0.5, 0.5, width, 0.5, start, start + turn)]


def _slashed_zero(r: Random) -> list[Points]:
    over = r.uniform(-0.1, 0.12)
    return [*_zero(r), line((0.7 + over, 0.15 - over), (0.3 - over, 0.85 + over))]


def _looped_zero(r: Random) -> list[Points]:
    """Closed with a small loop at the top, as a quick hand writes it."""
    width = r.uniform(0.28, 0.42)
    tail = curve((0.5, 0.0), (0.62, 0.1), (0.72, 0.07), (0.85, r.uniform(-0.06, 0.08)))
    return [join(arc(0.5, 0.5, width, 0.5, -70, -450), tail)]


def _plain_one(r: Random) -> list[Points]:
    bend = r.normal(0, 0.03)
    return [curve((0.5, 0), (0.5 + bend, 0.5), (0.5, 1))]


def _flagged_one(r: Random) -> list[Points]:
    """With an upstroke, short as in print or down to the base line as in much of Europe."""
    reach, drop = r.uniform(0.12, 0.6), r.uniform(0.12, 0.7)
    start = (0.5 - reach, drop)
    bow = (0.5 - reach * r.uniform(0.35, 0.6), drop * r.uniform(0.35, 0.65))
    return [join(curve(start, bow, (0.5, 0)), line((0.5, 0), (0.5 + r.normal(0, 0.02), 1)))]


def _footed_one(r: Random) -> list[Points]:
    left, right = r.uniform(0.12, 0.32), r.uniform(0.12, 0.32)
    foot = line((0.5 - left, 1 + r.normal(0, 0.02)), (0.5 + right, 1 + r.normal(0, 0.02)))
    return [*(_flagged_one(r) if r.random() < 0.75 else _plain_one(r)), foot]


def _two(r: Random) -> list[Points]:
    top = arc(0.48, 0.27, r.uniform(0.3, 0.42), 0.27, r.uniform(165, 215), 360)
    waist = curve((0.85, 0.27), (0.74, 0.5), (0.38, 0.8), (0.1, 1.0))
    foot = curve((0.1, 1.0), (0.5, 1 + r.normal(0, 0.03)), (0.92, 1 + r.normal(-0.02, 0.05)))
    return [join(top, waist, foot)]


def _looped_two(r: Random) -> list[Points]:
    size = r.uniform(0.06, 0.13)
    top = arc(0.5, 0.27, r.uniform(0.28, 0.4), 0.27, r.uniform(165, 215), 360)
    loop = curve((0.86, 0.3), (0.66, 0.62), (0.33, 0.93), (0.16, 1.0), (0.06, 1 - size), (0.17, 1 - 1.7 * size))
    foot = curve((0.17, 1 - 1.7 * size), (0.36, 0.93), (0.62, 1.02), (0.98, r.uniform(0.85, 1.0)))
    return [join(top, loop, foot)]


def _angular_two(r: Random) -> list[Points]:
    top = curve((0.1, r.uniform(0.05, 0.25)), (0.45, 0.0), (0.82, r.uniform(0.08, 0.2)))
    foot = r.normal(1, 0.02)
    return [join(top, line((0.82, 0.2), (0.08, foot)), line((0.08, foot), (r.uniform(0.8, 1.0), foot)))]


def _three(r: Random) -> list[Points]:
    notch = r.uniform(0.3, 0.55)
    top = arc(0.45, 0.26, r.uniform(0.28, 0.4), 0.26, r.uniform(185, 230), 430)
    bottom = arc(0.45, 0.74, r.uniform(0.34, 0.46), 0.27, -75, r.uniform(130, 175))
    return [join(top, line((notch, 0.5)), bottom)]


def _flat_three(r: Random) -> list[Points]:
    """With a straight roof and a sharp bend."""
    knee = (r.uniform(0.35, 0.5), r.uniform(0.38, 0.46))
    roof = line((0.1, r.normal(0.02, 0.02)), (0.85, r.normal(0, 0.02)), knee)
    return [join(roof, arc(0.42, 0.7, r.uniform(0.36, 0.46), 0.3, -80, r.uniform(130, 175)))]


def _looped_three(r: Random) -> list[Points]:
    top = curve((0.12, 0.15), (0.45, 0.0), (0.78, 0.2), (0.52, 0.46), (0.34, 0.52), (0.36, 0.43), (0.5, 0.45))
    return [join(top, arc(0.45, 0.72, 0.4, 0.28, -80, r.uniform(130, 180)))]


def _open_four(r: Random) -> list[Points]:
    bar, stem = r.uniform(0.5, 0.68), r.uniform(0.6, 0.8)
    top = r.uniform(0.0, 0.25)
    left = line(
        (r.uniform(0.12, 0.34), r.uniform(0, 0.08)), (0.08, bar), (r.uniform(0.85, 1.05), bar + r.normal(0, 0.03))
    )
    return [left, line((stem, top), (stem + r.normal(0, 0.05), 1))]


def _closed_four(r: Random) -> list[Points]:
    bar, stem = r.uniform(0.55, 0.75), r.uniform(0.58, 0.75)
    end = r.uniform(0.8, 1.05)
    sail = line((stem, 0), (r.uniform(0.0, 0.12), bar), (end, bar + r.normal(0, 0.02)))
    return [sail, line((stem, 0), (stem + r.normal(0, 0.02), 1))]


def _lightning_four(r: Random) -> list[Points]:
    """A long slope, a bar, and a short stroke across it, as taught in central Europe."""
    bar, stem = r.uniform(0.58, 0.75), r.uniform(0.5, 0.72)
    slope = line((r.uniform(0.45, 0.75), 0), (0.05, bar), (0.98, bar + r.normal(0, 0.03)))
    return [slope, line((stem + r.normal(0.04, 0.03), r.uniform(0.3, 0.48)), (stem, 1))]


def _rounded_four(r: Random) -> list[Points]:
    bend = curve((0.2, 0.05), (0.1, 0.4), (0.28, 0.6), (0.6, 0.55), (0.85, r.uniform(0.3, 0.5)))
    return [bend, line((r.uniform(0.75, 0.9), 0.02), (r.uniform(0.7, 0.85), 1))]


def _five(r: Random) -> list[Points]:
    """A neck and a belly, and the roof put on afterwards, not always where the neck is."""
    neck = line((0.2, 0.02), (r.uniform(0.12, 0.2), 0.42))
    belly = arc(0.45, 0.69, r.uniform(0.36, 0.46), 0.31, r.uniform(-140, -120), r.uniform(130, 170))
    roof = line((0.2 + r.normal(0, 0.04), r.normal(0.02, 0.03)), (r.uniform(0.75, 1.0), r.normal(0, 0.04)))
    return [join(neck, belly), roof]


def _loose_five(r: Random) -> list[Points]:
    """Its roof apart from its neck, or lower than it begins."""
    belly = _swift_five(r)[0][2:]
    left, high = r.uniform(0.3, 0.5), r.uniform(-0.1, 0.15)
    return [belly, line((left, high), (r.uniform(0.85, 1.1), high + r.normal(-0.03, 0.06)))]


def _swift_five(r: Random) -> list[Points]:
    """In one stroke, from the right end of its roof."""
    start = (r.uniform(0.75, 1.0), r.uniform(-0.05, 0.08))
    corner = (r.uniform(0.18, 0.3), r.uniform(0.0, 0.08))
    belly = arc(0.45, 0.7, r.uniform(0.34, 0.44), 0.3, -130, r.uniform(130, 170))
    return [join(line(start, corner, (0.16, 0.45)), belly)]


def _curvy_five(r: Random) -> list[Points]:
    depth = r.uniform(0.4, 0.52)
    snake = [(0.88, 0.04), (0.4, 0.04), (0.22, depth - 0.12), (0.42, depth), (0.8, 0.66), (0.6, 0.97), (0.12, 0.94)]
    return [curve(*snake)]


def _six(r: Random) -> list[Points]:
    height = r.uniform(0.22, 0.32)
    stem = curve((r.uniform(0.55, 0.85), 0), (0.3, 0.3), (0.12, 1 - height))
    return [join(stem, arc(0.47, 1 - height, 0.36, height, 180, 180 - r.uniform(330, 400)))]


def _straight_six(r: Random) -> list[Points]:
    height = r.uniform(0.2, 0.3)
    stem = line((r.uniform(0.2, 0.7), 0), (0.14, 1 - height))
    return [join(stem, arc(0.46, 1 - height, 0.33, height, 180, 180 - r.uniform(300, 390)))]


def _hooked_six(r: Random) -> list[Points]:
    height = r.uniform(0.24, 0.32)
    stem = curve((0.85, r.uniform(0.1, 0.22)), (0.62, 0.0), (0.3, 0.22), (0.12, 1 - height))
    return [join(stem, arc(0.48, 1 - height, 0.36, height, 180, 180 - r.uniform(330, 390)))]


def _seven(r: Random) -> list[Points]:
    foot = (r.uniform(0.2, 0.5), 1.0)
    bow = (0.5 + r.normal(0.03, 0.06), 0.5)
    roof = line((0.08, r.normal(0.02, 0.03)), (0.9, r.normal(0.0, 0.03)))
    return [join(roof, curve((0.9, 0.0), bow, foot) if r.random() < 0.6 else line((0.9, 0), foot))]


def _barred(seven: list[Points], r: Random) -> list[Points]:
    middle, half, slope = r.uniform(0.4, 0.6), r.uniform(0.15, 0.34), r.normal(0, 0.05)
    x = float(np.interp(middle, seven[0][-14:, 1], seven[0][-14:, 0])) if len(seven[0]) > 14 else 0.6
    return [*seven, line((x - half, middle + slope), (x + half, middle - slope))]


def _barred_seven(r: Random) -> list[Points]:
    return _barred(_seven(r), r)


def _narrow_seven(r: Random) -> list[Points]:
    """Its roof short, its bar long, its stem nearly upright."""
    roof, foot = r.uniform(0.2, 0.45), 0.6 + r.normal(-0.05, 0.08)
    seven = [join(line((0.6 - roof, r.normal(0.08, 0.06)), (0.6, 0)), line((0.6, 0), (foot, 1)))]
    return _barred(seven, r)


def _serifed_seven(r: Random) -> list[Points]:
    """With a short stroke down, or a wave, before its roof."""
    wave = curve((0.05, r.uniform(0.12, 0.32)), (0.1, r.normal(0.02, 0.02)), (0.45, r.uniform(0.0, 0.1)), (0.92, 0.0))
    drop = line((0.08, r.uniform(0.1, 0.28)), (0.1, 0.02), (0.92, 0.0))
    seven = [join(wave if r.random() < 0.5 else drop, curve((0.92, 0), (0.58, 0.5), (r.uniform(0.2, 0.5), 1)))]
    return _barred(seven, r) if r.random() < 0.4 else seven


def _eight(r: Random) -> list[Points]:
    """In one stroke, crossing itself in the middle."""
    waist, top, bottom = r.uniform(0.42, 0.52), r.uniform(0.24, 0.36), r.uniform(0.3, 0.44)
    end = (r.uniform(0.6, 0.85), r.uniform(0.02, 0.2))
    path = [(0.7, 0.1), (0.5, 0.0), (0.5 - top, 0.22), (0.5, waist), (0.5 + bottom, 0.76), (0.5, 1.0)]
    return [curve(*path, (0.5 - bottom, 0.76), (0.5, waist), (0.5 + top, 0.2), end)]


def _stacked_eight(r: Random) -> list[Points]:
    split = r.uniform(0.4, 0.52)
    top = arc(0.5 + r.normal(0, 0.03), split / 2, r.uniform(0.22, 0.36), split / 2 + 0.01, -90, 270 + r.normal(0, 10))
    bottom = arc(0.5, (1 + split) / 2, r.uniform(0.28, 0.42), (1 - split) / 2 + 0.01, -90, 270 + r.normal(0, 10))
    return [top, bottom]


def _open_eight(r: Random) -> list[Points]:
    """Begun at the right, its top left open."""
    path = [
        (0.85, r.uniform(0.02, 0.12)),
        (0.5, 0.03),
        (0.22, 0.22),
        (0.5, 0.48),
        (0.82, 0.75),
        (0.5, 1.0),
        (0.18, 0.78),
    ]
    return [curve(*path, (0.5, 0.45), (r.uniform(0.8, 1.0), r.uniform(0.0, 0.12)))]


def _nine(r: Random) -> list[Points]:
    """A loop and a straight back."""
    height, width = r.uniform(0.2, 0.3), r.uniform(0.28, 0.4)
    loop = arc(0.45, height, width, height, r.uniform(-40, 10), -360)
    return [join(loop, line((0.45 + width, height), (r.uniform(0.45, 0.85), 1)))]


def _curled_nine(r: Random) -> list[Points]:
    """Its tail curled back to the left, as far as up again."""
    height, width = r.uniform(0.22, 0.3), r.uniform(0.3, 0.4)
    right = 0.47 + width
    loop = arc(0.47, height, width, height, r.uniform(-40, 5), -360)
    low = r.uniform(0.75, 0.92)
    return [join(loop, curve((right, height), (right, 0.65), (0.5, 1.0), (0.15, low)))]


def _footed_nine(r: Random) -> list[Points]:
    """A small loop, a slope down to the right, and a long way back along the base line."""
    height, width = r.uniform(0.18, 0.26), r.uniform(0.2, 0.32)
    loop = arc(0.36, height, width, height, r.uniform(-40, 5), -360)
    low = (r.uniform(0.75, 0.95), r.uniform(0.7, 0.85))
    return [join(loop, curve((0.36 + width, height), (0.66, 0.5), low, (0.55, 0.98), (r.uniform(0.0, 0.2), 1.0)))]


def _crossed_nine(r: Random) -> list[Points]:
    """A wide loop that its own tail crosses, like a written g."""
    low, wide = r.uniform(0.78, 1.0), r.uniform(0.32, 0.45)
    loop = _curve_around(0.5, 0.28, wide, r.uniform(0.2, 0.28), r)
    return [join(loop, curve((0.5 + wide, 0.2), (0.8, 0.6), (0.5, 1.0), (r.uniform(0.05, 0.3), low)))]


def _curve_around(x: float, y: float, across: float, down: float, r: Random) -> Points:
    """A loop begun at the upper right and closed beyond its start."""
    return arc(x, y, across, down, r.uniform(-60, -20), -360 - r.uniform(10, 60))


def _open_nine(r: Random) -> list[Points]:
    """Angular, its loop not closed at the right."""
    bottom = r.uniform(0.42, 0.55)
    loop = curve((0.85, r.uniform(0.02, 0.15)), (0.45, 0.0), (0.12, 0.22), (0.35, bottom), (0.82, bottom - 0.05))
    stem = curve((0.84, 0.04), (0.84, bottom), (0.7, 0.98), (r.uniform(0.1, 0.4), r.uniform(0.92, 1.02)))
    return [loop, stem]


def _swift_nine(r: Random) -> list[Points]:
    """Its loop left open or crossed by the tail."""
    end = (r.uniform(0.3, 0.8), 1)
    top = [(0.82, r.uniform(0.0, 0.12)), (0.45, 0.0), (0.15, 0.25), (0.42, r.uniform(0.42, 0.52)), (0.8, 0.2)]
    return [join(curve(*top), line((0.8, r.uniform(-0.02, 0.2)), end))]


FORMS: dict[int, list[tuple[float, Form]]] = {
    0: [(6, _zero), (1, _slashed_zero), (2, _looped_zero)],
    1: [(3, _plain_one), (7, _flagged_one), (3, _footed_one)],
    2: [(4, _two), (2, _looped_two), (2, _angular_two)],
    3: [(4, _three), (2, _flat_three), (1, _looped_three)],
    4: [(3, _open_four), (3, _closed_four), (2, _lightning_four), (1, _rounded_four)],
    5: [(3, _five), (2, _swift_five), (2, _curvy_five), (1, _loose_five)],
    6: [(3, _six), (2, _straight_six), (2, _hooked_six)],
    7: [(2, _seven), (3, _barred_seven), (3, _serifed_seven), (1, _narrow_seven)],
    8: [(3, _eight), (2, _stacked_eight), (2, _open_eight)],
    9: [(3, _nine), (3, _curled_nine), (2, _footed_nine), (2, _swift_nine), (2, _crossed_nine), (1, _open_nine)],
}
"""Of each digit the forms, with how often each is written relative to the others."""
