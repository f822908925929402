"""Any upload -> a picture that is safe to decode, then its grey pixels.

Only the bytes decide what a picture is, never a name or a declared type. Dimensions are checked before a pixel is
decoded: 34 bytes of WebP can ask for 2 GB.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np

# The two plug-ins are imported so that Image.open need not load all of Pillow's forty-odd to find them.
from PIL import Image, ImageFile, TiffImagePlugin, WebPImagePlugin  # noqa: F401

from model.grey import Degrees, Grey, Pixels, rotation, to_grey, upright
from model.working import Box
from service.errors import CorruptImage, ImageTooLarge, Overloaded, ServiceError, UnsupportedImage
from service.jpeg import START, has_more_scans, kept_a_pixel, read_head
from service.plain_jpeg import PlainJpeg, decode_plain
from service.rationed import Rationed

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""What Pillow calls the formats that are read; PPM stands for all of PNM."""

JPEGS = {"JPEG", "MPO"}
OPENED_AS = {*FORMATS, *JPEGS}
"""An MPO, as many phones write, opens as JPEG and is one for its first frame, the only one that is read."""

MAX_WEBP_PIXELS = 8_000_000
"""Its decoder needs 12 bytes a pixel."""

DRAFT_SIDE = 640
"""JPEGs are decoded at the smallest of 1, 1/2, 1/4 and 1/8 that keeps both sides this long, in pixels."""

MAX_DRAFT_PIXELS = 1_500_000
"""Of a JPEG with a side shorter than that, about: where it has four times as many it is decoded small all the same."""

MAX_SCANS = 32
"""Of a JPEG: some ten bytes of a scan have its decoder go through all of the picture once more."""

KEPT_A_PIXEL = 2.5
"""Samples, two bytes each, that the decoder of a JPEG in several scans may keep of the largest picture, whole."""

COSTLY = {"lzma": 2 / 3, "jpeg": 2 / 5, "tiff_jpeg": 2 / 5}
"""Compressions of TIFFs, which may have so large a share of the pixels only."""

ODD_HEAD_BYTES = 512 * 1024
"""Of a JPEG whose head has anything unusual: one segment of it may be made of thousands of pieces."""

MAX_SLOW_PIXELS = 1_000_000
SLOW = {"bmp_rle", "ppm"}
"""Decoders of Pillow's in Python: of RLE in a BMP, and of a binary PNM whose white is neither 255 nor 65535."""
READS_A_PIXEL = 3
"""Of these, at most: of a BMP a run, its length and the ends of a row."""

MAX_HEAVY_PIXELS = 8_000_000
"""Of a picture with transparency or in CMYK: of a larger one every other pixel, each way, is looked at."""

UNDECODED = "webp"
"""The compression of a TIFF for which there is no decoder: libtiff would say so on standard error, past our log."""

MAX_COMMENTS = 100
"""Comments of a plain PNM: Pillow takes each out of the text in time that grows with the whole of it."""

SMALLEST = 8
"""Bytes: the longest signature below. What is shorter is no picture."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"RIFF", "WebP"),
    *((b"P%d" % kind, "PNM") for kind in range(1, 7)),
)

_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")

_FOREIGN: tuple[tuple[str, str, Callable[[bytes], bool]], ...] = (
    ("HEIC", "save it as JPEG or PNG", lambda raw: raw[4:8] == b"ftyp" and raw[8:12] in _HEIF_BRANDS),
    ("AVIF", "save it as JPEG or PNG", lambda raw: raw[4:8] == b"ftyp" and raw[8:12] in (b"avif", b"avis")),
    ("PDF", "export its page as PNG", lambda raw: raw.startswith(b"%PDF")),
    ("SVG", "render it as PNG", lambda raw: b"<svg" in raw[:512].lower()),
    ("JPEG 2000", "save it as JPEG or PNG", lambda raw: raw[4:8] == b"jP  " or raw.startswith(b"\xff\x4f\xff\x51")),
    ("JPEG XL", "save it as JPEG or PNG", lambda raw: raw.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL "))),
    ("PSD", "export it as PNG", lambda raw: raw.startswith(b"8BPS")),
    ("ICO", "save it as PNG", lambda raw: raw.startswith(b"\0\0\1\0")),
    ("EPS", "render it as PNG", lambda raw: raw.startswith(b"%!PS")),
    ("ZIP", "send one picture", lambda raw: raw.startswith(b"PK\3\4")),
    ("HTML", "send the picture itself", lambda raw: raw.lstrip()[:9].lower() in (b"<!doctype", b"<html")),
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture, and by how much it was shrunk on the way."""

    grey: Grey
    scale: int
    """Pixels of the picture for each decoded one, each way: 1, or 2, 4, 8 where it was decoded small."""
    size: tuple[int, int]
    """Width and height of the upright picture, in its own pixels."""

    def in_picture(self, box: Box) -> Box:
        """Left, top, right, bottom in the picture's pixels, of a box in decoded ones."""
        left, top, right, bottom = (side * self.scale for side in box)
        return left, top, min(right, self.size[0]), min(bottom, self.size[1])


