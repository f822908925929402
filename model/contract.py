"""The contract between training and service: names, sizes, and how grey levels become numbers.

Both sides import this page and neither owns it. A model file that honours it can be served; `LENET_MODEL_PATH`
points the service at one.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NAME = "lenet5"
SIZE = 28
"""Rows and columns of the image that the network reads."""

INPUT_NAME = "image"
PROBABILITIES = "probabilities"
LOGITS = "logits"
"""Calibrated logits: their softmax is `probabilities`, the temperature is already in them."""
EVIDENCE = "evidence"
"""How much speaks for a digit at all, whichever: a number for each image. A file may leave it out; then the log-sum-exp
of its logits stands for it."""

LABELS = tuple("0123456789")
LAYERS = ("C1", "S2", "C3", "S4", "C5", "F6")
"""Outputs of the layers file, in the names of the 1998 paper."""

KERNELS = "kernels"
"""Metadata of the layers file: the kernels of C1 and C3 as JSON, as GET /v1/model/kernels gives them."""

ARTIFACTS = Path(__file__).parent / "artifacts"
MODEL_FILE = "lenet5.onnx"
LAYERS_FILE = "lenet5-layers.onnx"
RECORD_FILE = "record.json"

Frames = NDArray[np.uint8]
Tensor = NDArray[np.float32]


def to_tensor(frames: Frames) -> Tensor:
    """Turn frames into the network's input.

    uint8 (N, 28, 28), light ink on dark ground -> float32 (N, 1, 28, 28) in [0, 1]. No mean or deviation: the
    article trains on plain pixels / 255.
    """
    return frames[:, np.newaxis].astype(np.float32) / np.float32(255)
