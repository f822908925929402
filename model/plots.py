"""Pictures of figures of merit. The one importer of matplotlib, which draws here without global state or a screen."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from model.contract import LABELS, SIZE
from model.scores import (
    BINS,
    Digits,
    Floats,
    area_under_risk_coverage,
    bootstrap_interval,
    expected_calibration_error,
    per_digit_accuracy,
    reliability,
    risk_coverage,
    wilson_interval,
)

Answers = tuple[Floats, Digits]
"""Probabilities (N, 10), and labels (N,) with -1 for what is no digit: any answer to that is wrong."""

# Okabe and Ito's colours, and a different marker or dash each: told apart with any colour vision, and in grey.
_BLUE, _VERMILION, _GREY = "#0072B2", "#D55E00", "#6E6E6E"
_COLOURS = (_BLUE, _VERMILION, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
_SERIES = {"train": ("training (mean over the epoch)", _BLUE, "o"), "validation": ("validation", _VERMILION, "s")}
_MARKED = 50
"""Epochs up to which each has its marker; of more they would hide the line."""
_LOSSES = [factor * 10.0**power for power in range(-5, 2) for factor in (1, 2, 3, 5)]
_ACCURACIES = [0, 0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.985, 0.99, 0.993, 0.996, 0.998, 1]
_RISKS = [factor * 10.0**power for power in range(-6, 0) for factor in (1, 2, 5)] + [1]
_DIAGONAL = "#E3E3E3"
_THUMB, _GAP, _HEAD = 0.85, 0.14, 0.78
_CELL_WIDTH, _CELL_HEIGHT = 2 * _THUMB + 2 * _GAP, _THUMB + 0.58
"""Of a contact sheet, in inches."""
_DPI = 150


def draw_curves(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Loss and accuracy by epoch, in training and validation, as a PNG.

    Each item of `history` has `epoch`, and `train_` and `validation_` `loss` (nats) and `accuracy` (fraction).
    """
    figure = Figure(figsize=(9, 3.9), layout="constrained")
    figure.suptitle("Training LeNet-5, epoch by epoch", fontweight="bold")
    left, right = figure.subplots(1, 2)
    _draw_series(left, history, "loss")
    left.set(title="Loss", ylabel="loss (nats)", yscale="log")
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
    figure = Figure(figsize=(7, 6.6), layout="constrained")
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
    axes.set_title(f"{title}\n{wrong:,} of {total:,} images read wrong ({wrong / total:.2%})", fontweight="bold")
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
    few = len(epochs) <= _MARKED
    for key, (label, colour, marker) in _SERIES.items():
        values = [entry[f"{key}_{quantity}"] for entry in history]
        dash = "-" if few or key == "train" else (0, (3, 1))  # which the markers would have told
        width = 1.5 if few else 1.0
        axes.plot(epochs, values, color=colour, marker=marker if few else "", ls=dash, lw=width, label=label)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
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
    colours = [_BLUE if digit == best else "#B0B0B0" for digit in range(len(LABELS))]
    bars = read.barh(LABELS, [100 * probability for probability in probabilities], color=colours)
    read.bar_label(
        bars, [f"{probabilities[best]:.2%}" if digit == best else "" for digit in range(len(LABELS))], padding=3
    )
    read.invert_yaxis()
    read.set(title=f"what it read: {best}", xlabel="probability (%)", xlim=(0, 125), xticks=(0, 50, 100))
    read.tick_params(axis="y", length=0)
    read.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=_DPI)


