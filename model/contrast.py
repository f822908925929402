"""Tell ink from what only looks like it: how clearly a digit stands out from the ground, and on both sides."""

import math

import numpy as np

from model.components import Ints, Mask
from model.grey import Levels, Pixels
from model.ink import LEVEL, SQUARE, Floats, Ink
from model.morphology import close, grow

FAINTEST = 10
"""Grey levels between ink and ground below which the picture is blank: compression alone makes up to 8."""
CLEAREST_NOISE = 3.0
"""Standard deviations of the ground by which ink must stand out from it: noise, cut in two, reaches 2 to 4."""
CLEAREST_GRAIN = 4.0
"""The same for ink of the whole picture: grains of one kind, cut from the rest, reach 4."""
CLEAR = 8
"""What is so faint must stand out by this many grey levels more, from all of the ground or from what is near."""
BOTH_SIDES = 0.58
"""Strokes stand out from what is on either side of them by this fraction of their contrast; edges of shadows do not."""
BOTH_SIDES_CLEARLY = 75
"""So many grey levels are enough: a bold digit that fills the picture has too little ground between its strokes."""
PLAIN = 50
"""Grey levels above which the contrast need not be known exactly."""
BARE = 1 / 6
"""Up to this fraction of its ink's contrast a pixel of a plain picture counts as bare ground."""


def clear_contrast(ink: Ink, mask: Mask, width: float, aside: Mask) -> float | None:
    """How far a digit stands out, in grey levels; None where it hardly does, or from one side only, as shadows do.

    `width` is that of the digit's strokes. What was set `aside`, [H, W] like its `mask`, is neither its ink nor ground.
    """
    digit = mask.ravel().astype(np.float32)
    ground = (~grow(mask | aside, 1)).ravel().astype(np.float32)
    contrast, noise = _contrast(ink.levels, digit, ground)
    if contrast < max(FAINTEST, CLEAREST_GRAIN * noise):
        return None
    near, grain = _contrast(_stands_out(ink.pixels, int(reach_of(width))), digit, ground)
    if near < max(min(BOTH_SIDES * contrast, BOTH_SIDES_CLEARLY), CLEAREST_NOISE * grain):
        return None
    clear = contrast >= CLEAR + CLEAREST_NOISE * noise or near >= CLEAR + CLEAREST_NOISE * grain
    return contrast if clear else None


def plain_contrast(ink: Ink, area: int, width: float, threshold: int) -> float | None:
    """The same where it surely is clear, for little: at least so much; None where it has to be looked at closely.

    The digit is all the ink there is above the threshold, so many pixels. Where the ground is of one level, the
    histogram tells within which bounds its contrast and the noise lie, since what touches the digit, and so is no
    ground, is at most two pixels for each step of its outline. And if there is bare ground within reach of every
    place, the picture without its strokes is as light everywhere as bare ground is, at least.
    """
    ground = ink.levels.size - area - 2 * 2 * area / width
    if ink.level is None or ground < ink.levels.size / 4:
        return None
    rest, dark = ink.count[: threshold + 1], ink.count[threshold + 1 :]
    noise = math.sqrt(int(rest @ SQUARE[: rest.size]) / ground)
    most = int(dark @ LEVEL[rest.size : ink.count.size]) / area
    contrast = most - int(rest @ LEVEL[: rest.size]) / ground
    bare, glare = int(BARE * contrast), int(ink.pixels.max()) - ink.level
    is_clear = (
        ink.rim <= bare
        and surely_clear(most, contrast, noise, bare, glare)
        and bare_everywhere(ink.levels, np.asarray(bare), int(reach_of(width)))
    )
    return contrast if is_clear else None


def surely_clear(
    most: float | Floats, contrast: float | Floats, noise: float | Floats, bare: int | Ints, glare: int | Ints
) -> Mask | np.bool_:
    """Whether what these bounds allow stands out clearly, of one picture or of many, each [N]."""
    near, grain = contrast - bare - glare, noise + bare / 2 + glare
    apart = np.maximum(np.maximum(CLEAREST_GRAIN * noise, CLEAR + CLEAREST_NOISE * noise), PLAIN)
    nearby = np.maximum(np.minimum(BOTH_SIDES * most, BOTH_SIDES_CLEARLY), CLEAREST_NOISE * grain)
    return np.logical_and(contrast >= apart, near >= nearby)


def reach_of(width: float | Floats) -> Ints:
    """How far from a stroke's pixels, of strokes of a mean width, there should be ground; of one or of many, [N]."""
    return 2 + np.ceil(width).astype(np.intp)


def bare_everywhere(levels: Pixels, bare: Ints, reach: int) -> Mask | np.bool_:
    """Whether every square of `2 * reach + 1` pixels, beyond the sides too, surely has a pixel with no more ink.

    Of one picture [H, W], or of many [N, H, W], that have no more ink along their sides either. So many points of a
    lattice lie in each square; those that reach beyond the sides share pixels with these.
    """
    step = max(1, (2 * reach + 1) // 6)
    points = (2 * reach + 1) // step
    inked = levels[..., ::step, ::step] > bare[..., np.newaxis, np.newaxis]
    for _ in range(2):
        covered = 1
        while covered < points:
            further = min(covered, points - covered)
            inked = inked[..., further:, :] & inked[..., :-further, :]
            covered += further
        inked = inked.swapaxes(-1, -2)
    return np.logical_not(inked.any(axis=(-1, -2)))


def _stands_out(pixels: Pixels, reach: int) -> Pixels:
    """How far dark ink no broader than `2 * reach` pixels stands out from what is on both sides, uint8 [H, W].

    What reaches a side of the picture is taken to go on beyond.
    """
    rows, columns = pixels.shape
    beyond = np.empty((rows + 2 * reach, columns + 2 * reach), np.uint8)
    middle = beyond[reach:-reach]
    middle[:, reach:-reach] = pixels
    middle[:, :reach], middle[:, -reach:] = pixels[:, :1], pixels[:, -1:]
    beyond[:reach], beyond[-reach:] = middle[0], middle[-1]
    return close(beyond, reach)[reach:-reach, reach:-reach] - pixels


def _contrast(levels: Pixels, digit: Levels, ground: Levels) -> tuple[float, float]:
    """How far the digit stands out from the ground, and the ground's own deviation, in grey levels.

    Pixels of either weigh 1, [H * W], others 0.
    """
    level = levels.ravel().astype(np.float32)
    ink, pixels = float(level @ digit) / float(digit.sum()), float(ground.sum())
    if not pixels:
        return ink, 0.0
    mean = float(level @ ground) / pixels
    level -= np.float32(mean)
    level *= level
    return ink - mean, math.sqrt(float(level @ ground) / pixels)
