"""PNGs written by hand, chunk by chunk: Pillow writes only some of what there is."""

import struct
import zlib

END = (b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    """Its length, its name, what is in it and its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(*chunks: tuple[bytes, bytes]) -> bytes:
    """The signature and these chunks, name and data."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in chunks)
