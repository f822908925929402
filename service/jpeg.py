"""What a JPEG is made of, without decoding it."""

import re
from collections.abc import Sequence

SCAN = b"\xff\xda"
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""But for those that stand inside a scan's data."""
_ALONE = (b"\xff\x01", b"\xff\xd8")
_END = b"\xff\xd9"
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
        if found.group() not in _ALONE:
            at += int.from_bytes(raw[at : at + 2])
    return False


def kept_a_pixel(layers: Sequence[tuple[int, int, int, int]]) -> float:
    """Samples that a decoder keeps of each pixel until the last scan has come; `layers` are as Pillow has them."""
    across, down = (max(layer[side] for layer in layers) for side in (1, 2))
    blocks = sum(layer[1] * layer[2] for layer in layers)
    return blocks / (across * down) if across and down else len(layers)


def is_in_one_scan(raw: bytes, data: int, layers: int) -> bool:
    """Whether a JPEG whose first scan's data begin there has all of its layers in that scan, and is decoded by rows.

    Before its data a scan tells how many layers it has, then two bytes of each, and three of its own.
    """
    return raw[data - 2 * layers - 4] == layers
