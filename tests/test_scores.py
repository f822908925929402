"""Figures of merit, held to values worked out by hand and to what must always be true of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.scores import (
    accuracy,
    confusion_matrix,
    energy,
    expected_calibration_error,
    per_digit_accuracy,
    risk_coverage,
    wilson_interval,
)

DIGITS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=50).map(
    lambda pairs: np.array(pairs, np.int64).T
)


def spread(confidence, digits):
    """Probabilities with that confidence in those digits and the rest shared out."""
    probabilities = np.tile(((1 - confidence) / 9)[:, np.newaxis], 10)
    probabilities[np.arange(len(digits)), digits] = confidence
    return probabilities


def test_accuracy():
    """Two of four."""
    assert accuracy(np.array([1, 2, 3, 4]), np.array([1, 2, 9, 9])) == 0.5


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),  # low and high from the closed form, to four places
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),  # the example of Newcombe 1998, table I
        (15, 148, 0.0624, 0.1605),
    ],
)
def test_wilson_interval(successes, trials, low, high):
    """Published examples and both ends."""
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_wilson_interval_holds_the_rate(counts):
    """And never leaves [0, 1]."""
    low, high = wilson_interval(*counts)
    assert 0 <= low <= counts[0] / counts[1] <= high <= 1
    assert low < high


@given(DIGITS)
def test_the_confusion_matrix_counts_everything_once(pairs):
    """Rows are true digits, columns are what was read, the diagonal is what was right."""
    labels, predicted = pairs
    matrix = confusion_matrix(labels, predicted)
    assert matrix.sum() == len(labels)
    assert np.array_equal(matrix.sum(axis=1), np.bincount(labels, minlength=10))
    assert np.array_equal(matrix.sum(axis=0), np.bincount(predicted, minlength=10))
    assert np.trace(matrix) / len(labels) == pytest.approx(accuracy(predicted, labels))


def test_the_confusion_matrix_has_a_direction():
    """A 4 read as 9 is in row 4."""
    matrix = confusion_matrix(np.array([4], np.uint8), np.array([9]))
    assert matrix[4, 9] == 1


def test_the_accuracy_of_each_digit():
    """A digit that did not occur has none."""
    matrix = confusion_matrix(np.array([0, 0, 0, 0, 7]), np.array([0, 0, 0, 1, 7]))
    shares = per_digit_accuracy(matrix)
    assert shares[0] == 0.75
    assert shares[7] == 1.0
    assert shares[1] is None
    assert shares.count(None) == 8


def test_calibration_error_is_the_gap():
    """Sure of 0.8 and right in half of the cases: 0.3."""
    digits = np.zeros(100, int)
    labels = np.where(np.arange(100) < 50, 0, 1)
    assert expected_calibration_error(spread(np.full(100, 0.8), digits), labels) == pytest.approx(0.3)


def test_calibration_error_is_taken_bin_by_bin():
    """Gaps of opposite sign in different bins do not cancel; in the same bin they do."""
    digits = np.zeros(4, int)
    labels = np.array([1, 1, 0, 0])
    apart = spread(np.array([0.31, 0.31, 0.71, 0.71]), digits)
    together = spread(np.array([0.68, 0.68, 0.70, 0.70]), digits)
    assert expected_calibration_error(apart, labels) == pytest.approx((0.31 + 0.29) / 2)
    assert expected_calibration_error(together, labels) == pytest.approx(0.69 - 0.5)


def test_certainty_has_a_bin():
    """Confidence 1 and always right: no error; always wrong: all of it."""
    digits = np.arange(10)
    assert expected_calibration_error(np.eye(10), digits) == 0
    assert expected_calibration_error(np.eye(10), (digits + 1) % 10) == 1


def test_risk_coverage():
    """The least confident are refused first; the last point is the plain error rate."""
    coverage, risk = risk_coverage(np.array([0.9, 0.2, 0.6, 0.4]), np.array([True, False, True, False]))
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 2])


def test_energy_is_log_sum_exp():
    """Also where exp would overflow."""
    assert energy(np.array([[0.0] * 10, [1000.0] + [0.0] * 9])) == pytest.approx([np.log(10), 1000.0])
