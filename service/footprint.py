"""Letting go of what only the start needed: pages of the libraries' files, most of them onnxruntime's.

It reads, checks and optimizes a model with ten times the code that runs it. The kernel keeps every page of a file that
was ever touched mapped as long as memory is plenty, and counts it as ours. Pages that are wanted again come from its
cache, at half a microsecond each.
"""

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path

_AREA = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+)").match
_MADV_DONTNEED = 4


def drop_mapped_files(smaps: Path = Path("/proc/self/smaps")) -> int:
    """Unmap every page that is the same as in its file. Returns the areas; 0 where the system tells nothing of them."""
    try:
        madvise = ctypes.CDLL(None).madvise
        areas = list(unchanged_areas(smaps.read_text()))
    except (OSError, AttributeError):
        return 0
    madvise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    return sum(madvise(start, end - start, _MADV_DONTNEED) == 0 for start, end in areas)


def unchanged_areas(smaps: str) -> Iterator[tuple[int, int]]:
    """Of the areas of memory that `/proc/PID/smaps` tells of: those of files, never written to, and never changed.

    Where the linker has adapted a page to its address it is ours, not the file's; it would be lost.
    """
    area: tuple[int, int] | None = None
    for line in smaps.splitlines():
        if found := _AREA(line):
            start, end, access, inode = found.groups()
            area = (int(start, 16), int(end, 16)) if access in ("r--p", "r-xp") and inode != "0" else None
        elif area and line.split() == ["Anonymous:", "0", "kB"]:
            yield area
