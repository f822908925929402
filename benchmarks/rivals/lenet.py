"""What every rival does with a picture: the decode of the tutorials, the same ONNX file, and the same answer.

None of them frames a digit, tells what is no digit, or limits what it reads. Knows Pillow, numpy and onnxruntime.
"""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image

MODEL = Path(__file__).parents[2] / "model" / "artifacts" / "lenet5.onnx"


def load() -> ort.InferenceSession:
    """The session, with one thread: more make so small a network slower."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])


def decode(raw: bytes) -> np.ndarray:
    """A picture's bytes -> float32 (1, 28, 28)."""
    return tensor_of(Image.open(BytesIO(raw)))


def tensor_of(image: Image.Image) -> np.ndarray:
    """An opened picture -> float32 (1, 28, 28)."""
    return np.asarray(image.convert("L").resize((28, 28)), np.float32)[np.newaxis] / 255


def infer(session: ort.InferenceSession, tensors: list[np.ndarray]) -> list[dict[str, Any]]:
    """Tensors of `decode` -> an answer to each, from one run."""
    [rows] = session.run(["probabilities"], {"image": np.stack(tensors)})
    return [{"digit": int(row.argmax()), "confidence": float(row.max()), "probabilities": row.tolist()} for row in rows]
