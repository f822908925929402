"""Where labelled pictures are found: MNIST's own files, folders named by label, a table of files and labels."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from model.contract import LABELS, NAME, SIZE
from model.idx import TEST_IMAGES, TEST_LABELS, find_idx, read_idx
from service.names import readable

MNIST = "mnist"
LABELS_FILE = "labels.csv"
NO_DIGIT = "none"

_LABEL = re.compile(rf"[0-9]+|{NO_DIGIT}")
_PGM = b"P5 %d %d 255\n" % (SIZE, SIZE)


class EvaluationError(Exception):
    """There is nothing to evaluate; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and what it shows: one digit, several (`42`), or none."""

    group: str
    """The set it belongs to."""
    name: str
    label: str
    source: Path | bytes
    """The picture's file, or its bytes."""

    @property
    def digit(self) -> int | None:
        """The one digit it shows; None where it shows several, or none, and is to be rejected."""
        return int(self.label) if len(self.label) == 1 else None

    def read(self) -> bytes:
        """The picture's bytes. Raises OSError."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


def find_labelled(source: str | Path) -> list[Labelled]:
    """The labelled pictures of a table or a folder, set by set.

    A table is a CSV with the columns `file` and `label`, and `set` where there are several. A folder has MNIST's IDX
    files, or a labels.csv, or sub-folders named by label. The word `mnist` is the folder that training downloads MNIST
    to; a folder of that name is `./mnist`. Raises EvaluationError.
    """
    if source == MNIST:
        return _mnist()
    try:
        pictures = _found(Path(source))
    except OSError as error:  # of a folder on the way that may not be entered, of a name too long
        raise EvaluationError(f"{source} cannot be read: {error.strerror}") from None
    return sorted(pictures, key=lambda picture: picture.group)


def mnist_folder() -> Path:
    """Where training keeps what it downloads of MNIST."""
    return platformdirs.user_cache_path(NAME) / MNIST


def _found(source: Path) -> list[Labelled]:
    if source.is_file():
        return _in_table(source)
    if source.is_dir():
        return _in_folder(source)
    raise EvaluationError(f"{source} is neither a folder nor a table")


def _mnist() -> list[Labelled]:
    folder = mnist_folder()
    if not find_idx(folder, TEST_IMAGES):
        raise EvaluationError(
            f"MNIST is not in {folder}: `python -m training` downloads it; or name a folder of {TEST_IMAGES}"
        )
    return list(_by_idx(folder))


def _in_folder(folder: Path) -> list[Labelled]:
    if find_idx(folder, TEST_IMAGES):
        return list(_by_idx(folder))
    table = folder / LABELS_FILE
    if table.exists():
        return _in_table(table)
    pictures = list(_by_folder(folder))
    if not pictures:
        raise EvaluationError(
            f"{folder} has neither a {LABELS_FILE}, nor {TEST_IMAGES}, nor pictures in sub-folders named by label"
        )
    return pictures


def _in_table(table: Path) -> list[Labelled]:
    pictures = list(_by_table(table))
    if not pictures:
        raise EvaluationError(f"{table} names no picture")
    return pictures


def _by_idx(folder: Path) -> Iterator[Labelled]:
    """MNIST's test set. Each image becomes the bytes of a PGM, and goes the way of every other picture."""
    images, digits = _read(folder, TEST_IMAGES), _read(folder, TEST_LABELS)
    if digits.ndim != 1 or images.shape != (len(digits), SIZE, SIZE):
        raise EvaluationError(f"{folder}: images {images.shape} and labels {digits.shape} do not belong together")
    if digits.size and digits.max() >= len(LABELS):
        raise EvaluationError(f"{folder}: there is a label {digits.max()}, and digits end at {len(LABELS) - 1}")
    for index, (image, digit) in enumerate(zip(images, digits, strict=True)):
        yield Labelled(f"{readable(folder.resolve().name)} test", f"image {index}", str(digit), _PGM + image.tobytes())


def _read(folder: Path, name: str) -> NDArray[np.uint8]:
    path = find_idx(folder, name)
    if path is None:
        raise EvaluationError(f"{folder} has no {name}")
    try:
        return read_idx(path)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path}: {error}") from None


def _by_table(table: Path) -> Iterator[Labelled]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            for row in reader:
                yield _labelled(row, table, reader.line_num)
    except (OSError, UnicodeDecodeError, csv.Error):
        raise EvaluationError(f"{table} cannot be read as a CSV with the columns file and label") from None


def _labelled(row: dict[str, str], table: Path, line: int) -> Labelled:
    """One row of a table. Raises EvaluationError."""
    for column in ("file", "label"):
        if column not in row:
            raise EvaluationError(f"{table} has no column '{column}'")
        if not row[column]:
            raise EvaluationError(f"{table}, line {line}, has no {column}")
    name, label = row["file"], row["label"].strip()
    if not _LABEL.fullmatch(label):
        raise EvaluationError(f"{table}, line {line}: {label!r} is no label; digits are, or '{NO_DIGIT}'")
    folder = table.parent
    group = row.get("set") or (folder.resolve().name if table.name == LABELS_FILE else table.stem)
    return Labelled(readable(group), readable(name), label, _locate(table, group, name))


def _locate(table: Path, group: str, name: str) -> Path:
    """Where a row's picture is: beside the table, in its set's folder, or there below `pictures`."""
    folder = table.parent
    places = (folder / name, folder / group / name, folder / "pictures" / group / name)
    for place in places:
        if place.is_file():
            return place
    raise EvaluationError(f"{places[0]}, named in {table.name}, is not there")


def _by_folder(folder: Path) -> Iterator[Labelled]:
    for label in (*LABELS, NO_DIGIT):
        for path in sorted((folder / label).glob("[!.]*")):
            if path.is_file():
                yield Labelled(readable(folder.resolve().name), readable(f"{label}/{path.name}"), label, path)
