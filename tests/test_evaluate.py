"""`lenet5 evaluate`: labelled pictures in, figures per set out, through the pipeline that answers /predict."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.contract import ARTIFACTS, MODEL_FILE
from service.classifier import Classifier
from service.evaluate import EvaluationError, Labelled, evaluate, find_labelled, macro_accuracy, score
from tests.conftest import ROOT, png

LIMIT = 25_000_000
BLANK = png(np.zeros((40, 40), np.uint8))


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Put files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def write_labels(folder: Path, rows: list[dict[str, str]]) -> None:
    """Put a labels.csv into a folder."""
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def lenet5(*arguments: object) -> subprocess.CompletedProcess:
    """Run the command."""
    command = [sys.executable, "-m", "service.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"COLUMNS": "120"}, capture_output=True, text=True)


def test_folders_named_by_label_are_found(tmp_path):
    """The simplest way to label a picture; what is named otherwise is left alone."""
    write(tmp_path, {"7/a.png": b"", "7/b.jpg": b"", "none/c.png": b"", "notes/d.txt": b""})

    assert [(each.path.name, each.label) for each in find_labelled(tmp_path)] == [
        ("a.png", "7"),
        ("b.jpg", "7"),
        ("c.png", "none"),
    ]


@pytest.mark.parametrize("place", ["", "scans/", "pictures/scans/"])
def test_a_table_of_labels_is_followed(tmp_path, place):
    """Its pictures lie beside it, in a folder of their set, or there below `pictures`."""
    write(tmp_path, {f"{place}a.png": b""})
    write_labels(tmp_path, [{"set": "scans", "file": "a.png", "label": "7", "note": "neat"}])

    assert find_labelled(tmp_path) == [Labelled("scans", tmp_path / place / "a.png", "7")]


def test_what_cannot_be_evaluated_is_said_in_one_line(tmp_path):
    """No folder, nothing in it, a table without the columns, a picture that is not there."""
    with pytest.raises(EvaluationError, match="no folder"):
        find_labelled(tmp_path / "none")
    with pytest.raises(EvaluationError, match="neither"):
        find_labelled(tmp_path)
    write_labels(tmp_path, [{"name": "a.png"}])
    with pytest.raises(EvaluationError, match="no column 'file'"):
        find_labelled(tmp_path)
    write_labels(tmp_path, [{"file": "a.png", "label": "7"}])
    with pytest.raises(EvaluationError, match=r"a\.png.*not there"):
        find_labelled(tmp_path)


def test_each_set_is_scored_by_itself(tmp_path, digit_png, golden):
    """Right, wrong, unreadable, not a digit: each counts where it belongs."""
    digit, other = str(golden.digit), str((golden.digit + 1) % 10)
    write(tmp_path, {"a.png": digit_png, "b.png": digit_png, "c.png": b"damaged", "d.png": BLANK})
    pictures = [
        Labelled("first", tmp_path / "a.png", digit),
        Labelled("first", tmp_path / "b.png", other),
        Labelled("second", tmp_path / "a.png", digit),
        Labelled("second", tmp_path / "c.png", digit),
        Labelled("third", tmp_path / "d.png", "none"),
    ]

    first, second, third = score(evaluate(pictures, Classifier.load(ARTIFACTS / MODEL_FILE), LIMIT))

    assert (first.pictures, first.digits, first.right, first.accepted, first.accepted_right) == (2, 2, 1, 2, 1)
    assert (second.right, second.unreadable, second.accepted, second.accuracy) == (1, 1, 1, 0.5)
    assert (third.digits, third.accepted, third.accuracy) == (0, 0, None)
    assert macro_accuracy([first, second, third]) == 0.5
    assert macro_accuracy([third]) is None


def test_the_command_prints_a_table_per_set(tmp_path, digit_png, golden):
    """With the macro average below."""
    write(tmp_path, {f"{golden.digit}/a.png": digit_png, f"{(golden.digit + 1) % 10}/b.png": digit_png})

    done = lenet5("evaluate", tmp_path)

    assert done.returncode == 0, done.stderr
    assert tmp_path.name[:20] in done.stdout
    assert "macro average" in done.stdout
    assert done.stdout.count("50.0%") == 3


@pytest.mark.parametrize(
    "arguments", [["evaluate", "no/such/folder"], ["evaluate", "tests", "--model", "no/such.onnx"]]
)
def test_the_command_fails_with_one_line(arguments):
    """And with an exit code that is not 0."""
    done = lenet5(*arguments)

    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_the_command_tells_its_version_and_helps():
    """What anybody tries first."""
    assert lenet5("--version").stdout.startswith("lenet5 ")
    assert "evaluate" in lenet5("--help").stdout
    assert "Example" in lenet5("evaluate", "--help").stdout
