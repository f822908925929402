"""Digits a test can make by itself: seven-segment ones, moved and noisy, that a small network can learn."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.idx import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, encode_idx

# Rows and columns that each segment covers in a 20×12 box, clockwise from the top, the middle one last.
SEGMENTS = [
    (slice(0, 3), slice(0, 12)),
    (slice(0, 11), slice(9, 12)),
    (slice(9, 20), slice(9, 12)),
    (slice(17, 20), slice(0, 12)),
    (slice(9, 20), slice(0, 3)),
    (slice(0, 11), slice(0, 3)),
    (slice(8, 11), slice(0, 12)),
]
LIT = ["012345", "12", "01346", "01236", "1256", "02356", "023456", "012", "0123456", "012356"]


def draw_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (count, 28, 28), light ink on dark ground, and their labels, every digit equally often."""
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(count) % 10).astype(np.uint8)
    frames = generator.integers(0, 40, (count, 28, 28))
    for frame, label in zip(frames, labels, strict=True):
        top, left = generator.integers(2, 7), generator.integers(6, 11)
        box = frame[top : top + 20, left : left + 12]
        for segment in LIT[label]:
            box[SEGMENTS[int(segment)]] = generator.integers(180, 256)
    return frames.astype(np.uint8), labels


@dataclass(frozen=True)
class SmallMnist:
    """A folder of the four IDX files, and what is in them."""

    folder: Path
    files: dict[str, bytes]

    @property
    def sha256(self) -> dict[str, str]:
        """The digests that `fetch_mnist` is to expect."""
        return {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}


def write_mnist(folder: Path, train: int = 500, test: int = 100) -> SmallMnist:
    """Make a small MNIST in `folder`."""
    (images, labels), (test_images, test_labels) = draw_digits(train, seed=1), draw_digits(test, seed=2)
    arrays = {TRAIN_IMAGES: images, TRAIN_LABELS: labels, TEST_IMAGES: test_images, TEST_LABELS: test_labels}
    files = {name: encode_idx(array) for name, array in arrays.items()}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return SmallMnist(folder, files)
