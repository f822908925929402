"""Plain JPEGs, as programs and browsers write them, decoded without Pillow's machinery around its own decoder.

To open, draft and load a photo of 640x480 takes a fifteenth of all that its request costs. What is not plain is left to
Pillow, and so is what its own way might still make something of. Its decoder is not an interface:
`tests/test_plain_jpeg.py` holds this to what `Image.open` gives, and where a Pillow has no such decoder nothing is
decoded here.
"""

from dataclasses import dataclass

import numpy as np
from PIL import ImageFile, _imaging

from model.grey import Pixels
from service.png import WHOLE

_SCALES = (8, 4, 2, 1)
"""By which libjpeg shrinks, each way."""


@dataclass(frozen=True, slots=True)
class PlainJpeg:
    """A JPEG whose head was read: there is nothing more to know of it than its pixels."""

    raw: bytes
    size: tuple[int, int]
    """Width and height."""

    @property
    def width(self) -> int:
        """In pixels."""
        return self.size[0]

    @property
    def height(self) -> int:
        """In pixels."""
        return self.size[1]

    def close(self) -> None:
        """Nothing: no file is open. Who is done with a picture need not know which kind it is."""


def decode_plain(jpeg: PlainJpeg, least: tuple[int, int]) -> tuple[Pixels, int] | None:
    """Grey pixels, uint8 [H, W], and by how much each way they are shrunk: as far as both sides stay so long.

    None where Pillow may make something of it all the same. Raises MemoryError, and OSError where it would not either.
    """
    width, height = jpeg.size
    scale = next((scale for scale in _SCALES if scale <= min(width // least[0], height // least[1])), 1)
    columns, rows = -(-width // scale), -(-height // scale)
    try:
        pixels = np.zeros((rows, columns), np.uint8)
        shared = _imaging.map_buffer(pixels, (columns, rows), "raw", 0, ("L", 0, 1))  # to copy them takes 70 µs
        decoder = _imaging.jpeg_decoder("L", "L", "", scale, 0)
        decoder.setimage(shared, (0, 0, columns, rows))
        ended = decoder.decode(jpeg.raw)
    except MemoryError:
        raise
    except Exception:  # damaged data, or another Pillow
        return None
    if ended == WHOLE:
        return pixels, scale
    # Pillow feeds its decoder block by block, and ends as here where there was but one, or bytes are missing. Of
    # several blocks it may be done before it comes to what is wrong behind the picture.
    if ended[0] >= 0 or len(jpeg.raw) <= ImageFile.MAXBLOCK:
        raise OSError("the data are damaged or cut short")
    return None
