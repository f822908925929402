"""What a JPEG is made of, without decoding it."""

import re

SCAN = b"\xff\xda"
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""But for those that stand inside a scan's data."""
_ALONE = (b"\xff\x01", b"\xff\xd8")
_END = b"\xff\xd9"


def has_more_scans(raw: bytes, than: int) -> bool:
    """Whether a decoder would go through more scans; what lies in other segments or behind the end is none."""
    if raw.count(SCAN) <= than:
        return False
    scans = at = 0
    while (found := _MARKER.search(raw, at)) and found.group() != _END:
        at = found.end()
        scans += found.group() == SCAN
        if found.group() not in _ALONE:
            at += int.from_bytes(raw[at : at + 2])
    return scans > than
