"""Pictures of figures of merit. The one importer of matplotlib, which draws here without global state or a screen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from model.contract import LABELS
from model.scores import per_digit_accuracy

# Okabe and Ito's blue and vermilion, and a different marker: told apart with any colour vision, and in grey.
_SERIES = {"train": ("training (mean over the epoch)", "#0072B2", "o"), "validation": ("validation", "#D55E00", "s")}
_LOSSES = [factor * 10.0**power for power in range(-5, 2) for factor in (1, 2, 3, 5)]
_ACCURACIES = [0, 0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.985, 0.99, 0.993, 0.996, 0.998, 1]
_DIAGONAL = "#E3E3E3"
_DPI = 150


def draw_curves(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Loss and accuracy by epoch, in training and validation, as a PNG.

    Each item of `history` has `epoch`, and `train_` and `validation_` `loss` (nats) and `accuracy` (fraction).
    """
    figure = Figure(figsize=(9, 3.9), layout="constrained")
    figure.suptitle("Training LeNet-5, epoch by epoch", fontweight="bold")
    left, right = figure.subplots(1, 2)
    _draw_series(left, history, "loss")
    left.set(title="Loss", ylabel="cross entropy (nats)", yscale="log")
    _set_ticks(left, _LOSSES, "{:g}")
    left.legend(frameon=False)
    _draw_series(right, history, "accuracy")
    right.set(title="Accuracy", ylabel="images read right (%)")
    # Stretched towards 100 %, where the epochs differ; the offset gives 100 % itself a place.
    right.set_yscale("function", functions=(lambda a: -np.log(1.001 - a), lambda stretched: 1.001 - np.exp(-stretched)))
    _set_ticks(right, _ACCURACIES, "{:.3g}", factor=100)
    figure.savefig(path, dpi=_DPI)


def draw_confusion(matrix: NDArray[np.int64], title: str, path: Path) -> None:
    """Which digit was read as which, as a PNG. `matrix` (10, 10): counts, row = true digit, column = digit read."""
    figure = Figure(figsize=(7, 6.4), layout="constrained")
    axes = figure.subplots()
    diagonal = np.eye(len(matrix), dtype=bool)
    errors = np.where(diagonal, 0, matrix)
    axes.imshow(errors, cmap="Blues", vmin=0, vmax=max(1, errors.max()))
    axes.imshow(np.ma.masked_where(~diagonal, diagonal), cmap=ListedColormap([_DIAGONAL]))
    for (row, column), count in np.ndenumerate(matrix):
        ink = "white" if errors[row, column] > errors.max() / 2 else "black"
        if count:
            axes.text(column, row, f"{count:,}", ha="center", va="center", color=ink)
    total, wrong = int(matrix.sum()), int(errors.sum())
    axes.set_title(f"{title}: {wrong:,} of {total:,} images read wrong ({wrong / total:.2%})", fontweight="bold")
    axes.set(xlabel="digit read", ylabel="true digit")
    axes.set_xticks(range(len(LABELS)), LABELS)
    axes.set_yticks(range(len(LABELS)), LABELS)
    shares = axes.secondary_yaxis("right")
    shares.set_yticks(range(len(LABELS)), ["–" if s is None else f"{100 * s:.1f}" for s in per_digit_accuracy(matrix)])
    shares.set_ylabel("read right (%)")
    for side in (axes, shares):
        side.tick_params(length=0)
    figure.savefig(path, dpi=_DPI)


def _draw_series(axes: Axes, history: Sequence[Mapping[str, Any]], quantity: str) -> None:
    epochs = [entry["epoch"] for entry in history]
    for key, (label, colour, marker) in _SERIES.items():
        axes.plot(epochs, [entry[f"{key}_{quantity}"] for entry in history], color=colour, marker=marker, label=label)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _set_ticks(axes: Axes, values: Sequence[float], text: str, factor: float = 1) -> None:
    axes.yaxis.set_major_locator(FixedLocator(values))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: text.format(factor * value)))


def draw_prediction(
    picture: NDArray[np.uint8], frame: NDArray[np.uint8], probabilities: Sequence[float], path: Path
) -> None:
    """One picture's way to its digit, as a PNG.

    `picture` (H, W) or (H, W, 3): what was sent; `frame` (28, 28): what the network saw; ten `probabilities`.
    """
    figure = Figure(figsize=(9, 2.9), layout="constrained")
    sent, seen, read = figure.subplots(1, 3, width_ratios=[4, 3, 4])
    sent.imshow(picture, cmap="gray", vmin=0, vmax=255)
    sent.set_title("what was sent")
    seen.imshow(frame, cmap="gray", vmin=0, vmax=255)
    seen.set_title("what the network saw")
    for axes in (sent, seen):
        axes.set_axis_off()
    best = int(np.argmax(probabilities))
    colours = ["#0072B2" if digit == best else "#B0B0B0" for digit in range(len(LABELS))]
    bars = read.barh(LABELS, [100 * probability for probability in probabilities], color=colours)
    read.bar_label(
        bars, [f"{probabilities[best]:.2%}" if digit == best else "" for digit in range(len(LABELS))], padding=3
    )
    read.invert_yaxis()
    read.set(title=f"what it read: {best}", xlabel="probability (%)", xlim=(0, 125), xticks=(0, 50, 100))
    read.tick_params(axis="y", length=0)
    read.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=_DPI)
