"""Keeps what decodes pictures from writing to standard error what it finds odd in them: Pillow, and libtiff in it.

libtiff does so for every broken TIFF, past the thread that logs: by whoever reads the picture, the event loop included,
who would wait where nobody reads that stream. Pillow raises an error all the same.
"""

import ctypes
import re
import warnings
from pathlib import Path

from PIL import Image  # noqa: F401  which loads it

MAPS = Path("/proc/self/maps")


def silence_decoders() -> None:
    """Turn off what they write."""
    warnings.simplefilter("ignore")
    silence_libtiff()


def silence_libtiff(maps: Path = MAPS) -> bool:
    """Turn off its messages; False where it is not there to be told, because Pillow was built in another way."""
    try:
        found = re.search(r"/\S*/libtiff\S*\.so\S*", maps.read_text())
        if not found:
            return False
        library = ctypes.CDLL(found.group())
        for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            getattr(library, name).restype = ctypes.c_void_p
            getattr(library, name)(ctypes.c_void_p(None))
    except (OSError, AttributeError):
        return False
    return True
