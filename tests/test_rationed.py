"""A picture in very many pieces is refused: Pillow takes each in Python, and the event loop would wait for all of them.

Fails where pictures are opened from a plain BytesIO: the PNG, the JPEG, the GIF and the TIFF take seconds each.
"""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from service.errors import CorruptImage
from service.imaging import ODD_HEAD_BYTES, decode_image, open_image
from service.jpeg import FEW_SEGMENTS, MOST_LISTED, MOST_SEGMENTS, UNKNOWN, has_more_scans, read_head
from tests.conftest import encoded
from tests.pngs import END, chunk, png_of

LIMIT = 1_000_000
GREY = np.arange(81, dtype=np.uint8).reshape(9, 9)
PNG, JPEG, GIF = (encoded(Image.fromarray(GREY), name) for name in ("PNG", "JPEG", "GIF"))
PNG_HEAD = 8 + 25
GIF_HEAD = GIF.index(b",\0\0\0\0")
COMMENT = b"\xff\xfe\0\2"
FRAME = b"\xff\xc0\xff\xfe\x08\0\x09\0\x09\1" + b"\1\x11\0" * 21_842


def big_tiff(tags: int) -> bytes:
    """A directory of empty tags."""
    return b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, tags) + struct.pack("<HHQQ", 700, 1, 0, 0) * tags


MANY = {
    "PNG, chunks before the pixels": PNG[:PNG_HEAD] + chunk(b"tEXt", b"a\0b") * 50_000 + PNG[PNG_HEAD:],
    "PNG, chunks behind the pixels": PNG[:-12] + chunk(b"tEXt", b"a\0b") * 50_000 + PNG[-12:],
    "PNG, pixels": PNG[:PNG_HEAD] + chunk(b"IDAT", b"") * 50_000 + PNG[PNG_HEAD:],
    "JPEG": JPEG[:2] + COMMENT * 50_000 + JPEG[2:],
    "JPEG, layers of a frame": JPEG[:2] + FRAME * 12 + JPEG[2:],
    "JPEG, tables": JPEG[:2] + (b"\xff\xdb\xff\xf2" + bytes(65) * 1_008) * 12 + JPEG[2:],
    "GIF": GIF[:GIF_HEAD] + b"!\xfe\0" * 50_000 + GIF[GIF_HEAD:],
    "PNM": b"P5 " + b" " * 50_000 + b"9 9 255\n" + bytes(81),
    "TIFF": big_tiff(50_000),
}


@pytest.mark.parametrize("kind", MANY)
def test_very_many_pieces_are_refused(kind):
    """In the header as behind it."""
    with pytest.raises(CorruptImage):
        decode_image(open_image(MANY[kind], LIMIT))


@pytest.mark.parametrize(
    "kind", [kind for kind in MANY if kind not in ("PNG, chunks behind the pixels", "PNG, pixels")]
)
def test_it_is_said_why(kind):
    """Else its owner would send it again."""
    with pytest.raises(CorruptImage, match="pieces"):
        open_image(MANY[kind], LIMIT)


def test_a_chunk_for_each_row_is_not_too_many():
    """As some programs write PNGs; and a text in each tenth."""
    rows = np.tile(np.arange(200, dtype=np.uint8), (3000, 1))
    deflated = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows), 0)
    pieces = [(b"IDAT", deflated[at : at + 200]) for at in range(0, len(deflated), 200)]
    head = (b"IHDR", struct.pack(">IIBBBBB", 200, 3000, 8, 0, 0, 0, 0))
    raw = png_of(head, *[(b"tEXt", b"a\0b")] * 300, *pieces, END)
    assert (decode_image(open_image(raw, LIMIT)).grey.pixels == rows).all()


