"""An upload's bytes, which can be asked for so many times and no more.

Pillow goes through what is not pixels piece by piece, in Python: each chunk, segment, block, tag or byte of a header is
read by itself. Ten megabytes of empty ones would keep the event loop, which opens pictures, for seconds.
"""

import math
from io import BytesIO

from service.errors import CorruptImage

HEADER_READS = 10_000
"""Of what stands before the pixels; photos take some hundred."""
LATER_READS = 50_000
"""Of the pixels and what stands behind them; a PNG takes three for each chunk, and some have one for each row."""


class Rationed(BytesIO):
    """Bytes to open a picture from; of its header no more than so many are read."""

    def __init__(self, raw: bytes, header_bytes: float = math.inf) -> None:
        super().__init__(raw)
        self.left = HEADER_READS
        self.header_bytes = header_bytes

    def opened(self, more: int) -> None:
        """The header has been read; the rest may take `more` reads beside the usual."""
        self.left = LATER_READS + more
        self.header_bytes = math.inf

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes. Raises CorruptImage."""
        self.left -= 1
        found = BytesIO.read(self, size)
        self.header_bytes -= len(found)
        if self.left < 0 or self.header_bytes < 0:
            raise CorruptImage("The picture is made of far too many pieces; save it again.")
        return found