Opened = Image.Image | PlainJpeg
"""A picture whose header was read."""


def as_decoded(pixels: Pixels) -> Decoded:
    """uint8 [H, W], decoded elsewhere, upright and not shrunk."""
    rows, columns = pixels.shape
    return Decoded(Grey(pixels, 0), 1, (columns, rows))


def open_image(raw: bytes, max_pixels: int) -> Opened:
    """Read a picture's header: nothing is decoded yet, `size` is known.

    Raises UnsupportedImage, CorruptImage or ImageTooLarge.
    """
    if raw[:2] in (b"P1", b"P2", b"P3") and raw.count(b"#") > MAX_COMMENTS:
        raise CorruptImage("The PNM has too many comments; send it without them.")
    layers, plain_size = read_head(raw)
    if plain_size:
        if plain_size[0] * plain_size[1] > max_pixels:
            raise _too_large(max_pixels)
        return PlainJpeg(raw, plain_size)
    # Of a head that was gone through Pillow makes no more pieces than were counted.
    source = BytesIO(raw) if layers else Rationed(raw, ODD_HEAD_BYTES if raw.startswith(START) else math.inf)
    try:
        image = Image.open(source, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(max_pixels) from None
    except CorruptImage:
        raise
    except Exception as error:
        raise _unopened(raw, error) from None
    if image.format not in OPENED_AS:
        raise UnsupportedImage(_advice(raw))
    if image.format == "TIFF" and image.info.get("compression") == UNDECODED:
        raise UnsupportedImage("Save the TIFF with another compression, or as PNG.")
    limit = _pixel_limit(image, max_pixels)
    in_scans = image.format in JPEGS and not _is_decoded_by_rows(image, layers)
    if in_scans:
        limit = min(limit, int(max_pixels * KEPT_A_PIXEL / kept_a_pixel(image.layer)))  # type: ignore[attr-defined]
    if image.width * image.height > limit:
        raise _too_large(limit)
    if in_scans and has_more_scans(raw, MAX_SCANS):
        raise CorruptImage(f"Save the JPEG again, with at most {MAX_SCANS} scans.")
    if isinstance(source, Rationed):
        source.opened(READS_A_PIXEL * image.width * image.height if _is_decoded_in_python(image) else 0)
    return image


def decode_image(image: Opened) -> Decoded:
    """Decode the first frame of an opened picture to upright grey pixels. Raises CorruptImage, Overloaded."""
    width, height = image.size
    turned: Degrees = 0
    try:
        if isinstance(image, PlainJpeg):
            if decoded := decode_plain(image, _least_size(width, height)):
                pixels, scale = decoded
                return Decoded(Grey(pixels, 0), scale, (width, height))
            image = Image.open(BytesIO(image.raw), formats=FORMATS)
        if image.format in JPEGS:
            image.draft("L", _least_size(width, height))
        scale = round(width / image.width)
        if image.format == "TIFF":  # Pillow itself turns these upright while it loads them, and forgets that it did
            turned = rotation(image)
        grey, shrunk = _load_grey(image)
        image.close()  # framing needs memory too
    except MemoryError:
        raise Overloaded("There is no memory for this picture now; try again in a second.") from None
    except Exception:  # Pillow's plug-ins raise whatever the damage leads them to, IndexError and struct.error included
        raise CorruptImage("The picture is damaged or cut short; send it whole.") from None
    rows, columns = grey.pixels.shape
    size = (height, width) if grey.rotated in (90, 270) else (width, height)
    scale *= shrunk
    return Decoded(replace(grey, rotated=grey.rotated or turned), scale, (columns, rows) if scale == 1 else size)


def _least_size(width: int, height: int) -> tuple[int, int]:
    """How small a JPEG may be decoded: width and height, in pixels."""
    shrunk = max(1, math.isqrt(width * height // MAX_DRAFT_PIXELS))
    return min(DRAFT_SIDE, -(-width // shrunk)), min(DRAFT_SIDE, -(-height // shrunk))


def _load_grey(image: Image.Image) -> tuple[Grey, int]:
    """Decode an opened picture; and by how much it is shrunk once it is decoded, each way."""
    if image.format in JPEGS and image.mode == "L" and image.tile:  # type: ignore[attr-defined]
        return _load_grey_jpeg(image), 1
    image.load()  # which tells of a JPEG without a scan that it is damaged
    if not _is_heavy(image):
        return to_grey(image), 1
    small = image.resize((-(-image.width // 2), -(-image.height // 2)), Image.Resampling.NEAREST)
    image.close()  # its pixels would take more memory than all that is made of them
    return to_grey(small), 2


def _load_grey_jpeg(image: Image.Image) -> Grey:
    """Decode a JPEG of one channel, as `draft` makes it, into numpy's memory: to copy a photo's pixels takes 70 µs."""
    pixels = np.zeros(image.size[::-1], np.uint8)
    shared = Image.frombuffer("L", image.size, pixels, "raw", "L", 0, 1)
    image.im = shared.im
    image.load()
    return upright(pixels if image.im is shared.im else np.asarray(image), image)  # another Pillow may take its own


def _is_heavy(image: Image.Image) -> bool:
    """Whether to make all of a decoded picture's pixels grey would take as long as to decode them."""
    slow = image.mode in ("CMYK", "LA", "RGBA", "RGBa", "RGBX") or image.has_transparency_data
    return slow and image.width * image.height > MAX_HEAVY_PIXELS


def _unopened(raw: bytes, error: Exception) -> ServiceError:
    """Why Pillow did not open it: a format that is not read, or damage in one that is."""
    if isinstance(error, MemoryError):
        return Overloaded("There is no memory for this picture now; try again in a second.")
    kind = next((name for signature, name in _SIGNATURES if raw.startswith(signature)), None)
    if kind and len(raw) >= SMALLEST and not (kind == "WebP" and raw[8:12] != b"WEBP"):
        return CorruptImage(f"The {kind} is damaged or cut short; send it whole.")
    return UnsupportedImage(_advice(raw))


def _advice(raw: bytes) -> str:
    """What to do about a format that is not read."""
    readable = "PNG, JPEG, WebP, GIF, BMP, TIFF and PNM are read"
    for name, way_out, matches in _FOREIGN:
        if matches(raw):
            return f"{readable}; this is {name}: {way_out}."
    return f"{readable}; these bytes are none of them."


def _pixel_limit(image: ImageFile.ImageFile, max_pixels: int) -> int:
    """How many pixels may be decoded, by what it takes to."""
    if image.format == "WEBP":
        return min(max_pixels * 2 // 3, MAX_WEBP_PIXELS)
    if image.format == "TIFF":
        return int(max_pixels * COSTLY.get(image.info.get("compression", ""), 1))
    return min(max_pixels, MAX_SLOW_PIXELS) if _is_decoded_in_python(image) else max_pixels


def _is_decoded_by_rows(jpeg: ImageFile.ImageFile, first_scan: int) -> bool:
    """Whether it is, with so many layers in its first scan."""
    return "progressive" not in jpeg.info and jpeg.layers == first_scan  # type: ignore[attr-defined]


def _is_decoded_in_python(image: ImageFile.ImageFile) -> bool:
    return any(tile.codec_name in SLOW for tile in image.tile)


def _too_large(limit: int) -> ImageTooLarge:
    return ImageTooLarge(f"Send a picture of at most {limit:,} pixels.")
