"""Pictures of figures of merit. The one importer of matplotlib, which draws here without global state or a screen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from model.contract import LABELS

_TRAINING, _VALIDATION = "#0072B2", "#D55E00"  # Okabe and Ito's blue and vermilion: told apart with any colour vision
_GREY = "#555555"
_DPI = 150


def draw_curves(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Loss and accuracy by epoch, in training and validation, as a PNG.

    Each item of `history` has `epoch`, and `train_` and `validation_` `loss` (nats) and `accuracy` (fraction).
    """
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    figure.suptitle("Training LeNet-5, epoch by epoch", fontsize=13, fontweight="bold")
    _draw_pair(loss, history, "loss")
    loss.set(title="Loss", ylabel="cross entropy (nats)", yscale="log")
    _draw_pair(accuracy, history, "accuracy")
    accuracy.set(title="Accuracy", ylabel="images read right (%)")
    accuracy.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    loss.legend(frameon=False)
    figure.savefig(path, dpi=_DPI)


def draw_confusion(matrix: NDArray[np.int64], path: Path) -> None:
    """Which digit was read as which, as a PNG. `matrix` (10, 10): counts, row = true digit, column = digit read."""
    figure = Figure(figsize=(6.6, 6), layout="constrained")
    axes = figure.subplots()
    errors = matrix - np.diag(np.diag(matrix))
    image = axes.imshow(np.where(np.eye(len(matrix), dtype=bool), np.nan, errors), cmap="Blues", vmin=0)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            dark = row != column and errors[row, column] > errors.max() / 2
            axes.text(
                column, row, f"{count:,}", ha="center", va="center", color="white" if dark else "black", fontsize=9
            )
    total, wrong = int(matrix.sum()), int(errors.sum())
    axes.set_title(f"{total:,} images, {wrong:,} read wrong ({wrong / total:.2%})", fontsize=13, fontweight="bold")
    axes.set(xlabel="digit read", ylabel="true digit")
    axes.set_xticks(range(len(LABELS)), LABELS)
    axes.set_yticks(range(len(LABELS)), LABELS)
    figure.colorbar(image, ax=axes, label="images read wrong", shrink=0.8)
    figure.savefig(path, dpi=_DPI)


def _draw_pair(axes: Axes, history: Sequence[Mapping[str, Any]], figure: str) -> None:
    epochs = [entry["epoch"] for entry in history]
    axes.plot(epochs, [entry[f"train_{figure}"] for entry in history], "o-", color=_TRAINING, label="training")
    axes.plot(epochs, [entry[f"validation_{figure}"] for entry in history], "s-", color=_VALIDATION, label="validation")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