def draw_reliability(sets: Mapping[str, Answers], path: Path, bins: int = BINS) -> None:
    """Whether confidence keeps its promise, for each set a diagram above the counts of its bins, as a PNG."""
    columns = 2 if len(sets) == 4 else min(3, len(sets))
    rows = math.ceil(len(sets) / columns)
    figure = Figure(figsize=(max(5.2, 4.3 * columns), 5.4 * rows), layout="constrained")
    places = figure.subfigures(rows, columns, squeeze=False).ravel()
    for place, (name, (probabilities, labels)) in zip(places, sets.items(), strict=False):
        _draw_reliability(place, name, probabilities, labels, bins)
    handles, words = places[0].axes[0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower center", ncols=2 * columns, frameon=False, fontsize="small")
    figure.savefig(path, dpi=_DPI)


def _draw_reliability(place: SubFigure, name: str, probabilities: Floats, labels: Digits, bins: int) -> None:
    """One set: accuracy as bars, the mean confidence they should reach as lines, the counts beneath."""
    found = reliability(probabilities, labels, bins)
    error = expected_calibration_error(probabilities, labels, bins)
    low, high = bootstrap_interval(probabilities, labels, bins)
    figures = f"ECE {100 * error:.2f} % (95 % interval {100 * low:.2f} to {100 * high:.2f})"
    place.suptitle(f"{name}\n{figures}", fontweight="bold", fontsize="medium")
    diagram, counts = place.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    edges, used = np.linspace(0, 100, bins + 1), found.counts > 0
    left, width = edges[:-1][used], 100 / bins
    middle, accuracy = left + width / 2, 100 * found.accuracy[used]
    intervals = [
        wilson_interval(round(a * n), n) for a, n in zip(found.accuracy[used], found.counts[used], strict=True)
    ]
    whiskers = np.abs(100 * np.array(intervals).T - accuracy)
    diagram.plot([0, 100], [0, 100], color=_GREY, ls=":", lw=1, label="as promised")
    diagram.bar(left, accuracy, width, align="edge", color="#8EC1DE", edgecolor="white", label="read right")
    diagram.errorbar(middle, accuracy, whiskers, fmt="none", ecolor=_BLUE, lw=1.2, capsize=2, label="its 95 % interval")
    promised = 100 * found.confidence[used]
    diagram.hlines(promised, left, left + width, color=_VERMILION, lw=2.5, label="mean confidence")
    diagram.set(ylabel="of the answers in the bin (%)", xlim=(0, 100), ylim=(0, 103))
    bars = counts.bar(left, found.counts[used], width, align="edge", color=_GREY, edgecolor="white")
    counts.bar_label(bars, [f"{n:,}" for n in found.counts[used]], fontsize=6.5, padding=1)
    counts.set(yscale="log", ylim=(0.5, 6 * found.counts.max()), ylabel="answers", xlabel="confidence (%)")
    _set_ticks(counts, [1, 10, 100, 1000, 10_000, 100_000], "{:,.0f}")
    for axes in (diagram, counts):
        _tidy(axes)


def draw_risk_coverage(
    sets: Mapping[str, Answers],
    path: Path,
    *,
    operating: Mapping[str, tuple[float, float]] | None = None,
    title: str = "What refusing the least confident answers buys",
) -> None:
    """The error rate of the answers kept, against how many are kept, a curve for each set, as a PNG.

    `operating`: by name of a set, the coverage and the risk (fractions) of what is accepted in service.
    """
    figure = Figure(figsize=(8, 4.8 + 0.1 * len(sets)), layout="constrained")
    axes = figure.subplots()
    sure = {
        name: (probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
        for name, (probabilities, labels) in sets.items()
    }
    curves = {name: risk_coverage(*each) for name, each in sure.items()}
    points = dict(operating or {})
    risks = np.concatenate([*(risk for _, risk in curves.values()), [risk for _, risk in points.values()]])
    # A logarithm has no place for a risk of zero: it is drawn, and labelled, one step below the least other one.
    zero = risks.min(initial=1, where=risks > 0) / 2
    for (name, (coverage, risk)), colour, dash in zip(curves.items(), cycle(_COLOURS), cycle(_DASHES)):
        label = f"{name} (area beneath {100 * area_under_risk_coverage(*sure[name]):.2f} %)"
        axes.plot(100 * coverage, np.maximum(risk, zero), color=colour, ls=dash, lw=1.8, label=label)
        if name in points:
            kept, wrong = points[name]
            axes.plot(100 * kept, max(wrong, zero), "D", color=colour, mec="black", ms=8, zorder=3)
    if points:
        axes.plot([], [], "D", color="white", mec="black", ms=8, label="accepted in service")
    axes.set_title(title, fontweight="bold")
    axes.set(xlabel="coverage: answers kept, the most confident first (%)", ylabel="risk: wrong among those kept (%)")
    axes.set(yscale="log", ylim=(zero / 1.2, 1.5 * max(risks.max(), zero)))
    axes.set_xlim(_first_errors(curves.values()), 101)
    axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
    _set_ticks(axes, [zero, *(risk for risk in _RISKS if risk > 1.5 * zero)], "")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda risk, _: "0" if risk <= zero else f"{100 * risk:g}"))
    _tidy(axes)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize="x-small")  # within: over curves
    figure.savefig(path, dpi=_DPI)


