"""Figures of merit: pure functions of what was predicted and what was true.

`probabilities` and `logits` are (N, 10), `labels` and `predicted` are (N,) digits, fractions lie in [0, 1].
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.contract import LABELS

Floats = NDArray[np.floating[Any]]
Digits = NDArray[np.integer[Any]]

CLASSES = len(LABELS)
BINS = 15
"""Bins of confidence, unless told otherwise."""
_DRAWS = 1_000_000
"""Numbers that the bootstrap draws at a time: all of them at once would take gigabytes of a large set."""


def accuracy(predicted: Digits, labels: Digits) -> float:
    """Fraction read right."""
    return float(np.mean(predicted == labels))


def wilson_interval(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Where the true rate lies: the score interval, at 95 % unless another normal quantile is given.

    Unlike the textbook interval it stays inside [0, 1] and keeps its coverage near 1, where good models live.
    """
    rate, weight = successes / trials, z * z / trials
    centre = (rate + weight / 2) / (1 + weight)
    half = z / (1 + weight) * (rate * (1 - rate) / trials + weight / (4 * trials)) ** 0.5
    # At a rate of 0 or 1 that is where the interval ends; rounding must not say otherwise.
    return max(0.0, min(rate, centre - half)), min(1.0, max(rate, centre + half))


def confusion_matrix(labels: Digits, predicted: Digits) -> NDArray[np.int64]:
    """Counts, (10, 10): row = the true digit, column = the digit read."""
    pairs = labels.astype(np.int64) * CLASSES + predicted
    return np.bincount(pairs, minlength=CLASSES * CLASSES).reshape(CLASSES, CLASSES)


def per_digit_accuracy(matrix: NDArray[np.int64]) -> list[float | None]:
    """Fraction of each digit that was read right; None for a digit that did not occur."""
    totals = matrix.sum(axis=1)
    return [int(right) / int(total) if total else None for right, total in zip(np.diag(matrix), totals, strict=True)]


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was promised and what was kept, by bin of confidence. Each array is (bins,); empty bins are NaN."""

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    """Mean confidence of what fell into the bin."""
    accuracy: NDArray[np.float64]
    """Fraction of it that was right."""


def reliability(probabilities: Floats, labels: Digits, bins: int = BINS) -> Reliability:
    """Mean confidence and accuracy in bins of confidence of equal width."""
    confidence, correct, index = _binned(probabilities, labels, bins)
    counts = np.bincount(index, minlength=bins)
    sums = (np.bincount(index, weights=values, minlength=bins) for values in (confidence, correct))
    means = [np.divide(total, counts, out=np.full(bins, np.nan), where=counts > 0) for total in sums]
    return Reliability(counts, *means)


def expected_calibration_error(probabilities: Floats, labels: Digits, bins: int = BINS) -> float:
    """Mean gap between confidence and accuracy, over equal-width bins of confidence weighted by what falls in them."""
    confidence, correct, index = _binned(probabilities, labels, bins)
    gaps = np.bincount(index, weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def bootstrap_interval(
    probabilities: Floats, labels: Digits, bins: int = BINS, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Where the expected calibration error would lie in 95 % of other samples like this one.

    The 2.5th and 97.5th percentile of what resampling with replacement gives. Noise alone makes a gap, and resampling
    adds its own: the better the calibration, the more the interval leans to the high side. 10,000 images take 0.3 s.
    """
    confidence, correct, index = _binned(probabilities, labels, bins)
    gap, count = confidence - correct, len(labels)
    generator = np.random.default_rng(seed)
    errors = np.empty(resamples)
    together = max(1, _DRAWS // count)
    for start in range(0, resamples, together):
        rows = min(together, resamples - start)
        drawn = generator.integers(0, count, (rows, count), dtype=np.int32)
        place = index[drawn] + bins * np.arange(rows)[:, np.newaxis]
        gaps = np.bincount(place.ravel(), weights=gap[drawn].ravel(), minlength=rows * bins)
        errors[start : start + rows] = np.abs(gaps.reshape(rows, bins)).sum(axis=1) / count
    low, high = np.percentile(errors, (2.5, 97.5))
    return float(low), float(high)


def _binned(
    probabilities: Floats, labels: Digits, bins: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Confidence, whether it was right to have it, and its bin; all (N,)."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct: NDArray[np.bool_] = probabilities.argmax(axis=1) == labels
    # A confidence on an edge belongs to the bin below it, so that 1.0 has one.
    return confidence, correct, np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def energy(logits: Floats) -> Floats:
    """Log-sum-exp of each row: how much evidence there is for any digit at all, before softmax divides it out."""
    top = logits.max(axis=1)
    summed: Floats = top + np.log(np.exp(logits - top[:, np.newaxis]).sum(axis=1))
    return summed


def risk_coverage(confidence: Floats, correct: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What refusing the least confident buys: coverage, rising to 1, and the error rate of the accepted; both (N,)."""
    order = np.argsort(-confidence, kind="stable")
    accepted = np.arange(1, len(order) + 1)
    return accepted / len(order), np.cumsum(~correct[order]) / accepted


def area_under_risk_coverage(confidence: Floats, correct: NDArray[np.bool_]) -> float:
    """The mean error rate over every coverage: 0 is perfect; without order it would be the plain error rate."""
    _, risk = risk_coverage(confidence, correct)
    return float(risk.mean())


def auroc(positive: Floats, negative: Floats) -> float:
    """How often a score of `positive` (N,) lies above one of `negative` (M,), a tie counting half.

    1 where a threshold parts the two, 0.5 where the scores say nothing.
    """
    ordered = np.sort(negative)
    below, not_above = (np.searchsorted(ordered, positive, side) for side in ("left", "right"))
    return float((below + not_above).mean() / (2 * len(ordered)))
