"""Frame any grey picture of a digit as MNIST framed its own: 20 pixels long, centred by mass, light on dark.

The steps follow the MNIST page (LeCun, Cortes, Burges) and its reconstruction QMNIST (Yadav, Bottou 2019).
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from model.contract import SIZE
from model.digit import Digit, Reason, find_digit
from model.framed import CENTRE, are_framed
from model.grey import Levels, Pixels
from model.ink import Ink, Polarity, find_ink
from model.plain import find_plain
from model.strokes import FINE, LONGEST, Strokes, redraw
from model.working import LARGEST, Box, Working, to_working

__all__ = ["Framed", "Polarity", "as_framed", "frame_digit", "frame_digits"]

LOOKS = 3
"""How often a picture is looked at closer: at a sheet in it, a box on the sheet, a small digit in the box."""
SMALL = 40
"""A digit whose longest side is shorter than this in an averaged-down picture is sought again, closer."""
UNEVEN = 40
"""Grey levels over which the ground varies, from which on the light is called uneven."""
FAINT = 40
"""Grey levels between ink and ground below which the contrast is called low."""

PLACES = 16
"""Between two fine pixels, at one of which the centre of mass is put: to round it to a fine pixel costs accuracy."""

_WHOLE = np.repeat(np.eye(SIZE, 3 * SIZE, SIZE), FINE, axis=1) / FINE
_AVERAGES = np.array(
    [part * np.roll(_WHOLE, -1, axis=1) + (1 - part) * _WHOLE for part in np.arange(PLACES) / PLACES], np.float32
)
"""Average fine pixels to those of the frame, and leave out what lies up to a frame's length before or behind it.

