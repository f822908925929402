"""TIFFs that libraries write to standard error about."""

import struct

from PIL import Image

from tests.conftest import encoded


def odd_tiff(tag: int) -> bytes:
    """A TIFF with a tag whose value lies beyond its end: Pillow warns of it and reads the picture."""
    raw = bytearray(encoded(Image.new("L", (20, 20), 200), "TIFF"))
    directory = struct.unpack_from("<I", raw, 4)[0]
    [count] = struct.unpack_from("<H", raw, directory)
    entry = struct.pack("<HHII", tag, 2, 1000, len(raw) + 1000)
    return bytes(raw[: directory + 2 + 12 * count]) + entry + bytes(raw[directory + 2 + 12 * count :])


def broken_tiff() -> bytes:
    """A TIFF whose compressed pixels are none: libtiff says so, and Pillow raises an error."""
    whole = encoded(Image.new("L", (20, 20), 7), "TIFF", compression="tiff_lzw")
    directory = struct.unpack_from("<I", whole, 4)[0]  # the pixels lie before it
    return whole[:8] + b"\xff" * (directory - 8) + whole[directory:]
