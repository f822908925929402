"""An upload's bytes, which can be asked for so many times and no more.

Pillow goes through what is not pixels piece by piece, in Python: each chunk, segment, block, tag or byte of a header is
read by itself. Ten megabytes of empty ones would keep the event loop, which opens pictures, for seconds.
"""

from io import BytesIO

from service.errors import CorruptImage

HEADER_READS = 10_000
"""Of what stands before the pixels; photos take some hundred."""
LATER_READS = 50_000
"""Of the pixels and what stands behind them; a PNG takes three for each chunk, and some have one for each row."""


class Rationed(BytesIO):
    """Bytes to open a picture from."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.left = HEADER_READS

    def opened(self, more: int) -> None:
        """The header has been read; the rest may take `more` reads beside the usual."""
        self.left = LATER_READS + more

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes. Raises CorruptImage."""
        self.left -= 1
        if self.left < 0:
            raise CorruptImage("The picture is made of far too many pieces; save it again.")
        return BytesIO.read(self, size)
