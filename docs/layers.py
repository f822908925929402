"""Draws layers.png and kernels.png, the pictures of lenet5.md, from seven.jpg and the model in the repository.

Run as `.venv/bin/python docs/layers.py`.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import onnx
from matplotlib.figure import SubFigure
from onnx import numpy_helper

from model.contract import ARTIFACTS, LAYERS, MODEL_FILE
from service.classifier import Classifier
from service.imaging import open_image
from service.pipeline import prepare
from service.settings import Settings

HERE = Path(__file__).parent
ROWS = {"C1": 1, "S2": 1, "C3": 2, "S4": 2, "C5": 4, "F6": 4}
"""Rows in which a layer's maps, or its units, are shown."""


def draw_layers(frame: np.ndarray, classifier: Classifier, path: Path) -> None:
    """One band a layer, from the input to the ten answers; tanh's -1 is dark, +1 light."""
    layers = classifier.layers(frame)
    probabilities = classifier.classify(frame[np.newaxis]).probabilities[0]
    figure = plt.figure(figsize=(9, 11), layout="constrained", facecolor="#e6eaee")
    heights = [2, *(1.1 if name in ("C5", "F6") else 1.3 * ROWS[name] for name in LAYERS), 1.4]
    bands = figure.subfigures(len(heights), 1, height_ratios=heights)
    show_maps(bands[0], "Input, 28×28", frame[np.newaxis] / 127.5 - 1, 1)
    for band, name in zip(bands[1:-1], LAYERS, strict=True):
        maps = layers[name]
        if maps.ndim == 1:
            maps = maps.reshape(1, ROWS[name], -1)
            show_maps(band, f"{name}, {layers[name].size} units", maps, 1)
        else:
            show_maps(band, f"{name}, {maps.shape[0]} maps of {maps.shape[1]}×{maps.shape[2]}", maps, ROWS[name])
    axes = bands[-1].subplots()
    axes.set_facecolor("none")
    axes.bar(range(10), probabilities, color="#2a6f97")
    axes.set_xticks(range(10))
    axes.set_yticks([0, 1])
    axes.spines[["top", "right"]].set_visible(False)
    bands[-1].suptitle("Output, the probability of each digit", x=0.01, ha="left", fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def show_maps(band: SubFigure, title: str, maps: np.ndarray, rows: int) -> None:
    """The maps of one layer side by side."""
    band.suptitle(title, x=0.01, ha="left", fontsize=10)
    grid = band.subplots(rows, len(maps) // rows, squeeze=False)
    for axes, values in zip(grid.flat, maps, strict=True):
        axes.imshow(values, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        axes.set_axis_off()


def draw_kernels(model: Path, path: Path) -> None:
    """What C1 looks for: six kernels of 5×5; red adds to a map, blue takes away."""
    weights = [numpy_helper.to_array(tensor) for tensor in onnx.load(model).graph.initializer]
    [kernels] = [array[:, 0] for array in weights if array.shape == (6, 1, 5, 5)]
    most = np.abs(kernels).max()
    figure, grid = plt.subplots(1, 6, figsize=(9, 1.8), layout="constrained")
    for number, (axes, kernel) in enumerate(zip(grid, kernels, strict=True), 1):
        axes.imshow(kernel, cmap="RdBu_r", vmin=-most, vmax=most)
        axes.set_title(f"map {number}", fontsize=10)
        axes.set_axis_off()
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    prepared = prepare(open_image((HERE / "seven.jpg").read_bytes(), Settings().max_pixels))
    draw_layers(prepared.framed.image, Classifier.load(ARTIFACTS / MODEL_FILE), HERE / "layers.png")
    draw_kernels(ARTIFACTS / MODEL_FILE, HERE / "kernels.png")
