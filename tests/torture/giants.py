"""Few bytes that decode to as many pixels as are allowed: each format, mode and shape, and those made to cost most."""

import lzma
import struct
import zlib
from collections.abc import Iterator
from itertools import product

from PIL import Image

from service.imaging import MAX_SCANS, MAX_SLOW_PIXELS, MAX_WEBP_PIXELS
from service.settings import Settings
from tests.conftest import encoded
from tests.pngs import END, png_of
from tests.torture.bounds import SMALL_BODY

MOST = Settings().max_pixels
SHAPES = {"tall": 2**-16, "wide": 2**16}
"""Width to height, of those that are not square: they cost more."""

WRITTEN = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "GIF": ("L", "P"),
    "WEBP": ("RGB", "RGBA"),
    "JPEG": ("L", "RGB", "CMYK"),
}
OPTIONS = {"WEBP": {"lossless": True}, "JPEG": {"progressive": True}}
LONGEST = 65_500
"""Side of a JPEG or a GIF."""

TIFFS = {
    # photometric, samples of a pixel, bits of a sample, more tags
    "1": (1, 1, 1, ()),
    "L": (1, 1, 8, ()),
    "LA": (1, 2, 8, ((338, 2),)),
    "P": (3, 1, 8, ((320, *[0] * 768),)),
    "RGB": (2, 3, 8, ()),
    "RGBA": (2, 4, 8, ((338, 2),)),
    "RGBa": (2, 4, 8, ((338, 1),)),
    "CMYK": (5, 4, 8, ()),
    "YCbCr": (6, 3, 8, ()),
    "LAB": (8, 3, 8, ()),
    "I;16": (1, 1, 16, ()),
    "RGB;16": (2, 3, 16, ()),
    "RGBA;16": (2, 4, 16, ((338, 2),)),
    "CMYK;16": (5, 4, 16, ()),
    "I": (1, 1, 32, ((339, 2),)),
    "F": (1, 1, 32, ((339, 3),)),
}
DEFLATE, JPEG, LZMA = 8, 7, 34925


