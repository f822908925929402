"""Largest and smallest values nearby, row by row and then column by column: whole arrays, few passes."""

from typing import TypeVar

import numpy as np

from model.components import Mask
from model.grey import Levels, Pixels

Values = TypeVar("Values", Pixels, Levels, Mask)


def grow(values: Values, reach: int) -> Values:
    """The largest value up to `reach` rows and columns away, uint8 or bool [H, W]. Outside is nothing."""
    return grow_down(grow_down(values, reach).T, reach).T


def close(pixels: Pixels, reach: int) -> Pixels:
    """Fill dark places that are no broader than `2 * reach` pixels with what surrounds them, uint8 [H, W]."""
    largest = grow_down(grow_down(pixels, reach).T, reach)
    return ~grow_down(grow_down(~largest, reach).T, reach)


def grow_down(values: Values, reach: int) -> Values:
    """The largest value up to `reach` rows up or down, [H, W], in as many passes as 2 * reach + 1 has binary digits."""
    rows, columns = values.shape
    largest = np.zeros((rows + 2 * reach, columns), values.dtype)
    largest[reach : reach + rows] = values
    window, covered = 2 * reach + 1, 1
    while covered < window:
        step = min(covered, window - covered)
        largest = np.maximum(largest[:-step], largest[step:])
        covered += step
    return largest
