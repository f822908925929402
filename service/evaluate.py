"""Scores a model on labelled pictures, through the same pipeline that answers /predict."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.contract import LABELS, RECORD_FILE, Frames
from model.record import Record
from model.scores import confusion_matrix, expected_calibration_error, wilson_interval
from service.classifier import Classifier
from service.errors import ServiceError
from service.imaging import open_image
from service.labelled import Labelled
from service.pipeline import Prepared, predict, prepare
from service.schemas import Prediction

CHUNK = 256
"""Pictures prepared before the network runs on them."""

UNREADABLE = "unreadable"
"""Why a picture is not accepted that is none, or is damaged; the other reasons are those of the HTTP contract."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was answered; `prediction` and `frame` are None where the picture could not be read."""

    picture: Labelled
    prediction: Prediction | None
    frame: Frames | None
    """uint8 (28, 28): what the network saw."""

    @property
    def right(self) -> bool:
        """The one digit that is shown was read; whether it was accepted is another question."""
        return self.digit is not None and self.digit == self.picture.digit

    @property
    def digit(self) -> int | None:
        """What was read; None where nothing was."""
        return self.prediction["digit"] if self.prediction else None

    @property
    def accepted(self) -> bool:
        return self.prediction is not None and self.prediction["accepted"]

    @property
    def reason(self) -> str | None:
        """Why it is not accepted."""
        return self.prediction["reason"] if self.prediction else UNREADABLE


@dataclass(frozen=True, slots=True)
class SetScore:
    """The figures of one set of pictures."""

    name: str
    digits: int
    """Pictures of a single digit."""
    right: int
    accepted: int
    """Of the pictures of a single digit."""
    accepted_right: int
    """Of the accepted ones, those whose digit is right."""
    ece: float | None
    """Of the answers to pictures of a single digit; None where there is none."""
    others: int
    """Pictures of no digit or of several: what counts is that they are rejected."""
    others_rejected: int
    digits_by_label: tuple[int, ...]
    right_by_label: tuple[int, ...]
    """Both by digit, from 0 to 9."""
    reasons: Mapping[str, int]
    """How many were not accepted, and why."""

    @property
    def pictures(self) -> int:
        return self.digits + self.others

    @property
    def accuracy(self) -> float | None:
        """Of the pictures of a single digit; None where there is none."""
        return self.right / self.digits if self.digits else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the accuracy lies with 95 % confidence (Wilson)."""
        return wilson_interval(self.right, self.digits) if self.digits else None

    @property
    def per_digit(self) -> list[float | None]:
        """The accuracy of each digit; None where it does not occur."""
        pairs = zip(self.right_by_label, self.digits_by_label, strict=True)
        return [right / shown if shown else None for right, shown in pairs]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's answers, and the figures of each set and of all of them."""

    record: Record
    thresholds: bool
    """Whether it is known what would be accepted."""
    sets: Mapping[str, Sequence[Judged]]
    scores: Sequence[SetScore]
    pooled: SetScore

    @property
    def model(self) -> str:
        """The model's name, for people."""
        return f"{self.record.name} {self.record.version}"

    def document(self) -> dict[str, Any]:
        """The figures, for machines. What only thresholds could tell is null without them."""
        return {
            "model": {"name": self.record.name, "version": self.record.version, "sha256": self.record.sha256},
            "thresholds": self.thresholds,
            "sets": [_document(each, self.thresholds) for each in self.scores],
            "pooled": _document(self.pooled, self.thresholds),
            "macro_accuracy": macro_accuracy(self.scores),
        }


def load_model(path: Path) -> Classifier:
    """Load a model to score it: with its record, verified as for serving, or by itself. Raises ModelError."""
    if path.name and not os.path.exists(path.with_name(RECORD_FILE)):  # noqa: PTH110  where it must not look: False
        return Classifier.unrecorded(path)
    return Classifier.load(path)


