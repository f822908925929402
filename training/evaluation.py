"""What the record says about a model's answers to a set of images."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.record import Acceptance
from model.scores import accuracy, auroc, confusion_matrix, per_digit_accuracy, wilson_interval
from training.calibration import is_accepted
from training.dataset import NO_DIGIT, Labelled
from training.export import Answers

_CONFUSIONS = 5


@dataclass(frozen=True)
class Answered:
    """A set of images, all of them digits or none, and what the file said."""

    data: Labelled
    answers: Answers

    @property
    def shows_digits(self) -> bool:
        """Whether the images have digits for labels."""
        return bool(self.data.labels[0] != NO_DIGIT)

    def accepted(self, acceptance: Acceptance) -> NDArray[np.bool_]:
        """(N,): which answers are good enough."""
        return is_accepted(self.answers.probabilities, self.answers.evidence, acceptance)


def evaluate(answered: Answered, acceptance: Acceptance) -> dict[str, Any]:
    """Figures of one set of digits, ready for JSON: fractions, counts, and the commonest confusions."""
    labels = answered.data.labels
    predicted = answered.answers.probabilities.argmax(axis=1)
    right = predicted == labels
    accepted = answered.accepted(acceptance)
    matrix = confusion_matrix(labels, predicted)
    return {
        "images": len(right),
        "accuracy": accuracy(predicted, labels),
        "errors": int((~right).sum()),
        "interval_95": [round(bound, 6) for bound in wilson_interval(int(right.sum()), len(right))],
        "per_digit": [share if share is None else round(share, 6) for share in per_digit_accuracy(matrix)],
        "accepted": float(accepted.mean()),
        "errors_accepted": int((accepted & ~right).sum()),
        "confusions": _commonest(matrix),
    }


def evaluate_rejection(answered: Answered, digits: Answered, acceptance: Acceptance) -> dict[str, Any]:
    """Figures of one set of pictures that are no digit: how many get through, and how well evidence tells them apart.

    The last is the chance that a picture of `digits` has more evidence than one of these.
    """
    accepted = answered.accepted(acceptance)
    return {
        "images": len(accepted),
        "accepted": float(accepted.mean()),
        "auroc": round(auroc(digits.answers.evidence, answered.answers.evidence), 6),
    }


def _commonest(matrix: np.ndarray[Any, np.dtype[np.int64]]) -> list[dict[str, int]]:
    errors = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-errors, axis=None, kind="stable")[:_CONFUSIONS]
    pairs = [(int(index) // len(matrix), int(index) % len(matrix)) for index in order]
    return [
        {"true": true, "read": read, "times": int(errors[true, read])} for true, read in pairs if errors[true, read]
    ]
