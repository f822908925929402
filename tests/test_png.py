"""The lean decoder gives what Pillow gives of the plainest PNGs, and nothing of any other bytes."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from service.png import decode_grey_png
from tests.conftest import png
from tests.pngs import chunk
from tests.samples import IMAGES

WIDTH, HEIGHT = 28, 28
DIGIT = IMAGES[0]


def written(lines: bytes, *, depth=8, colour=0, interlaced=0, before=b"", after=b"", pieces=1) -> bytes:
    """A PNG around filtered lines, written by hand: Pillow writes only some of what there is."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, interlaced))
    deflated = zlib.compress(lines)
    size = -(-len(deflated) // pieces)
    data = b"".join(chunk(b"IDAT", deflated[start : start + size]) for start in range(0, len(deflated), size))
    return b"\x89PNG\r\n\x1a\n" + head + before + data + after + chunk(b"IEND", b"")


def filtered(kind: int, seed: int) -> bytes:
    """28 lines of 28 bytes at random, each said to be filtered in one way; 5 stands for all of them in turn."""
    random = np.random.default_rng(seed)
    return b"".join(
        bytes([row % 5 if kind == 5 else kind]) + random.integers(0, 256, WIDTH, np.uint8).tobytes()
        for row in range(HEIGHT)
    )


def by_pillow(raw: bytes) -> np.ndarray:
    image = Image.open(BytesIO(raw), formats=("PNG",))
    image.load()
    assert image.mode == "L"
    assert "transparency" not in image.info
    return np.asarray(image)


@pytest.mark.parametrize("raw", [png(image) for image in IMAGES], ids=range(len(IMAGES)))
def test_a_plain_digit_is_decoded(raw):
    """Fails where this Pillow has no such decoder any more: then nothing is lean."""
    assert np.array_equal(decode_grey_png(raw, WIDTH * HEIGHT), by_pillow(raw))


@pytest.mark.parametrize("kind", range(6))
def test_every_filter(kind):
    """Whatever another program's encoder chose."""
    for seed in range(20):
        raw = written(filtered(kind, seed))
        assert np.array_equal(decode_grey_png(raw, WIDTH * HEIGHT), by_pillow(raw))


@pytest.mark.parametrize("mode", ["1", "LA", "P", "RGB", "RGBA", "I;16"])
def test_other_modes_are_left_alone(mode):
    """They take Pillow's own way."""
    buffer = BytesIO()
    Image.fromarray(DIGIT).convert(mode).save(buffer, "PNG")
    assert decode_grey_png(buffer.getvalue(), WIDTH * HEIGHT) is None


@pytest.mark.parametrize(
    "raw",
    [
        written(filtered(0, 0), interlaced=1),
        written(filtered(0, 0), pieces=3),
        written(filtered(0, 0), before=chunk(b"tRNS", b"\0\x07")),
        written(filtered(0, 0), before=chunk(b"gAMA", struct.pack(">I", 45455))),
        written(filtered(0, 0), after=chunk(b"tEXt", b"Comment\0a seven")),
        written(filtered(0, 0), after=chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0")),
        *(written(filtered(0, 0), depth=depth) for depth in (1, 2, 4, 16)),
        *(written(filtered(0, 0), colour=colour) for colour in (2, 3, 4, 6)),
        written(filtered(0, 0)) + b"more",
        b"",
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_other_shapes_are_left_alone(raw):
    """Interlaced, in pieces, with other chunks, of other depths and colours, with something behind."""
    assert decode_grey_png(raw, WIDTH * HEIGHT) is None


def test_other_sizes():
    """Up to the limit."""
    scan = np.arange(100 * 60, dtype=np.uint8).reshape(60, 100)
    assert np.array_equal(decode_grey_png(png(scan), 6000), scan)
    assert decode_grey_png(png(scan), 5999) is None
    assert decode_grey_png(png(scan)[:16] + b"\xff" * 8 + png(scan)[24:], 1 << 70) is None


def test_cut_short_is_left_alone():
    """At every byte."""
    raw = png(DIGIT)
    assert all(decode_grey_png(raw[:end], WIDTH * HEIGHT) is None for end in range(len(raw)))


def test_a_flipped_bit_is_seen():
    """Every one: they all lie under a checksum, or change what the file says it is."""
    raw = png(DIGIT)
    for place in range(len(raw)):
        for bit in range(8):
            damaged = bytearray(raw)
            damaged[place] ^= 1 << bit
            assert decode_grey_png(bytes(damaged), WIDTH * HEIGHT) is None


@pytest.mark.parametrize(
    "lines",
    [filtered(0, 0)[:-1], filtered(0, 0)[:400], filtered(0, 0) + b"\0", b"", bytes([9]) + filtered(0, 0)[1:]],
    ids=["a byte too few", "half", "a byte too many", "none", "an unknown filter"],
)
def test_checksums_that_vouch_for_damage(lines):
    """What Pillow refuses is refused; what it takes is taken as it takes it."""
    raw = written(lines)
    try:
        expected = by_pillow(raw)
    except Exception:
        expected = None
    found = decode_grey_png(raw, WIDTH * HEIGHT)
    assert found is None or np.array_equal(found, expected)