def giants() -> Iterator[tuple[str, bytes]]:
    """Each with its name."""
    for format_, modes in WRITTEN.items():
        for mode in modes:
            most = MAX_WEBP_PIXELS if format_ == "WEBP" else MOST
            yield f"{format_} {mode}", encoded(Image.new(mode, sides(most)), format_, **OPTIONS.get(format_, {}))
    for shape in SHAPES:
        yield (
            f"GIF with a transparent level, {shape}",
            encoded(Image.new("P", sides(MOST, shape, LONGEST)), "GIF", transparency=0),
        )
        for colour, bits in ((0, 1), (0, 8), (2, 8), (3, 1), (3, 8), (4, 8), (6, 8), (4, 16), (6, 16)):
            yield f"PNG of colour {colour}, {bits} bits, {shape}", transparent_png(colour, bits, shape)
        for mode in TIFFS:
            yield f"TIFF {mode} {shape}", repeated_tiff(mode, shape)
        for components, scans in product((1, 4), (1, MAX_SCANS, 600)):
            size = sides(MOST, shape, LONGEST)
            name = f"JPEG of {components} components, {scans} scans, {shape}"
            yield name, progressive(*size, components, scans)
    side = sides(MOST * 2 // 5)[0] // 8 * 8
    for components, mode in ((1, "L"), (3, "YCbCr"), (4, "CMYK")):
        strip = progressive(side, side, components, 99)  # libtiff allows a hundred
        yield f"TIFF {mode} of JPEG", tiff(side, side, mode, JPEG, strip, side)
    for mode in ("RGB", "RGBA"):
        yield f"TIFF {mode} of LZMA", repeated_tiff(mode, "square", LZMA)
    for bits, most in product((4, 8), (MAX_SLOW_PIXELS, MOST)):
        yield f"BMP of {bits} bits, RLE", run_lengths(bits, int(most**0.5))
    yield "PNM of an odd white", b"P5 250 250 100\n" + bytes(250 * 250)


def sides(most: int, shape: str = "square", longest: int | None = None) -> tuple[int, int]:
    """Width and height of a picture of nearly `most` pixels."""
    ratio = SHAPES.get(shape, 1)
    width = int((most * ratio) ** 0.5)
    if longest and ratio > 1:
        width = min(width, longest)
    height = most // width
    if longest and height > longest:
        width, height = most // longest, longest
    return width, height


def transparent_png(colour: int, bits: int, shape: str) -> bytes:
    """Whatever transparency this type of colour has, and the filter that costs most."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    most = min(MOST, 8 * 1000 * SMALL_BODY // (samples * bits))  # deflate makes a thousandth of zeros, at best
    width, height = sides(most, shape)
    levels = {0: bytes(2), 2: bytes(6), 3: b"\x7f"}
    return png_of(
        (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)),
        *([(b"PLTE", bytes(6))] if colour == 3 else []),
        *([(b"tRNS", levels[colour])] if colour in levels else []),
        (b"IDAT", zlib.compress((b"\4" + bytes(-(-width * samples * bits // 8))) * height, 9)),
        END,
    )


def repeated_tiff(mode: str, shape: str, compression: int = DEFLATE) -> bytes:
    """Of one strip, over and over."""
    width, height = sides(MOST if compression == DEFLATE else MOST * 2 // 3, shape)
    rows = max(1, height // 50)
    _, samples, bits, _ = TIFFS[mode]
    content = bytes(-(-width * samples * bits // 8) * rows)
    strip = zlib.compress(content) if compression == DEFLATE else lzma.compress(content)
    return tiff(width, height, mode, compression, strip, rows)


def tiff(width: int, height: int, mode: str, compression: int, strip: bytes, rows: int) -> bytes:
    """All of its strips are the same bytes."""
    photometric, samples, bits, more = TIFFS[mode]
    strips = -(-height // rows)
    tags: dict[int, tuple[int, ...]] = {
        **{256: (width,), 257: (height,), 258: (bits,) * samples, 259: (compression,), 262: (photometric,)},
        **{273: (0,) * strips, 277: (samples,), 278: (rows,), 279: (len(strip),) * strips},
        **{tag: values for tag, *values in more},
    }
    begin = 8 + 2 + 12 * len(tags) + 4
    tags[273] = (begin,) * strips
    entries, content = b"", strip + b"\0" * (len(strip) % 2)
    for tag, values in sorted(tags.items()):
        kind, letter = (4, "I") if tag in (256, 257, 273, 278, 279) else (3, "H")
        packed = struct.pack(f"<{len(values)}{letter}", *values)
        if len(packed) > 4:
            packed, content = struct.pack("<I", begin + len(content)), content + packed
        entries += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + content


def progressive(width: int, height: int, components: int, scans: int) -> bytes:
    """A JPEG whose scans say no more than that there is nothing in so and so many blocks."""
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[components]
    written = encoded(Image.new(mode, (16, 16)), "JPEG", progressive=True, subsampling=0)
    head, at, names = b"\xff\xd8", 2, b""
    while (marker := written[at + 1]) != 0xDA:
        segment = written[at : at + 2 + int.from_bytes(written[at + 2 : at + 4])]
        at += len(segment)
        if marker == 0xC2:
            names = segment[10::3]
            segment = segment[:5] + struct.pack(">HH", height, width) + segment[9:]
        if marker != 0xC4:
            head += segment
    for table in (
        b"\x00\x00",
        b"\x10\xe0",
    ):  # each of one code of one bit: no difference; an end of 2^14 blocks and more
        head += b"\xff\xc4" + struct.pack(">H", 20) + table[:1] + b"\1" + bytes(15) + table[1:]
    blocks = -(-width // 8) * -(-height // 8)
    bits = ("0" + "1" * 14) * -(-blocks // 32_767)
    ends = int(bits.ljust(-(-len(bits) // 8) * 8, "1"), 2).to_bytes(-(-len(bits) // 8)).replace(b"\xff", b"\xff\0")
    return head + b"".join(
        b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, names[scan % components], 0, 1, 63, 0) + ends
        for scan in range(scans)
    ) + b"\xff\xd9"  # fmt: skip


def run_lengths(bits: int, side: int) -> bytes:
    """A BMP whose every row is one pixel and an end of row."""
    rows, palette = b"\1\0\0\0" * side, bytes(4 * 2**bits)
    begin = 54 + len(palette)
    head = struct.pack("<IiiHHIIIIII", 40, side, side, 1, bits, 1 if bits == 8 else 2, len(rows), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", begin + len(rows), 0, 0, begin) + head + palette + rows
