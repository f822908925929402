"""Any picture that Pillow can open becomes upright grey pixels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Levels = NDArray[np.float32]
Degrees = Literal[0, 90, 180, 270]

STRIP_PIXELS = 1 << 17
"""So many levels at a time stay in the processor's cache, whatever the picture's shape."""

_ORIENTATION = 0x0112  # the EXIF tag
# EXIF orientation -> (degrees to turn clockwise, whether it is then mirrored left to right).
_UPRIGHT: dict[int, tuple[Degrees, bool]] = {
    2: (0, True),
    3: (180, False),
    4: (180, True),
    5: (90, True),
    6: (90, False),
    7: (270, True),
    8: (270, False),
}
_AS_IT_IS: tuple[Degrees, bool] = 0, False


@dataclass(frozen=True, slots=True)
class Grey:
    """Upright grey pixels, uint8 [H, W], and the degrees clockwise (0, 90, 180, 270) that EXIF asked to turn them."""

    pixels: Pixels
    rotated: Degrees


def to_grey(image: Image.Image) -> Grey:
    """Turn a picture of any mode into upright grey pixels.

    Where it has alpha, the opaque pixels are the ink: put on white where they are dark, on black where light.
    """
    deep = image.mode == "F" or image.mode.startswith("I")  # their one transparent level would be clipped to 8 bits
    return upright(_with_alpha(image) if image.has_transparency_data and not deep else _opaque(image), image)


def upright(pixels: Pixels, image: Image.Image) -> Grey:
    """Turn the grey pixels of a picture, uint8 [H, W], as its EXIF block asks."""
    rotated, mirrored = _UPRIGHT.get(_orientation(image), _AS_IT_IS)
    if rotated:
        pixels = np.rot90(pixels, -rotated // 90)
    if mirrored:
        pixels = pixels[:, ::-1]
    return Grey(np.ascontiguousarray(pixels), rotated)


def rotation(image: Image.Image) -> Degrees:
    """Degrees clockwise by which EXIF asks to turn the picture."""
    return _UPRIGHT.get(_orientation(image), _AS_IT_IS)[0]


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1, upright, where the block is missing or damaged."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged block raises whatever its parser happens to meet; the pixels are still good
        return 1


def _opaque(image: Image.Image) -> Pixels:
    """Grey pixels of a picture without alpha."""
    if image.mode == "L":
        return np.asarray(image)
    if image.mode == "F" or image.mode.startswith("I"):
        return _scaled(image)
    pixels = np.empty(image.size[::-1], np.uint8)
    for place, strip in _strips(image):
        pixels[place] = np.asarray(strip.getchannel("L") if image.mode == "LAB" else strip.convert("L"))
    return pixels


def _scaled(image: Image.Image) -> Pixels:
    """Bring levels of more than 8 bits to 0..255.

    The range is guessed from the largest level, since files do not say it: fractions, 8 bits, 16 bits, or else
    whatever the picture spans. Levels that are not finite count as 0.
    """
    extremes = np.array([(levels.min(), levels.max()) for levels in (_levels(strip) for _, strip in _strips(image))])
    low, high = float(extremes.min()), float(extremes.max())
    if low < 0 or high > 65535:
        white = high - low
    else:
        low = 0.0
        white = 1.0 if image.mode.startswith("F") and high <= 1 else 255.0 if high <= 255 else 65535.0
    pixels = np.empty(image.size[::-1], np.uint8)
    for place, strip in _strips(image):
        pixels[place] = np.rint((_levels(strip).astype(np.float32) - low) * (255.0 / white))
    return pixels


def _levels(strip: Image.Image) -> NDArray[np.generic]:
    levels = np.asarray(strip)
    return np.nan_to_num(levels, nan=0.0, posinf=0.0, neginf=0.0) if strip.mode == "F" else levels


def _strips(image: Image.Image) -> Iterator[tuple[tuple[slice, slice], Image.Image]]:
    """A picture piece by piece, and where each is: all at once would take several times its own memory."""
    if image.width * image.height <= STRIP_PIXELS:
        yield (slice(None), slice(None)), image
        return
    columns = min(image.width, STRIP_PIXELS)
    rows = STRIP_PIXELS // columns
    for top in range(0, image.height, rows):
        for left in range(0, image.width, columns):
            right, bottom = min(left + columns, image.width), min(top + rows, image.height)
            yield (slice(top, bottom), slice(left, right)), image.crop((left, top, right, bottom))


def _with_alpha(image: Image.Image) -> Pixels:
    """Grey pixels of a picture with alpha, on a ground that its ink stands out from."""
    grey, alpha = _grey_with_alpha(image)
    opaque = alpha.point([0] * 128 + [255] * 128)
    levels = np.asarray(grey.histogram(opaque))
    dark = int(levels @ np.arange(256)) <= 127 * int(levels.sum())
    ground = Image.new("L", image.size, 255 if dark else 0)
    ground.paste(grey, mask=alpha)
    return np.asarray(ground)


def _grey_with_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Grey levels and alpha, each of mode L."""
    if image.mode in ("1", "L", "P"):  # of their few levels each is converted once
        levels = image.crop((0, 0, 256, 1))
        levels.putdata(range(256))
        straight = levels.convert("RGBA")
        tables = straight.convert("L").tobytes(), straight.getchannel("A").tobytes()
        return image.point(tables[0], "L"), image.point(tables[1], "L")
    mode = "LA" if image.mode in ("La", "LA") else "RGBA"  # PA and a transparent colour convert to RGBA only
    straight = image if image.mode == mode else image.convert(mode)
    return straight.convert("L"), straight.getchannel("A")
