"""What a JPEG is made of, without decoding it."""

import re

SCAN = b"\xff\xda"
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""But for those that stand inside a scan's data."""
_ALONE = (b"\xff\x01", b"\xff\xd8")
_END = b"\xff\xd9"
MOST_SEGMENTS = 10_000
"""That are looked at: as many empty ones as a body holds would take a second."""


def has_more_scans(raw: bytes, than: int) -> bool:
    """Whether a decoder would go through more scans; what lies in other segments or behind the end is none."""
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
