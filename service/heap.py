"""What the allocator keeps of the memory that was given back to it, and how often garbage is looked for.

glibc's own ways fit neither of our uses. The network's buffers, some 800 kB that come and go with each run, it returns
to the system, and asks for their pages anew at half a microsecond each: up to 8 µs a picture. And once a large photo
was given back it keeps the like of it for ever.
"""

import ctypes
import gc

LARGE_BYTES = 1 << 20
"""Of a buffer that goes back to the system as soon as it is done with."""
KEPT_BYTES = 8 << 20
"""Of freed memory, for what is smaller. Buffers that come and go leave gaps: with 4 MiB they were still given back."""

FULL_AFTER = 50
"""Collections of the middle generation, each after some 7,000 new objects: 350,000, or 30 MB, wait for a full one."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def keep_small_buffers() -> bool:
    """Have small buffers kept and large ones returned; False where the C library has no such options."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES) and mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES))


def look_for_garbage_seldom() -> None:
    """Leave what the start has made out of Python's collections, and go through everything else a fifth as often.

    Each full one holds up the event loop, with thousands of connections for a quarter of a second; by itself Python
    begins one whenever a quarter has come to what there was. What requests leave behind is found by the small ones.
    """
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_AFTER)
