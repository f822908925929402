"""IDX, the file format MNIST is published in: a big-endian header, then the bytes, row by row."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
"""The names of MNIST's files, as published."""

_UNSIGNED_BYTE = 0x08


def encode_idx(array: NDArray[np.uint8]) -> bytes:
    """Write an array of bytes as an IDX file."""
    header = struct.pack(f">HBB{array.ndim}I", 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    return header + array.tobytes()


def decode_idx(content: bytes) -> NDArray[np.uint8]:
    """Read an IDX file of bytes. Raises ValueError if its header says anything else than what follows."""
    if len(content) < 4:
        raise ValueError(f"{len(content)} bytes are too few for an IDX header")
    zeros, kind, dimensions = struct.unpack_from(">HBB", content)
    start = 4 + 4 * dimensions
    if zeros or kind != _UNSIGNED_BYTE or len(content) < start:
        raise ValueError(f"not an IDX file of bytes: it begins with {content[:4].hex()}")
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    if len(content) - start != math.prod(shape):
        raise ValueError(f"the header promises {math.prod(shape):,} bytes, {len(content) - start:,} follow")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def find_idx(folder: Path, name: str) -> Path | None:
    """The named file, gzipped or not; None where neither is there."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file, gzipped where its name says so. Raises OSError, or ValueError where it is damaged."""
    content = path.read_bytes()
    try:
        return decode_idx(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"not a whole gzip file: {error}") from error
