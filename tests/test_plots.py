"""Pictures are drawn, are PNGs, and show what they were given."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from model.plots import draw_confusion, draw_curves

HISTORY = [
    {"epoch": 1, "train_loss": 0.5, "train_accuracy": 0.85, "validation_loss": 0.2, "validation_accuracy": 0.94},
    {"epoch": 2, "train_loss": 0.1, "train_accuracy": 0.97, "validation_loss": 0.09, "validation_accuracy": 1.0},
]


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
    assert share_of_colour(tmp_path / "curves.png", (0, 114, 178)) > 0.001
    assert share_of_colour(tmp_path / "curves.png", (213, 94, 0)) > 0.001


def test_curves_of_one_epoch_are_drawn(tmp_path):
    """A point is enough."""
    draw_curves(HISTORY[:1], tmp_path / "curves.png")
    assert share_of_colour(tmp_path / "curves.png", (213, 94, 0)) > 0.0001


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


def test_drawing_leaves_no_global_state():
    """pyplot, which keeps every figure and may look for a screen, is not even imported."""
    code = "import sys, model.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
