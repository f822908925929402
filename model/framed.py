"""Which pictures are framed already, as MNIST's are: what programs send most often, and what is taken as it is."""

import numpy as np

from model.contract import SIZE
from model.grey import Pixels
from model.strokes import LONGEST

CENTRE = 14.5
"""Where MNIST has the centre of mass, in pixels from the frame's edge: the middle of the 15th pixel."""
OFF_CENTRE = 0.75
"""How far the mass of a framed digit may lie from there; MNIST rounds to a pixel, so its own reach 0.5."""
FULL = 200
"""The least peak of a framed digit; MNIST's own are 254 and 255."""

_ROW, _COLUMN = np.mgrid[:SIZE, :SIZE] + 0.5
_MOMENTS = np.stack([np.ones_like(_ROW), _COLUMN, _ROW], axis=-1).reshape(-1, 3).astype(np.float32)
"""Mass, and mass times x and y, are products of a frame's pixels with these columns: [784, 3]."""
_POWERS = 2.0 ** np.arange(SIZE)
"""Make one number of a row of 28 yes and no."""


def are_framed(frames: Pixels) -> list[bool]:
    """Which of uint8 [N, 28, 28] are framed as MNIST's are: light ink, 19 to 22 pixels long, its mass in the middle."""
    flat = frames.reshape(-1, SIZE * SIZE)
    across = (np.bitwise_or.reduce(frames, axis=1) != 0) @ _POWERS
    down = (np.bitwise_or.reduce(frames, axis=2) != 0) @ _POWERS
    corners = flat[:, 0] | flat[:, -1]
    moments = flat.astype(np.float32) @ _MOMENTS
    return list(
        map(_fits, across.tolist(), down.tolist(), corners.tolist(), flat.max(axis=1).tolist(), moments.tolist())
    )


def _fits(across: float, down: float, corners: int, peak: int, moments: list[float]) -> bool:
    """Whether one picture is framed, from what was measured of it."""
    longest = max(_span(int(across)), _span(int(down)))
    if corners or peak < FULL or not LONGEST - 1 <= longest <= LONGEST + 2:  # MNIST's own; averaging down may add
        return False
    mass, x, y = moments
    return max(abs(x / mass - CENTRE), abs(y / mass - CENTRE)) <= OFF_CENTRE


def _span(bits: int) -> int:
    """From the first to the last bit that is set."""
    return bits.bit_length() - (bits & -bits).bit_length() + 1
