"""Forty digits of the MNIST test set, the first four of each kind, and pictures made of them."""

from pathlib import Path

import numpy as np
from PIL import Image

with np.load(Path(__file__).parent / "data" / "mnist_test_40.npz", allow_pickle=False) as _archive:
    IMAGES = _archive["images"]  # uint8 (40, 28, 28), light on dark
    LABELS = _archive["labels"]  # uint8 (40,)


def enlarged(image, side=112):
    """A digit, uint8 (28, 28), as a smooth grey picture of the given side."""
    return Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)


def written(image, side=140, margin=20, paper=220.0, ink=60.0, noise=2.0, seed=0):
    """A digit as a photo shows it: dark on paper, float levels [H, W] with the grain of a camera."""
    size = side + 2 * margin
    paper_levels = np.full((size, size), paper)
    coverage = np.asarray(enlarged(image, side), float) / 255
    paper_levels[margin : margin + side, margin : margin + side] -= (paper - ink) * coverage
    return paper_levels + np.random.default_rng(seed).normal(0, noise, (size, size))


def photo(levels):
    """Float levels [H, W] as uint8 pixels."""
    return np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
