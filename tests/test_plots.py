"""Pictures are drawn, are PNGs, and show what they were given."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from model.plots import (
    Cell,
    draw_confusion,
    draw_contact_sheet,
    draw_curves,
    draw_reliability,
    draw_risk_coverage,
    draw_shares,
)

HISTORY = [
    {"epoch": 1, "train_loss": 0.5, "train_accuracy": 0.85, "validation_loss": 0.2, "validation_accuracy": 0.94},
    {"epoch": 2, "train_loss": 0.1, "train_accuracy": 0.97, "validation_loss": 0.09, "validation_accuracy": 1.0},
]

BLUE, VERMILION = (0, 114, 178), (213, 94, 0)


def pixels(path):
    """uint8 (rows, columns, 3)."""
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def share_of_colour(path, colour):
    """How much of the picture has this colour."""
    return (np.abs(pixels(path).astype(int) - colour).sum(axis=2) < 30).mean()


def test_curves_show_both_series(tmp_path):
    """Blue for training, vermilion for validation, also where an accuracy is 100 %."""
    draw_curves(HISTORY, tmp_path / "curves.png")
    assert share_of_colour(tmp_path / "curves.png", BLUE) > 0.001
    assert share_of_colour(tmp_path / "curves.png", VERMILION) > 0.001


def test_curves_of_one_epoch_are_drawn(tmp_path):
    """A point is enough."""
    draw_curves(HISTORY[:1], tmp_path / "curves.png")
    assert share_of_colour(tmp_path / "curves.png", VERMILION) > 0.0001


def test_curves_of_hundreds_of_epochs_are_lines(tmp_path):
    """Up to fifty epochs each has its marker; of more they would hide the line, so there is less ink."""
    for epochs in (50, 400):
        history = [HISTORY[1] | {"epoch": epoch} for epoch in range(epochs)]
        draw_curves(history, tmp_path / f"{epochs}.png")
    marked, lines = (share_of_colour(tmp_path / f"{epochs}.png", VERMILION) for epochs in (50, 400))
    assert 0.0001 < lines < marked / 2


def test_the_picture_of_confusion_follows_the_matrix(tmp_path):
    """The worst confusion is the darkest cell: another matrix, another picture."""
    matrix = np.diag(np.full(10, 90))
    matrix[4, 9], matrix[9, 4] = 10, 1
    draw_confusion(matrix, "MNIST test", tmp_path / "a.png")
    draw_confusion(matrix.T, "MNIST test", tmp_path / "b.png")
    dark = [
        np.argwhere((pixels(tmp_path / name) == (8, 48, 107)).all(axis=2)).mean(axis=0) for name in ("a.png", "b.png")
    ]
    assert dark[0][0] < dark[1][0]  # row 4 lies above row 9
    assert dark[0][1] > dark[1][1]  # and column 9 right of column 4


@pytest.mark.parametrize("matrix", [np.diag(np.full(10, 7)), np.eye(10, k=1, dtype=int), np.diag([5] + [0] * 9)])
def test_extreme_matrices_are_drawn(tmp_path, matrix):
    """All right, all wrong, one digit only."""
    draw_confusion(matrix, "Set", tmp_path / "confusion.png")
    assert pixels(tmp_path / "confusion.png").std() > 0


def answers(confidence, right):
    """`right` of 20 answers with that confidence are right."""
    probabilities = np.full((20, 10), (1 - confidence) / 9)
    probabilities[:, 3] = confidence
    return probabilities, np.where(np.arange(20) < right, 3, 4)


def test_reliability_shows_what_was_kept_and_what_was_promised(tmp_path):
    """A bar as high as the accuracy, a line at the confidence."""
    heights, promises = {}, {}
    for name, set_ in {"kept": answers(0.8, 20), "half": answers(0.8, 10), "modest": answers(0.3, 20)}.items():
        draw_reliability({name: set_}, tmp_path / f"{name}.png")
        heights[name] = share_of_colour(tmp_path / f"{name}.png", (142, 193, 222))
        shown = np.abs(pixels(tmp_path / f"{name}.png").astype(int) - VERMILION).sum(axis=2) < 30
        promises[name] = np.argwhere(shown)[0][0]  # the topmost row
    assert heights["half"] == pytest.approx(heights["kept"] / 2, rel=0.2)
    assert promises["kept"] == promises["half"] < promises["modest"]


@pytest.mark.parametrize("sets", [1, 4])
def test_reliability_has_a_diagram_for_each_set(tmp_path, sets):
    """However many; sure and right, or wrong, or of one picture only."""
    some = [answers(1.0, 20), answers(1.0, 0), answers(0.11, 7), (np.eye(10)[:1], np.array([0]))]
    draw_reliability({f"set {index}": some[index] for index in range(sets)}, tmp_path / "reliability.png")
    draw_reliability({"set": some[0]}, tmp_path / "one.png")
    assert pixels(tmp_path / "reliability.png").size > sets * 0.7 * pixels(tmp_path / "one.png").size


def test_risk_coverage_marks_what_is_accepted(tmp_path):
    """A marker in the colour of its curve, here away from both."""
    sets = {"a": answers(0.8, 10), "b": answers(0.9, 19)}
    draw_risk_coverage(sets, tmp_path / "plain.png")
    draw_risk_coverage(sets, tmp_path / "marked.png", operating={"a": (0.7, 0.1)})
    assert share_of_colour(tmp_path / "plain.png", BLUE) > 0.0005
    assert share_of_colour(tmp_path / "plain.png", VERMILION) > 0.0005
    assert share_of_colour(tmp_path / "marked.png", BLUE) > share_of_colour(tmp_path / "plain.png", BLUE) + 0.00005


def test_an_answer_to_what_is_no_digit_is_a_risk(tmp_path):
    """Label -1: the same answers as all right are then all wrong, and are drawn elsewhere."""
    probabilities, labels = answers(0.8, 20)
    draw_risk_coverage({"set": (probabilities, labels)}, tmp_path / "right.png")
    draw_risk_coverage({"set": (probabilities, np.full(20, -1))}, tmp_path / "wrong.png")
    draw_risk_coverage({"set": (probabilities, labels - 1)}, tmp_path / "misread.png")
    assert not np.array_equal(pixels(tmp_path / "wrong.png"), pixels(tmp_path / "right.png"))
    assert np.array_equal(pixels(tmp_path / "wrong.png"), pixels(tmp_path / "misread.png"))


def test_a_contact_sheet_shows_pictures_and_frames(tmp_path):
    """Each in its colours, wide or tall, also where one of them is missing; what alarms is vermilion."""
    sent, seen = np.full((40, 90, 3), (10, 200, 30), np.uint8), np.full((28, 28), 77, np.uint8)
    cells = [Cell(sent, seen, ["4 read as 9"], alarming=True), Cell(None, None, ["4, could not be read"])]
    draw_contact_sheet(cells, "Errors", tmp_path / "sheet.png")
    draw_contact_sheet([Cell(sent, seen, ["calm"])] * 6, "Errors", tmp_path / "rows.png")
    assert share_of_colour(tmp_path / "sheet.png", (10, 200, 30)) > 0.01
    assert share_of_colour(tmp_path / "sheet.png", (77, 77, 77)) > 0.03
    assert share_of_colour(tmp_path / "sheet.png", VERMILION) > 0.0002
    assert share_of_colour(tmp_path / "rows.png", VERMILION) == 0
    assert len(pixels(tmp_path / "rows.png")) > 1.5 * len(pixels(tmp_path / "sheet.png"))


def test_drawing_leaves_no_global_state():
    """pyplot, which keeps every figure and may look for a screen, is not even imported."""
    code = "import sys, model.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_shares_are_as_wide_as_they_are_large(tmp_path):
    """Three times as much is three times as much ink, but for the legend's two samples of it."""
    draw_shares({"one": {"first": 60.0, "second": 20.0}}, "Shares", "µs", tmp_path / "shares.png")
    first, second = (share_of_colour(tmp_path / "shares.png", colour) for colour in (BLUE, VERMILION))
    assert first == pytest.approx(3 * second, rel=0.1)
