"""Folders of scans to read in batches."""

import os
from pathlib import Path

import numpy as np

from tests.conftest import png
from tests.samples import IMAGES, photo, written


def scan(number: int) -> bytes:
    """One of forty digits as a PNG: every fourth on paper, 100×100, the others framed already, so quick to read."""
    image = IMAGES[number % len(IMAGES)]
    return png(image if number % 4 else photo(written(image, side=70, margin=15, noise=1.0, seed=number)))


def write_scans(folder: Path, count: int, different: int = 40) -> list[str]:
    """Put so many scans into a folder, `00000.png` and on, of which so many differ: the others are links to them."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{number:05}.png" for number in range(count)]
    for number, name in enumerate(names):
        if number < different:
            (folder / name).write_bytes(scan(number))
        else:
            os.link(folder / names[number % different], folder / name)
    return names


BLANK = png(np.full((60, 60), 230, np.uint8))
