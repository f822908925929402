"""Small grey PNGs, as programs send digits, decoded without Pillow's machinery around its own C decoder.

`Image.open` and `load` take five times as long as the decoding itself. What is not the plainest of PNGs, or not whole,
is left to them, and so is every error. Pillow's decoder is not an interface: `tests/test_png.py` holds this to what
`Image.open` gives, and where a Pillow has no such decoder nothing is decoded here.
"""

import struct
import zlib

import numpy as np
from PIL import _imaging

from model.grey import Pixels

_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_GREY = b"\x08\0\0\0\0"
"""8 bits of grey, deflated, any filter, not interlaced."""
_END = b"\0\0\0\0IEND\xae\x42\x60\x82"
WHOLE = -1, 0
"""How the decoder says that the data ended, and without an error."""

_word = struct.Struct(">I").unpack_from


def decode_grey_png(raw: bytes, most_pixels: int) -> Pixels | None:
    """uint8 [H, W] of a PNG of 8-bit grey levels in one chunk and nothing else; None for any other bytes."""
    plain = raw.startswith(_START) and raw[24:29] == _GREY and raw[37:41] == b"IDAT" and raw.endswith(_END)
    if not plain or zlib.crc32(raw[12:29]) != _word(raw, 29)[0]:
        return None
    (width,), (height,) = _word(raw, 16), _word(raw, 20)
    end = 41 + _word(raw, 33)[0]
    if not 0 < width * height <= most_pixels or end + 4 + len(_END) != len(raw):
        return None
    return _inflated(raw[41:end], width, height) if zlib.crc32(raw[37:end]) == _word(raw, end)[0] else None


def _inflated(deflated: bytes, width: int, height: int) -> Pixels | None:
    """What Pillow's own decoder makes of a PNG's data; None where it wants more of it."""
    try:
        image = _imaging.new("L", (width, height))
        decoder = _imaging.zip_decoder("L", "L", 0)
        decoder.setimage(image, (0, 0, width, height))
        ended = decoder.decode(deflated)
        encoder = _imaging.raw_encoder("L", "L", 0, 1)
        encoder.setimage(image, (0, 0, width, height))
        _, _, levels = encoder.encode(width * height)
    except Exception:  # damaged data, or another Pillow
        return None
    if ended != WHOLE or len(levels) != width * height:
        return None
    return np.frombuffer(levels, np.uint8).reshape(height, width)
