"""What is chosen on the hold-out once the weights are fixed: the temperature and the thresholds of acceptance."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.record import Acceptance

Floats = NDArray[np.floating[Any]]

_FOR_CONFIDENCE = 0.1
"""Of what may be refused, what confidence alone may refuse: evidence counts it too."""
_HOTTEST = 10.0
"""Bound of the temperature on both sides: a hold-out read without error asks for zero, and a tiny one may."""


def softmax(logits: Floats) -> Floats:
    """Probabilities, row by row."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    normalised: Floats = raised / raised.sum(axis=1, keepdims=True)
    return normalised


def fit_temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The T > 0 for which softmax(logits / T) has the least cross entropy. `logits` (N, 10), `labels` (N,).

    In 1/T the loss is convex, so its slope crosses zero once: bisection finds where.
    """
    logits = logits.astype(np.float64)
    true = logits[np.arange(len(labels)), labels]
    low, high = 1 / _HOTTEST, _HOTTEST
    while high - low > 1e-9:
        middle = (low + high) / 2
        slope = ((softmax(middle * logits) * logits).sum(axis=1) - true).mean()
        low, high = (middle, high) if slope < 0 else (low, middle)
    return 2 / (low + high)


def choose_acceptance(sets: Sequence[tuple[Floats, Floats, float]]) -> Acceptance:
    """The strictest thresholds that still accept of each set of digits what it asks for.

    A set is its probabilities, (N, 10), its evidence, (N,), and the least share to be accepted.
    """
    each = [_choose(probabilities, evidence, coverage) for probabilities, evidence, coverage in sets]
    return Acceptance(min(one.min_confidence for one in each), min(one.min_evidence for one in each))


def _choose(probabilities: Floats, evidence: Floats, coverage: float) -> Acceptance:
    """For one set. First which digit it is (confidence), then whether it is one (evidence, of those still accepted).

    Both thresholds are rounded down, so that rounding refuses nobody.
    """
    confidence = probabilities.max(axis=1)
    budget = math.floor(len(confidence) * (1 - coverage) + 1e-9)
    min_confidence = _floor(np.sort(confidence)[int(budget * _FOR_CONFIDENCE)])
    accepted = confidence >= min_confidence
    left = budget - int((~accepted).sum())
    return Acceptance(min_confidence, _floor(np.sort(evidence[accepted])[left]))


def is_accepted(probabilities: Floats, evidence: Floats, acceptance: Acceptance) -> NDArray[np.bool_]:
    """(N,): both thresholds are met."""
    accepted: NDArray[np.bool_] = (probabilities.max(axis=1) >= acceptance.min_confidence) & (
        evidence >= acceptance.min_evidence
    )
    return accepted


def _floor(value: float) -> float:
    return math.floor(value * 10_000) / 10_000
