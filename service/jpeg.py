"""What a JPEG is made of, without decoding it."""

import re
from collections.abc import Sequence

SCAN = b"\xff\xda"
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
"""But for those that stand inside a scan's data, and those that a decoder does not know, which it skips there."""
START = b"\xff\xd8"
_END = b"\xff\xd9"
_IN_HEAD = re.compile(rb"\xff[\xc0-\xc7\xc9-\xcf\xdb-\xef\xfe]").fullmatch
"""What has a length and may stand before the first scan."""
_LISTS = re.compile(rb"\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf\xdb]").fullmatch
"""Frames and quantization tables: Pillow makes an object of three bytes of the one, and of each value of the other."""
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


def layers_of_first_scan(raw: bytes) -> int:
    """How many layers a JPEG has in its first scan: if all, it is decoded by rows, and once.

    0 of anything else, and where the head has anything unusual, which a decoder may go through in another way.
    """
    at = len(START) if raw.startswith(START) else len(raw)
    listed = 0
    for _ in range(FEW_SEGMENTS):
        marker, length = raw[at : at + 2], int.from_bytes(raw[at + 2 : at + 4])
        if marker == SCAN:
            return int.from_bytes(raw[at + 4 : at + 5])
        if _LISTS(marker):
            listed += length
        if listed > MOST_LISTED or not _IN_HEAD(marker):
            return 0
        at += 2 + length
    return 0
