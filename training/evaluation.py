"""What the record says about a model's answers to a set of images."""

from typing import Any

import numpy as np

from model.record import Acceptance
from model.scores import accuracy, confusion_matrix, per_digit_accuracy, wilson_interval
from training.calibration import is_accepted
from training.dataset import Labelled
from training.export import Answers

_CONFUSIONS = 5


def evaluate(answers: Answers, data: Labelled, acceptance: Acceptance) -> dict[str, Any]:
    """Figures of one set, ready for JSON: fractions, counts, and the commonest confusions."""
    predicted = answers.probabilities.argmax(axis=1)
    right = predicted == data.labels
    accepted = is_accepted(answers.probabilities, answers.evidence, acceptance)
    matrix = confusion_matrix(data.labels, predicted)
    return {
        "images": len(right),
        "accuracy": accuracy(predicted, data.labels),
        "errors": int((~right).sum()),
        "interval_95": [round(bound, 6) for bound in wilson_interval(int(right.sum()), len(right))],
        "per_digit": [share if share is None else round(share, 6) for share in per_digit_accuracy(matrix)],
        "accepted": float(accepted.mean()),
        "errors_accepted": int((accepted & ~right).sum()),
        "confusions": _commonest(matrix),
    }


def _commonest(matrix: np.ndarray[Any, np.dtype[np.int64]]) -> list[dict[str, int]]:
    errors = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-errors, axis=None, kind="stable")[:_CONFUSIONS]
    pairs = [(int(index) // len(matrix), int(index) % len(matrix)) for index in order]
    return [
        {"true": true, "read": read, "times": int(errors[true, read])} for true, read in pairs if errors[true, read]
    ]
