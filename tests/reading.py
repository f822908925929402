"""What the shipped model reads in frames."""

import numpy as np

from model.contract import ARTIFACTS, MODEL_FILE, Frames
from training.export import run_file


def read(frames: Frames) -> np.ndarray:
    """(N,) digits."""
    return run_file(ARTIFACTS / MODEL_FILE, frames).probabilities.argmax(axis=1)