@pytest.mark.parametrize("name", ["BMP", "PPM"])
def test_what_pillow_decodes_in_python_may_take_a_read_a_pixel(name):
    """A PNM whose white is 254, and a BMP that is written as one run for each pixel."""
    if name == "PPM":
        raw = b"P5 600 600 254\n" + bytes(360_000)
    else:
        row = b"\1\7" * 600 + b"\0\0"
        head = struct.pack("<IiiHHIIIIII", 40, 600, 600, 1, 8, 1, 600 * len(row), 0, 0, 0, 0)
        raw = b"BM" + struct.pack("<IHHI", 1078 + 600 * len(row), 0, 0, 1078) + head + bytes(1024) + row * 600
    assert decode_image(open_image(raw, LIMIT)).grey.pixels.shape == (600, 600)


def test_the_segments_of_a_jpeg_are_not_all_looked_at():
    """Where their number alone tells that no program wrote it. Fails where they are: the scans are behind the end."""
    raw = b"\xff\xd8" + COMMENT * (MOST_SEGMENTS + 1) + b"\xff\xd9" + b"\xff\xda" * 100
    assert has_more_scans(raw, 32)
    assert not has_more_scans(b"\xff\xd8" + COMMENT * 100 + b"\xff\xd9" + b"\xff\xda" * 100, 32)


def test_what_a_decoder_skips_hides_no_scans():
    """A marker that is none has no length. Fails where one is read behind it."""
    scan = bytes.fromhex("ffda 0008 01 01 00 003f00")
    assert has_more_scans(b"\xff\xd8" + scan + b"\xff\x02\xfe\xfe" + scan * 40, 32)


QUARTER = b"\xff\xdb" + (MOST_LISTED // 4 + 1).to_bytes(2) + bytes(MOST_LISTED // 4 - 1)
"""Of what may be listed in a head, and a little more."""
SCAN = bytes.fromhex("ffda 0008 01 01 00 003f00")


@pytest.mark.parametrize(
    ("head", "layers"),
    [
        (b"\xff\xd8", 1),
        (b"\xff\xd8" + COMMENT * (FEW_SEGMENTS - 1), 1),
        (b"\xff\xd8" + COMMENT * FEW_SEGMENTS, 0),
        (b"\xff\xd8" + b"\xff\xfe\0\1" + COMMENT, 0),  # a length that does not reach its own end: it goes on elsewhere
        (b"\xff\xd8" + b"\xff\x02" + COMMENT, 0),  # a marker that has no length
        (b"\xff\xd8" + QUARTER * 3, 1),
        (b"\xff\xd8" + QUARTER * 4, 0),
        (b"\xff\xd8" + b"junk", 0),
        (b"\xff\xd9", 0),
        (b"", 0),
    ],
    ids=str,
)
def test_only_a_head_of_few_plain_segments_is_gone_through_beforehand(head, layers):
    """Of which Pillow makes no more pieces; any other is read from a ration."""
    assert read_head(head + SCAN).layers == layers


def test_a_head_that_is_cut_short_has_no_scan():
    """Whether within a segment or before one."""
    head = b"\xff\xd8" + COMMENT
    assert not any(read_head((head + SCAN)[:end]).layers for end in range(len(head) + 5))


def test_large_pictures_are_read_whatever_stands_before_their_pixels():
    """Of the head of an odd JPEG only so much is read, but all of its pixels, and all of other headers."""
    grain = Image.fromarray(np.random.default_rng(0).integers(0, 256, (900, 900), np.uint8))
    jpeg, png = encoded(grain, "JPEG", quality=95), encoded(grain, "PNG")
    padded = jpeg[:2] + b"\xff" + jpeg[2:]  # a marker may be filled up
    described = png[:PNG_HEAD] + chunk(b"prVt", bytes(ODD_HEAD_BYTES + 1)) + png[PNG_HEAD:]
    assert len(jpeg) > ODD_HEAD_BYTES
    assert read_head(padded) == UNKNOWN
    assert (decode_image(open_image(padded, LIMIT)).grey.pixels == np.asarray(Image.open(BytesIO(jpeg)))).all()
    assert (decode_image(open_image(described, LIMIT)).grey.pixels == np.asarray(grain)).all()