def evaluate(pictures: Sequence[Labelled], classifier: Classifier, max_pixels: int) -> Iterator[Judged]:
    """Answer every picture, in order. What cannot be read counts as wrong and not accepted."""
    for start in range(0, len(pictures), CHUNK):
        chunk = pictures[start : start + CHUNK]
        prepared = [_prepare(picture, max_pixels) for picture in chunk]
        predictions = iter(predict([item for item in prepared if item], classifier))
        for picture, item in zip(chunk, prepared, strict=True):
            yield Judged(picture, next(predictions), item.framed.image) if item else Judged(picture, None, None)


def summarise(judged: Sequence[Judged], classifier: Classifier) -> Evaluation:
    """The figures of each set and of all pooled. Expects the answers of a set side by side."""
    sets = {name: list(group) for name, group in groupby(judged, lambda item: item.picture.group)}
    scores = [score(name, items) for name, items in sets.items()]
    return Evaluation(classifier.record, classifier.recorded, sets, scores, score("all pooled", judged))


def score(name: str, judged: Sequence[Judged]) -> SetScore:
    """The figures of one set, or of several pooled."""
    digits = [item for item in judged if item.picture.digit is not None]
    others = [item for item in judged if item.picture.digit is None]
    shown, right = (
        Counter(item.picture.digit for item in items) for items in (digits, [item for item in digits if item.right])
    )
    return SetScore(
        name=name,
        digits=len(digits),
        right=sum(item.right for item in digits),
        accepted=sum(item.accepted for item in digits),
        accepted_right=sum(item.accepted and item.right for item in digits),
        ece=_ece(digits),
        others=len(others),
        others_rejected=sum(not item.accepted for item in others),
        digits_by_label=tuple(shown[digit] for digit in range(len(LABELS))),
        right_by_label=tuple(right[digit] for digit in range(len(LABELS))),
        reasons=Counter(item.reason for item in judged if item.reason),
    )


def macro_accuracy(scores: Iterable[SetScore]) -> float | None:
    """The mean of the sets' accuracies, each set counting the same; None where no set has digits."""
    accuracies = [each.accuracy for each in scores if each.accuracy is not None]
    return sum(accuracies) / len(accuracies) if accuracies else None


def answers(judged: Iterable[Judged]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities (N, 10) and labels (N,) of the pictures of a digit to which a digit was answered."""
    answered = [
        (item.prediction["probabilities"], item.picture.digit)
        for item in judged
        if item.prediction and item.digit is not None and item.picture.digit is not None
    ]
    probabilities = np.array([row for row, _ in answered]).reshape(-1, len(LABELS))
    return probabilities, np.array([digit for _, digit in answered], np.int64)


def confusions(judged: Iterable[Judged]) -> NDArray[np.int64]:
    """Counts, (10, 10), of what was answered: row = the true digit, column = the digit read."""
    probabilities, labels = answers(judged)
    return confusion_matrix(labels, probabilities.argmax(axis=1))


def _ece(judged: Iterable[Judged]) -> float | None:
    probabilities, labels = answers(judged)
    return expected_calibration_error(probabilities, labels) if len(labels) else None


def _document(score: SetScore, thresholds: bool) -> dict[str, Any]:
    return {
        "name": score.name,
        "pictures": score.pictures,
        "digits": score.digits,
        "right": score.right,
        "accuracy": score.accuracy,
        "interval_95": score.interval,
        "accepted": score.accepted if thresholds else None,
        "accepted_right": score.accepted_right if thresholds else None,
        "ece": score.ece,
        "per_digit": score.per_digit,
        "others": score.others,
        "others_rejected": score.others_rejected if thresholds else None,
        "reasons": dict(score.reasons),
    }


def _prepare(picture: Labelled, max_pixels: int) -> Prepared | None:
    try:
        return prepare(open_image(picture.read(), max_pixels))
    except (ServiceError, OSError):
        return None
