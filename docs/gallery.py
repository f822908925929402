"""Draws the demo page's gallery: the forty digits of tests/data, and the twenty of MNIST's test set that the model in
the repository believes in least.

Run as `.venv/bin/python docs/gallery.py [FOLDER]`; FOLDER has MNIST's test files, by default the cache of
`make train`. Writes gallery.png, twenty digits a row, and gallery.json, what each shows and which of the 10,000 it is.
"""

import json
import sys
from pathlib import Path

import numpy as np
import platformdirs
from PIL import Image

from model.contract import ARTIFACTS, MODEL_FILE, NAME, SIZE
from model.idx import TEST_IMAGES, TEST_LABELS, find_idx, read_idx
from service.classifier import Classifier

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "service" / "static" / "page"
COLUMNS = 20
HARDEST = 20


def read_test_set(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (10000, 28, 28) and labels (10000,)."""
    images, labels = (find_idx(folder, name) for name in (TEST_IMAGES, TEST_LABELS))
    if images is None or labels is None:
        raise SystemExit(f"{folder} has no MNIST test set; name a folder that has")
    return read_idx(images), read_idx(labels)


def hardest(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Indexes of the digits to whose label the model gives the least probability, the least first."""
    probabilities = Classifier.load(ARTIFACTS / MODEL_FILE).classify(images).probabilities
    return np.argsort(probabilities[np.arange(len(labels)), labels], kind="stable")[:HARDEST]


def main() -> None:
    """Choose, and write both files."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else platformdirs.user_cache_path(NAME) / "mnist"
    images, labels = read_test_set(folder)
    with np.load(ROOT / "tests" / "data" / "mnist_test_40.npz") as archive:
        typical = archive["index"][np.argsort(archive["labels"], kind="stable")]
    chosen = np.concatenate([typical, hardest(images, labels)])
    rows = images[chosen].reshape(-1, COLUMNS, SIZE, SIZE).swapaxes(1, 2).reshape(-1, COLUMNS * SIZE)
    Image.fromarray(rows).save(PAGE / "gallery.png", optimize=True)
    gallery = {
        "size": SIZE,
        "columns": COLUMNS,
        "typical": len(typical),
        "labels": labels[chosen].tolist(),
        "indexes": chosen.tolist(),
    }
    (PAGE / "gallery.json").write_text(json.dumps(gallery) + "\n")


if __name__ == "__main__":
    main()
