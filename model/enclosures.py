"""Notice what encloses a digit: a box drawn around it, or the sheet it is written on."""

import numpy as np

from model.components import Components, Mask, Part
from model.working import Box

SHEET = 0.6
"""A part that fills its box to this fraction may be a sheet; heavy digits fill theirs less, or lack its corners."""
INSIDE = 0.2
"""What a drawn box holds is at least this fraction of its height."""
STRAIGHT = 0.08
"""How far a side may lean, as a fraction of its length."""
COVER = 0.9
"""Fraction of each side that must be there: round digits have no corners."""


def find_enclosure(components: Components, parts: list[Part]) -> Box | None:
    """The box of the largest of the parts, at least one, if it has four sides and may hold a digit; else None."""
    number, left, top, right, bottom, area = max(parts, key=lambda part: part.height * part.width)
    least = INSIDE * (bottom - top)
    fills = area >= SHEET * (bottom - top) * (right - left)
    if not fills and not any(
        part.left > left and part.right < right and part.top > top and part.bottom < bottom and part.height >= least
        for part in parts
    ):
        return None
    largest = components.mask(np.arange(components.area.size) == number)[top:bottom, left:right]
    return (left, top, right, bottom) if has_four_sides(largest) else None


def has_four_sides(part: Mask) -> bool:
    """Whether ink runs along all sides of a mask [H, W]."""
    rows, columns = part.shape
    high, wide = 1 + int(STRAIGHT * rows), 1 + int(STRAIGHT * columns)
    across = part[:high].any(axis=0), part[-high:].any(axis=0)
    down = part[:, :wide].any(axis=1), part[:, -wide:].any(axis=1)
    return all(np.count_nonzero(side) >= COVER * side.size for side in (*across, *down))
