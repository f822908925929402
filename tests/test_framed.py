"""What is taken for framed, told quickly, is what the plain definition says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.framed import are_framed
from tests.samples import IMAGES


def is_framed(frame):
    """As one would write it down."""
    frame = frame.astype(float)
    if frame.max() < 200 or frame[0, 0] or frame[-1, -1]:
        return False
    rows, columns = np.flatnonzero(frame.any(axis=1)), np.flatnonzero(frame.any(axis=0))
    longest = max(np.ptp(rows), np.ptp(columns)) + 1
    y, x = ((np.indices((28, 28)) + 0.5) * frame).sum(axis=(1, 2)) / frame.sum()
    return bool(19 <= longest <= 22 and max(abs(x - 14.5), abs(y - 14.5)) <= 0.75)


def agree(frames):
    """How many of these are framed, by both."""
    told = are_framed(np.stack(frames))
    assert told == [is_framed(frame) for frame in frames]
    assert told == [are_framed(frame[np.newaxis])[0] for frame in frames]
    return sum(told)


def test_digits_as_mnist_has_them():
    """Most of them, and few that are moved by a pixel, or are faint, or longer than any of its own."""
    assert agree(list(IMAGES)) > 0.9 * len(IMAGES)
    moved = [np.roll(image, (down, right), (0, 1)) for image in IMAGES for down, right in ((1, 0), (0, -1), (2, 2))]
    assert 0 < agree(moved) < 0.5 * len(moved)
    assert agree([image // 2 for image in IMAGES]) == 0


@given(st.data())
def test_blocks_of_any_size_anywhere(data):
    """With specks beside them, which count for the length, and in the corners, where MNIST has no ink."""
    frame = np.zeros((28, 28), np.uint8)
    edges = st.integers(0, 27)
    for _ in range(data.draw(st.integers(1, 2))):
        top, bottom = sorted((data.draw(edges), data.draw(edges)))
        left, right = sorted((data.draw(edges), data.draw(edges)))
        frame[top : bottom + 1, left : right + 1] = data.draw(st.sampled_from((199, 200, 255)))
    for _ in range(data.draw(st.integers(0, 2))):
        frame[data.draw(edges), data.draw(edges)] = data.draw(st.sampled_from((1, 255)))
    agree([frame])


@given(st.integers(17, 24), st.integers(17, 24), st.integers(-2, 2), st.integers(-2, 2))
def test_blocks_about_the_middle(height, width, down, right):
    """Those that are just long enough, and just in the middle, are framed."""
    frame = np.zeros((28, 28), np.uint8)
    top, left = (29 - height) // 2 + down, (29 - width) // 2 + right
    frame[max(top, 0) : top + height, max(left, 0) : left + width] = 255
    agree([frame])


@pytest.mark.parametrize("row", [*range(4, 24), [5, 19]], ids=str)
def test_a_line_in_any_row_counts_for_the_width(row):
    """However faint it is, and also where there are two alike. Fails where some row is left out."""
    frame = np.zeros((28, 28), np.uint8)
    frame[8:21, 8:21] = 255
    assert agree([frame]) == 0
    frame[row, 4:25] = 1
    assert agree([frame]) == 1
    assert agree([frame.T]) == 1


@pytest.mark.parametrize(("corner", "beside"), [((0, 0), (1, 0)), ((27, 27), (26, 27))])
def test_ink_in_a_corner_is_none_of_mnist(corner, beside):
    """Though its length and its middle be a digit's."""
    frame = np.zeros((28, 28), np.uint8)
    frame[8:21, 8:21] = 255
    frame[beside] = 1
    assert agree([frame]) == 1
    frame[corner] = 1
    assert agree([frame]) == 0
