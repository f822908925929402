"""What a JPEG is made of, without decoding it."""

import re
import struct
from collections.abc import Sequence
from typing import NamedTuple

SCAN = b"\xff\xda"
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
"""But for those that stand inside a scan's data, and those that a decoder does not know, which it skips there."""
START = b"\xff\xd8"
_END = b"\xff\xd9"
_IN_HEAD = re.compile(rb"\xff[\xc0-\xc7\xc9-\xcf\xdb-\xef\xfe]").fullmatch
"""What has a length and may stand before the first scan."""
_FRAME = struct.Struct(">HBHHB").unpack_from
"""Its length, bits of a sample, height, width and number of layers."""
_LISTS = re.compile(rb"\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf\xdb]").fullmatch
"""Frames and quantization tables: Pillow makes an object of three bytes of the one, and of each value of the other."""
_BASELINE = b"\xff\xc0"
_DENSITY = b"\xff\xe0"
_DENSITY_LENGTH = 16
"""Of JFIF's segment; a shorter one is damaged."""
_SHOWS_NOTHING = re.compile(rb"\xff[\xc4\xdb\xdd\xe0\xfe]").fullmatch
"""Tables, restarts, JFIF's density, comments: but for these and its frame, a head may say how to show a picture."""
MOST_LISTED = 2_000
"""Bytes of these; a photo has some 150, and one with all tables there may be 550."""
FEW_SEGMENTS = 500
"""A photo has some ten before its first scan, and one for each 64 KiB of what was attached to it."""
MOST_SEGMENTS = 10_000
"""That are looked at: as many empty ones as a body holds would take a second."""


def has_more_scans(raw: bytes, than: int) -> bool:
    """Whether a decoder would go through more scans, or there are too many segments to tell.

    What lies in other segments or behind the end is no scan.
    """
    if raw.count(SCAN) <= than:
        return False
    scans = segments = at = 0
    while (found := _MARKER.search(raw, at)) and found.group() != _END:
        at = found.end()
        scans += found.group() == SCAN
        segments += 1
        if scans > than or segments > MOST_SEGMENTS:
            return True
        if found.group() != START:
            at += int.from_bytes(raw[at : at + 2])
    return False


def kept_a_pixel(layers: Sequence[tuple[int, int, int, int]]) -> float:
    """Samples that a decoder keeps of each pixel until the last scan has come; `layers` are as Pillow has them.

    Where they make no picture, as no decoder takes them, it is their number.
    """
    if not layers or not all(layer[1] and layer[2] for layer in layers):
        return max(len(layers), 1)
    across, down = (max(layer[side] for layer in layers) for side in (1, 2))
    blocks = sum(layer[1] * layer[2] for layer in layers)
    return blocks / (across * down)


class Head(NamedTuple):
    """What a JPEG says before its first scan."""

    layers: int
    """In that scan: if all, it is decoded by rows, and once."""
    plain_size: tuple[int, int] | None
    """Width and height, of a baseline JPEG, grey or in colours, of which there is no more to know than its pixels."""


UNKNOWN = Head(0, None)


def read_head(raw: bytes) -> Head:
    """Go through the head of a JPEG.

    It is UNKNOWN of anything else, and where it has anything unusual, which a decoder may go through in another way.
    """
    at = len(START) if raw.startswith(START) else len(raw)
    listed = 0
    telling: list[int] = []  # where segments are that may say how to show the picture
    for _ in range(FEW_SEGMENTS):
        marker, length = raw[at : at + 2], int.from_bytes(raw[at + 2 : at + 4])
        if marker == SCAN:
            layers = int.from_bytes(raw[at + 4 : at + 5])
            return Head(layers, _plain_size(raw, telling[0], layers) if len(telling) == 1 else None)
        if _LISTS(marker):
            listed += length
        if listed > MOST_LISTED or not _IN_HEAD(marker):
            return UNKNOWN
        if not _SHOWS_NOTHING(marker) or (marker == _DENSITY and length < _DENSITY_LENGTH):
            telling.append(at)
        at += 2 + length
    return UNKNOWN


def _plain_size(raw: bytes, at: int, layers: int) -> tuple[int, int] | None:
    """Width and height, where a baseline frame is there, of as many layers, which make grey or colours; else None."""
    if raw[at : at + 2] != _BASELINE or layers not in (1, 3):
        return None
    length, bits, height, width, all_layers = _FRAME(raw, at + 2)
    is_plain = length == 8 + 3 * layers and bits == 8 and all_layers == layers
    return (width, height) if is_plain and width and height else None
