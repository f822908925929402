"""IDX, the file format MNIST is published in: a big-endian header, then the bytes, row by row."""

import math
import struct

import numpy as np
from numpy.typing import NDArray

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
