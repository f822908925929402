"""Figures of merit, held to values worked out by hand and to what must always be true of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.scores import (
    accuracy,
    area_under_risk_coverage,
    auroc,
    bootstrap_interval,
    confusion_matrix,
    energy,
    expected_calibration_error,
    per_digit_accuracy,
    reliability,
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


def test_reliability_is_counted_by_bin():
    """Two bins of four: 0.3 and 0.4 with one right, 0.9 with both right; an edge belongs to the bin below it."""
    digits = np.zeros(5, int)
    found = reliability(spread(np.array([0.3, 0.4, 0.5, 0.9, 0.9]), digits), np.array([0, 1, 1, 0, 0]), bins=4)
    assert found.counts.tolist() == [0, 3, 0, 2]
    assert found.confidence == pytest.approx([np.nan, 0.4, np.nan, 0.9], nan_ok=True)
    assert found.accuracy == pytest.approx([np.nan, 1 / 3, np.nan, 1.0], nan_ok=True)


@given(st.lists(st.tuples(st.floats(0.11, 1), st.integers(0, 9)), min_size=1, max_size=60), st.integers(1, 20))
def test_the_calibration_error_is_the_mean_gap_of_the_bins(answers, bins):
    """Weighted by what is in them: the diagram and the figure in its title cannot disagree."""
    confidence, labels = np.array([sure for sure, _ in answers]), np.array([label for _, label in answers])
    probabilities = spread(confidence, np.zeros(len(labels), int))
    found = reliability(probabilities, labels, bins)
    gaps = np.nansum(found.counts * np.abs(found.confidence - found.accuracy))
    assert found.counts.sum() == len(labels)
    assert gaps / len(labels) == pytest.approx(expected_calibration_error(probabilities, labels, bins))


def test_the_bootstrap_holds_the_calibration_error():
    """Sure of 0.8 and right in 500 of 1,000: the gap is that of a coin's mean, 0.3 ± 1.96 × 0.5 / √1000."""
    labels = np.where(np.arange(1000) < 500, 0, 1)
    sure = spread(np.full(1000, 0.8), np.zeros(1000, int))
    low, high = bootstrap_interval(sure, labels)
    assert (low, high) == pytest.approx((0.3 - 0.031, 0.3 + 0.031), abs=0.004)
    assert bootstrap_interval(sure, labels) == (low, high)
    assert bootstrap_interval(sure, labels, seed=1) != (low, high)


def test_the_bootstrap_does_not_depend_on_how_much_it_draws_at_a_time(monkeypatch):
    """Memory is bounded for large sets; the interval is the same."""
    labels = np.arange(50) % 10
    sure = spread(np.linspace(0.2, 1, 50), np.zeros(50, int))
    at_once = bootstrap_interval(sure, labels, resamples=30)
    monkeypatch.setattr("model.scores._DRAWS", 64)
    assert bootstrap_interval(sure, labels, resamples=30) == at_once


def test_certainty_that_is_right_has_no_interval():
    """Whatever is drawn, there is no gap."""
    assert bootstrap_interval(np.eye(10), np.arange(10)) == (0, 0)


def test_risk_coverage():
    """The least confident are refused first; the last point is the plain error rate."""
    coverage, risk = risk_coverage(np.array([0.9, 0.2, 0.6, 0.4]), np.array([True, False, True, False]))
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 2])


def test_the_area_under_risk_coverage_is_its_mean():
    """Of the curve above: (0 + 0 + 1/3 + 1/2) / 4."""
    area = area_under_risk_coverage(np.array([0.9, 0.2, 0.6, 0.4]), np.array([True, False, True, False]))
    assert area == pytest.approx(5 / 24)


@pytest.mark.parametrize(
    ("positive", "negative", "area"),
    [
        ([2.0, 3.0], [0.0, 1.0], 1.0),
        ([0.0, 1.0], [2.0, 3.0], 0.0),
        ([1.0, 1.0], [1.0], 0.5),
        ([1.0, 3.0], [2.0, 2.0, 0.0], 4 / 6),  # of six pairs: 1 > 0, and 3 > each
        ([1.0, 2.0], [1.0, 0.0], 3.5 / 4),  # a tie counts half
    ],
)
def test_auroc_counts_pairs(positive, negative, area):
    """In the right order, as worked out by hand."""
    assert auroc(np.array(positive), np.array(negative)) == pytest.approx(area)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9), st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_auroc_is_what_every_pair_says(positive, negative):
    """Compared one by one."""
    pairs = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    assert auroc(np.array(positive), np.array(negative)) == pytest.approx(sum(pairs) / len(pairs))


def test_energy_is_log_sum_exp():
    """Also where exp would overflow."""
    assert energy(np.array([[0.0] * 10, [1000.0] + [0.0] * 9])) == pytest.approx([np.log(10), 1000.0])