def _first_errors(curves: Iterable[tuple[Floats, Floats]]) -> float:
    """The coverage in percent, a multiple of ten, from which on there is anything to see."""
    firsts = [coverage[np.argmax(risk > 0)] if risk.any() else 1.0 for coverage, risk in curves]
    return min(90.0, 10 * math.floor(10 * min(firsts)))


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of a contact sheet."""

    picture: NDArray[np.uint8] | None
    """(H, W) or (H, W, 3): what was sent; None where it could not be read."""
    frame: NDArray[np.uint8] | None
    """(28, 28): what the network saw."""
    lines: Sequence[str]
    """What to say beneath, three short lines at most."""
    alarming: bool = False
    """Whether the first line is set off."""


def draw_contact_sheet(cells: Sequence[Cell], title: str, path: Path, columns: int = 5) -> None:
    """Pictures beside what the network saw of them, captioned, row by row, as a PNG. The title has two lines."""
    rows = math.ceil(len(cells) / columns)
    width, height = columns * _CELL_WIDTH, rows * _CELL_HEIGHT + _HEAD
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.text(_GAP, 0.12, title, fontweight="bold", va="top", linespacing=1.4)
    axes.text(_GAP, 0.62, "left: the picture; right: what the network saw of it", fontsize=8, color=_GREY, va="center")
    for index, cell in enumerate(cells):
        _draw_cell(axes, cell, index % columns * _CELL_WIDTH + _GAP, index // columns * _CELL_HEIGHT + _HEAD)
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")  # in inches, from the top left corner
    figure.savefig(path, dpi=_DPI)


def _draw_cell(axes: Axes, cell: Cell, left: float, top: float) -> None:
    for image, start in ((cell.picture, left), (cell.frame, left + _THUMB + _GAP / 2)):
        axes.add_patch(Rectangle((start, top), _THUMB, _THUMB, facecolor="#F2F2F2", zorder=0))
        axes.add_patch(Rectangle((start, top), _THUMB, _THUMB, fill=False, edgecolor="#BDBDBD", lw=0.6))
        if image is not None:
            tall, wide = np.array(image.shape[:2]) / max(image.shape[:2]) * _THUMB
            x, y = start + (_THUMB - wide) / 2, top + (_THUMB - tall) / 2
            smooth = "antialiased" if image.shape[0] > SIZE else "nearest"
            axes.imshow(
                image,
                cmap="gray",
                vmin=0,
                vmax=255,
                extent=(x, x + wide, y + tall, y),
                interpolation=smooth,
                zorder=0.5,
            )
    for number, line in enumerate(cell.lines):
        text = axes.text(left, top + _THUMB + 0.1 + number * 0.14, line, fontsize=7.5, va="center")
        if number == 0:
            text.set(fontweight="bold", color=_VERMILION if cell.alarming else "black")


def draw_shares(bars: Mapping[str, Mapping[str, float]], title: str, unit: str, path: Path) -> None:
    """What each bar's parts add up to, part beside part, as a PNG. All bars have the same parts, in order."""
    figure = Figure(figsize=(9, 1.6 + 0.6 * len(bars)), layout="constrained")
    axes = figure.subplots()
    names = list(next(iter(bars.values())))
    starts = np.zeros(len(bars))
    for name, colour in zip(names, cycle((*_COLOURS, _GREY, "#F0E442")), strict=False):
        widths = np.array([parts[name] for parts in bars.values()])
        axes.barh(list(bars), widths, left=starts, color=colour, edgecolor="white", label=name)
        starts += widths
    axes.bar_label(axes.containers[-1], [f" {total:.0f} {unit}" for total in starts])  # type: ignore[arg-type]
    axes.set(title=title, xlabel=unit, xlim=(0, 1.12 * starts.max()))
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize="small")
    figure.savefig(path, dpi=_DPI)
