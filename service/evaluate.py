"""Scores the served model on labelled pictures, through the same pipeline that answers /predict."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from service.classifier import Classifier
from service.errors import ServiceError
from service.imaging import open_image
from service.pipeline import Prepared, predict, prepare
from service.schemas import Prediction

LABELS_FILE = "labels.csv"
NO_DIGIT = "none"

CHUNK = 256
"""Pictures prepared before the network runs on them."""


class EvaluationError(Exception):
    """There is nothing to evaluate; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and what it shows: one digit, several (`42`), or none."""

    group: str
    path: Path
    label: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What was answered; `prediction` is None where the picture could not be read."""

    picture: Labelled
    prediction: Prediction | None

    @property
    def right(self) -> bool:
        return self.prediction is not None and str(self.prediction.digit) == self.picture.label

    @property
    def accepted(self) -> bool:
        return self.prediction is not None and self.prediction.accepted


@dataclass(frozen=True, slots=True)
class SetScore:
    """The figures of one set of pictures."""

    name: str
    pictures: int
    digits: int
    """Pictures of a single digit; the others have none or several and should be rejected."""
    right: int
    accepted: int
    accepted_right: int
    """Of the accepted ones, those whose digit is right."""
    unreadable: int

    @property
    def accuracy(self) -> float | None:
        """Of the pictures of a single digit; None where there is none."""
        return self.right / self.digits if self.digits else None


def find_labelled(folder: Path) -> list[Labelled]:
    """The labelled pictures below a folder: by its labels.csv, else by sub-folders named by label.

    labels.csv has the columns `file` and `label`, and `set` where there are several. Raises EvaluationError.
    """
    if not folder.is_dir():
        raise EvaluationError(f"{folder} is no folder")
    table = folder / LABELS_FILE
    pictures = list(_by_table(table) if table.exists() else _by_folder(folder))
    if not pictures:
        raise EvaluationError(f"{folder} has neither a {LABELS_FILE} nor folders of pictures named by label")
    return sorted(pictures, key=lambda picture: picture.group)


def evaluate(pictures: Sequence[Labelled], classifier: Classifier, max_pixels: int) -> Iterator[Judged]:
    """Answer every picture, in order. What cannot be read counts as wrong and not accepted."""
    for start in range(0, len(pictures), CHUNK):
        chunk = pictures[start : start + CHUNK]
        prepared = [_prepare(picture.path, max_pixels) for picture in chunk]
        predictions = iter(predict([item for item in prepared if item], classifier))
        for picture, item in zip(chunk, prepared, strict=True):
            yield Judged(picture, next(predictions) if item else None)


def score(judged: Iterable[Judged]) -> list[SetScore]:
    """The figures of each set. Expects the answers of a set side by side."""
    return [_set_score(name, list(group)) for name, group in groupby(judged, lambda item: item.picture.group)]


def macro_accuracy(scores: Sequence[SetScore]) -> float | None:
    """The mean of the sets' accuracies, each set counting the same; None where no set has digits."""
    accuracies = [each.accuracy for each in scores if each.accuracy is not None]
    return sum(accuracies) / len(accuracies) if accuracies else None


def _by_table(table: Path) -> Iterator[Labelled]:
    with table.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            try:
                group, name, label = row.get("set") or table.parent.name, row["file"], row["label"]
            except KeyError as missing:
                raise EvaluationError(f"{table} has no column {missing}") from None
            if name is None or label is None:
                raise EvaluationError(f"{table} has a row without a file or a label")
            yield Labelled(group, _locate(table.parent, group, name), label)


def _locate(folder: Path, group: str, name: str) -> Path:
    """Where a row's picture is: beside the table, in its set's folder, or there below `pictures`."""
    places = (folder / name, folder / group / name, folder / "pictures" / group / name)
    for place in places:
        if place.is_file():
            return place
    raise EvaluationError(f"{places[0]}, named in {LABELS_FILE}, is not there")


def _by_folder(folder: Path) -> Iterator[Labelled]:
    for label in (*"0123456789", NO_DIGIT):
        for path in sorted((folder / label).glob("*")):
            if path.is_file():
                yield Labelled(folder.name, path, label)


def _prepare(path: Path, max_pixels: int) -> Prepared | None:
    try:
        return prepare(open_image(path.read_bytes(), max_pixels))
    except ServiceError:
        return None


def _set_score(name: str, judged: Sequence[Judged]) -> SetScore:
    return SetScore(
        name=name,
        pictures=len(judged),
        digits=sum(len(item.picture.label) == 1 for item in judged),
        right=sum(item.right for item in judged),
        accepted=sum(item.accepted for item in judged),
        accepted_right=sum(item.accepted and item.right for item in judged),
        unreadable=sum(item.prediction is None for item in judged),
    )
