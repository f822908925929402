"""What the allocator keeps of the memory that was given back to it.

glibc's own ways fit neither of our uses. The network's buffers, some 800 kB that come and go with each run, it returns
to the system, and asks for their pages anew at half a microsecond each: up to 8 µs a picture. And once a large photo
was given back it keeps the like of it for ever.
"""

import ctypes

LARGE_BYTES = 1 << 20
"""Of a buffer that goes back to the system as soon as it is done with."""
KEPT_BYTES = 8 << 20
"""Of freed memory, for what is smaller. Buffers that come and go leave gaps: with 4 MiB they were still given back."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def keep_small_buffers() -> bool:
    """Have small buffers kept and large ones returned; False where the C library has no such options."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES) and mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES))