At each place between two fine pixels: [PLACES, 28, fine pixels].
"""
_BEFORE = (SIZE + CENTRE) * FINE
"""Where among these the centre of mass belongs."""
_FINE = np.arange(3 * SIZE * FINE) + 0.5
_PROFILE = np.stack([np.ones_like(_FINE), _FINE], axis=-1).astype(np.float32)
"""Mass, and mass times the place, are products of a fine row's or column's pixels with these columns."""


@dataclass(slots=True)  # not frozen, which makes making one four times as dear
class Framed:
    """A framed picture, and what was found on the way.

    `image` uint8 (28, 28), light ink on dark; `inverted`: the ink was darker than its ground; `box`: left, top,
    right, bottom of the ink in pixels of the picture (all of it where it was taken as it is, None where blank);
    `warnings` and `reason`, why this is not one digit, in the words of the HTTP contract.
    """

    image: Pixels
    inverted: bool
    box: Box | None
    warnings: tuple[str, ...] = ()
    reason: Reason | None = None


def frame_digit(pixels: Pixels, polarity: Polarity = "auto") -> Framed:
    """Frame a picture, uint8 [H, W] with at least one pixel, of any size and light. Never fails."""
    if polarity != "dark-on-light" and pixels.shape == (SIZE, SIZE) and are_framed(pixels[np.newaxis])[0]:
        return as_framed(pixels)
    return _framed(pixels, polarity, LOOKS)


def as_framed(pixels: Pixels) -> Framed:
    """Take a picture, uint8 (28, 28), as it is."""
    return Framed(pixels, inverted=False, box=(0, 0, SIZE, SIZE))


def frame_digits(pictures: Sequence[Pixels], polarity: Polarity = "auto") -> list[Framed]:
    """Frame many pictures, each as `frame_digit` does; small ones of one size are looked at together."""
    framed: dict[int, Framed] = {}
    if polarity == "auto" and len(pictures) > 1:
        framed |= _taken({number: each for number, each in enumerate(pictures) if each.shape == (SIZE, SIZE)})
        framed |= _small({number: each for number, each in enumerate(pictures) if SIZE < max(each.shape) <= LARGEST})
    return [framed.get(number) or frame_digit(each, polarity) for number, each in enumerate(pictures)]


def _taken(pictures: Mapping[int, Pixels]) -> Iterator[tuple[int, Framed]]:
    """Of pictures (28, 28), by number, those that are framed already."""
    if pictures:
        framed = are_framed(np.stack(list(pictures.values())))
        yield from ((number, as_framed(pictures[number])) for number in itertools.compress(pictures, framed))


def _small(pictures: Mapping[int, Pixels]) -> Iterator[tuple[int, Framed]]:
    """Pictures, by number: what is found for little along with others of their working size, and the others."""
    alike = defaultdict(list)
    for number, pixels in pictures.items():
        working = to_working(pixels)
        alike[working.pixels.shape, working.scale].append((number, working))
    for (_, scale), same in alike.items():
        found = find_plain(np.stack([working.pixels for _, working in same]), 1 / scale)
        for (number, working), (ink, digit) in zip(same, found, strict=True):
            ink = ink or find_ink(working.pixels, "auto")
            if digit:
                yield number, _drawn(working, ink, digit)
            else:
                yield number, _found(pictures[number], working, ink, "auto", LOOKS)


def _framed(pixels: Pixels, polarity: Polarity, looks: int) -> Framed:
    """Frame a picture, looking closer `looks` times at most."""
    working = to_working(pixels)
    return _found(pixels, working, find_ink(working.pixels, polarity), polarity, looks)


def _found(pixels: Pixels, working: Working, ink: Ink, polarity: Polarity, looks: int) -> Framed:
    """Frame what there is in the ink; where the digit is small, or enclosed, look again at that place alone."""
    digit = find_digit(ink, 1 / working.scale)
    if digit is None:
        return Framed(np.zeros((SIZE, SIZE), np.uint8), ink.dark, box=None, reason="blank")
    box = working.in_original(digit.box)
    closer = None
    if looks and digit.enclosure:
        closer = _framed_within(pixels, working.in_original(digit.enclosure), polarity, looks - 1)
    elif looks and working.scale > 1 and _longest(digit.box) < SMALL:
        around = _longest(box) // 2
        place = box[0] - around, box[1] - around, box[2] + around, box[3] + around
        closer = _framed_within(pixels, place, "dark-on-light" if ink.dark else "light-on-dark", looks - 1)
    return closer if closer and closer.box else _drawn(working, ink, digit)


def _drawn(working: Working, ink: Ink, digit: Digit) -> Framed:
    """Draw the digit that was found into the frame."""
    box = working.in_original(digit.box)
    strokes = redraw(digit.levels, digit.mask, digit.box, digit.width, plain=digit.plain)
    return Framed(_placed(strokes.fine), ink.dark, box, _warnings(ink, digit, strokes, box), digit.reason)


def _framed_within(pixels: Pixels, place: Box, polarity: Polarity, looks: int) -> Framed:
    """Frame what lies in one place of a picture, as far as that is within it."""
    left, top = max(place[0], 0), max(place[1], 0)
    framed = _framed(pixels[top : place[3], left : place[2]], polarity, looks)
    if framed.box is None:
        return framed
    near_left, near_top, near_right, near_bottom = framed.box
    return replace(framed, box=(left + near_left, top + near_top, left + near_right, top + near_bottom))


def _longest(box: Box) -> int:
    return max(box[2] - box[0], box[3] - box[1])


def _placed(fine: Levels) -> Pixels:
    """Put the centre of mass where MNIST has it, and average the fine pixels down to the frame's."""
    rows, columns = fine.shape
    (mass, x), (y, _) = (_PROFILE[:rows].T @ (fine @ _PROFILE[:columns])).tolist()
    down, across = _average(_BEFORE - y / mass, rows), _average(_BEFORE - x / mass, columns)
    return (down @ fine @ across.T * 255 + 0.5).astype(np.uint8)


def _average(before: float, count: int) -> Levels:
    """What averages so many fine rows or columns, which come after empty ones, to those of the frame: (28, N)."""
    whole, place = divmod(round(before * PLACES), PLACES)
    return _AVERAGES[place, :, whole : whole + count]


def _warnings(ink: Ink, digit: Digit, strokes: Strokes, box: Box) -> tuple[str, ...]:
    """What may have cost accuracy, in the words of the HTTP contract."""
    rows, columns = digit.mask.shape
    left, top, right, bottom = digit.box
    found = {
        "uneven_light": ink.unevenness >= UNEVEN,
        "low_contrast": digit.contrast < FAINT,
        "low_resolution": _longest(box) < LONGEST,
        "thin_strokes": strokes.widened,
        "touches_border": not (left and top and right < columns and bottom < rows),
        "several_parts": digit.parts > 1,
    }
    return tuple(name for name, is_so in found.items() if is_so)
