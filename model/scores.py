"""Figures of merit: pure functions of what was predicted and what was true.

`probabilities` and `logits` are (N, 10), `labels` and `predicted` are (N,) digits, fractions lie in [0, 1].
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.contract import LABELS

Floats = NDArray[np.floating[Any]]
Digits = NDArray[np.integer[Any]]

CLASSES = len(LABELS)


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


def expected_calibration_error(probabilities: Floats, labels: Digits, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy, over equal-width bins of confidence weighted by what falls in them."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    # A confidence on an edge belongs to the bin below it, so that 1.0 has one.
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(index, weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


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
