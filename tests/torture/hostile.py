"""A seeded generator of bad inputs: pictures, forms, JSON and tensors that are cut, bent, lie, or want too much."""

import base64
import json
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from tests.conftest import encoded
from tests.pngs import END, png_of

MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "GIF": ("L", "P"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"),
    "WEBP": ("RGB", "RGBA"),
    "PPM": ("1", "L", "RGB", "I;16"),
}
OPTIONS = {
    "PNG": ({}, {"optimize": True}),
    "JPEG": ({}, {"progressive": True}, {"quality": 5}),
    "WEBP": ({"lossless": True}, {"quality": 20}),
    "TIFF": ({}, {"compression": "tiff_lzw"}, {"compression": "packbits"}, {"compression": "tiff_adobe_deflate"}),
}
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF)
FORM = "multipart/form-data; boundary=edge"


@dataclass(frozen=True)
class Input:
    """A body, what it calls itself, and how it was made."""

    kind: str
    content: bytes
    media_type: str
    path: str = "/predict"


@cache
def sound_pictures() -> list[bytes]:
    """A small picture in each format, mode and a few ways to write it."""
    levels = np.random.default_rng(0).integers(0, 256, (24, 31), np.uint8)
    levels[:, 10:20] //= 4
    grey = Image.fromarray(levels)
    pictures = []
    for name, modes in MODES.items():
        for mode in modes:
            image = Image.fromarray(levels.astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
            pictures += [encoded(image, name, **options) for options in OPTIONS.get(name, ({},))]
    frames = [Image.fromarray(levels // step) for step in (2, 3)]
    pictures += [encoded(grey, name, save_all=True, append_images=frames) for name in ("GIF", "PNG", "WEBP", "TIFF")]
    return pictures


def cut(draw: random.Random, picture: bytes) -> bytes:
    """The first so many 64ths."""
    return picture[: len(picture) * draw.randrange(64) // 64]


def flipped(draw: random.Random, picture: bytes) -> bytes:
    """With some bits turned over."""
    content = bytearray(picture)
    for _ in range(draw.choice((1, 1, 2, 5, 20))):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return bytes(content)


def lying(draw: random.Random, picture: bytes) -> bytes:
    """With some bytes, likely ones of a header, that are as small or as large as can be: lengths, offsets, counts."""
    content = bytearray(picture)
    for _ in range(draw.randint(1, 3)):
        width = draw.choice((1, 2, 4))
        at = draw.randrange(min(len(content), draw.choice((64, 256, 100_000))))
        content[at : at + width] = bytes([draw.choice(EXTREMES)]) * width
    return bytes(content)


def spliced(draw: random.Random, picture: bytes) -> bytes:
    """Continued by another."""
    other = draw.choice(sound_pictures())
    return picture[: draw.randrange(len(picture))] + other[draw.randrange(len(other)) :]


def two_things(draw: random.Random, picture: bytes) -> bytes:
    """Something else as well."""
    other = draw.choice(
        (
            b"PK\x03\x04" + bytes(40),
            b"<script>alert(1)</script>",
            b"%PDF-1.7\n",
            b"GIF89a=1;/*",
            b"\x7fELF",
            b"#!/bin/sh",
        )
    )
    return other + picture if draw.random() < 0.3 else picture + other


def repeated(draw: random.Random, picture: bytes) -> bytes:
    """With a piece of it over and over."""
    begin = draw.randrange(len(picture))
    piece = picture[begin : begin + draw.choice((1, 2, 8, 64))]
    return picture[:begin] + piece * draw.choice((10, 100, 1000)) + picture[begin:]


def random_bytes(draw: random.Random, picture: bytes) -> bytes:
    """Its first bytes, and noise."""
    return picture[: draw.choice((0, 2, 4, 8, 16, 32))] + draw.randbytes(draw.randrange(500))


def giant(draw: random.Random, _: bytes) -> bytes:
    """Few bytes that claim many pixels."""
    side = draw.choice((5001, 13_000, 16_383, 65_535, 2**31 - 1))
    return draw.choice((_giant_png, _giant_webp, _giant_gif, _giant_bmp, _giant_pnm, _giant_tiff))(side)


@cache
def _giant_png(side: int) -> bytes:
    rows = zlib.compress(bytes((side // 8 + 2) * side)) if side <= 13_000 else zlib.compress(bytes(100))
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return png_of((b"IHDR", header), (b"IDAT", rows), END)


def _giant_webp(side: int) -> bytes:
    """Lossless: five codes of one symbol each, so that no bits are left to say for the pixels."""
    size = min(side, 16_383) - 1
    bits = struct.pack("<II", size | size << 14, sum(1 << (3 + 4 * code) for code in range(5)))
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8L" + struct.pack("<I", 9) + b"\x2f" + bits + b"\0"


def _giant_gif(side: int) -> bytes:
    size = struct.pack("<HH", min(side, 65_535), min(side, 65_535))
    return b"GIF89a" + size + b"\x80\0\0" + bytes(3) + b"\xff" * 3 + b"," + bytes(4) + size + b"\0\x02\x02\x4c\x01\0;"


def _giant_bmp(side: int) -> bytes:
    header = struct.pack("<IiiHHIIIIII", 40, side, side, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078, 0, 0, 1078) + header + bytes(1024) + b"\xff\0\0\0" * 10


def _giant_pnm(side: int) -> bytes:
    return b"P%d %d %d 255\n" % (4 + side % 3, side, side) + bytes(100)


def _giant_tiff(side: int) -> bytes:
    tags = ((256, side), (257, side), (258, 1), (259, 32773), (262, 1), (273, 8), (277, 1), (278, side), (279, 4))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 12) + bytes(4) + struct.pack("<H", len(tags)) + entries + bytes(4)


MUTATIONS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    cut, flipped, lying, spliced, two_things, repeated, random_bytes, giant,
)  # fmt: skip


def bad_picture(draw: random.Random) -> tuple[str, bytes]:
    """A picture that was tampered with, and how; now and then twice."""
    content, names = draw.choice(sound_pictures()), []
    for _ in range(draw.choice((1, 1, 1, 2))):
        mutate = draw.choice(MUTATIONS)
        content = mutate(draw, content or b"\0")
        names.append(mutate.__name__)
    return "+".join(names), content


def bad_input(draw: random.Random) -> Input:
    """A body for one of the routes."""
    kind, picture = bad_picture(draw)
    make = draw.choice((_raw, _raw, _raw, *WRAPS))
    media_type, content, path = make(draw, picture)
    if make is not _raw and draw.random() < 0.5:
        mutate = draw.choice((cut, flipped, repeated, spliced))
        kind, content = f"{mutate.__name__} {kind}", mutate(draw, content or b"\0")
    return Input(f"{kind} in {make.__name__}", content, media_type, path)


def _raw(draw: random.Random, picture: bytes) -> tuple[str, bytes, str]:
    return draw.choice(("image/png", "application/octet-stream", "text/plain", "")), picture, "/predict"


def _form(draw: random.Random, picture: bytes) -> tuple[str, bytes, str]:
    name = draw.choice(("file", "files", "", "file\0", "../../file"))
    named = draw.choice(
        ('; filename="a"', "", '; filename="../../../etc/passwd"', "; filename*=utf-8''%00", "; " * 500)
    )
    extra = draw.choice(("", "X-A: b\r\n" * draw.randrange(12), "Content-Type: text/plain; charset=utf-7\r\n"))
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"{named}\r\n{extra}\r\n'.encode()
    ends = draw.choice((b"\r\n--edge--\r\n", b"\r\n--edge", b"", b"\r\n--edge--" + b"\r\n" * 500))
    media_type = draw.choice((FORM, FORM, FORM, "multipart/form-data", FORM + "; charset=utf-16", FORM + "x" * 300))
    batch = draw.random() < 0.3
    return media_type, (head + picture + b"\r\n") * draw.choice((1, 1, 3, 30)) + ends, "/predict" + "/batch" * batch


def _json(draw: random.Random, picture: bytes) -> tuple[str, bytes, str]:
    text = base64.b64encode(picture).decode()
    value = draw.choice(
        (text, text, None, 5, [text] * 3, {"image": text}, "\ud800", text + "=", "data:;base64," + text)
    )
    key = draw.choice(("image", "images", "image\\u0000", ""))
    content = json.dumps({key: value, "x": [float("nan")] * draw.choice((0, 0, 1))}).encode()
    if draw.random() < 0.2:
        content = draw.choice((b"[" * 5000, b"\xef\xbb\xbf" + content, content.decode().encode("utf-16"), b"1" * 5000))
    return "application/json", content, draw.choice(("/predict", "/predict/batch"))


INFER = "/v2/models/lenet5/infer"


def _tensor(draw: random.Random, picture: bytes) -> tuple[str, bytes, str]:
    count = draw.choice((1, 1, 2, 0, -1, 2**63, 10**30))
    shape = draw.choice(([count, 1, 28, 28], [count, 28, 28], [count], [16, 2**60 + 2], [], [1.5], "1", [True]))
    values = draw.choice(([0.5] * 784, [[[0] * 28] * 28], [1e999] * 784, ["x" * 100] * 784, [None], [255] * 784))
    data = draw.choice((values, values, [base64.b64encode(picture).decode()], None, {}))
    tensor = {
        "name": draw.choice(("image", "image", "other", 5)),
        "datatype": draw.choice(("FP32", "UINT8", "BYTES", "INT64", "FP16", 1)),
        "shape": shape,
        "data": data,
    }
    outputs = draw.choice((None, [{"name": "probabilities"}], [{"name": "x" * 1000}] * 3, [{}]))
    return (
        "application/json",
        json.dumps({"inputs": [tensor] * draw.choice((1, 1, 2)), "outputs": outputs}).encode(),
        INFER,
    )


def _binary_tensor(draw: random.Random, picture: bytes) -> tuple[str, bytes, str]:
    size = draw.choice((len(picture), len(picture) + 4, 0, -1, 2**40, 784))
    tail = draw.choice((struct.pack("<I", draw.choice((len(picture), 2**32 - 1, 0))) + picture, picture, bytes(784)))
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": size}}
    return "application/octet-stream", json.dumps({"inputs": [tensor]}).encode() + tail, INFER


WRAPS = (_form, _json, _tensor, _binary_tensor)
"""Ways to send a picture in a body of more than itself."""
