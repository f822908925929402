"""Parts of a mask: every pixel in one part, neighbours in the same one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model.components import find_components

MASKS = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, max_side=24))


def flood(mask):
    """The parts by the textbook's flood fill: a set of pixels for each."""
    left = set(map(tuple, np.argwhere(mask)))
    parts = []
    while left:
        edge = {left.pop()}
        part = set(edge)
        while edge:
            edge = {(y + dy, x + dx) for y, x in edge for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= edge
            part |= edge
        parts.append(part)
    return parts


@settings(max_examples=200, deadline=None)
@given(MASKS)
def test_parts_are_those_of_a_flood_fill(mask):
    """The same sets of pixels, with their boxes and areas."""
    parts = find_components(mask)
    drawn = [np.argwhere(parts.mask(np.arange(parts.area.size) == part)) for part in range(parts.area.size)]
    assert sorted(sorted(map(tuple, pixels.tolist())) for pixels in drawn) == sorted(sorted(p) for p in flood(mask))
    for part, pixels in enumerate(drawn):
        box = parts.top[part], parts.left[part], parts.bottom[part], parts.right[part]
        assert box == (*pixels.min(axis=0), *(pixels.max(axis=0) + 1))
        assert parts.area[part] == len(pixels)


@settings(max_examples=100, deadline=None)
@given(MASKS)
def test_all_parts_together_are_the_mask(mask):
    """Nothing is lost on the way through runs."""
    parts = find_components(mask)
    assert np.array_equal(parts.mask(np.ones(parts.area.size, bool)), mask)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_pixels_within_a_region(data):
    """Counts by part agree with counting pixels."""
    mask = data.draw(MASKS)
    region = data.draw(arrays.arrays(np.bool_, mask.shape))
    parts = find_components(mask)
    each = [parts.mask(np.arange(parts.area.size) == part) for part in range(parts.area.size)]
    assert parts.total(region).tolist() == [np.count_nonzero(part & region) for part in each]


@pytest.mark.parametrize("side", [1, 2, 7, 64])
def test_a_spiral_is_one_part(side):
    """Labels travel all the way in, though they start apart."""
    mask = np.zeros((side, side), bool)
    top, left, bottom, right = 0, 0, side - 1, side - 1
    while top <= bottom and left <= right:
        mask[top, left : right + 1] = mask[top : bottom + 1, right] = True
        mask[bottom, left + 1 : right + 1] = mask[top + 2 : bottom + 1, left + 1 : left + 2] = True
        top, left, bottom, right = top + 2, left + 2, bottom - 2, right - 2
    mask[:, side // 2] = True
    parts = find_components(mask)
    assert parts.area.tolist() == [np.count_nonzero(mask)]
