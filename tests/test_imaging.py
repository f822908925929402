"""Uploads become grey pixels, or one of three clear errors; dimensions are known before a pixel is decoded."""

import os
import struct
import subprocess
import sys
import tracemalloc
import zlib
from contextlib import nullcontext
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFile

from service.errors import CorruptImage, ImageTooLarge, ServiceError, UnsupportedImage
from service.imaging import (
    DRAFT_SIDE,
    FORMATS,
    MAX_SCANS,
    MAX_SLOW_PIXELS,
    MAX_WEBP_PIXELS,
    decode_image,
    open_image,
)
from tests.conftest import ROOT, encoded
from tests.pngs import END, png_of
from tests.torture.giants import progressive, run_lengths

LIMIT = 25_000_000
SIZE = (60, 40)


def picture(mode: str = "RGB") -> Image.Image:
    """A picture with something in it."""
    pixels = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_the_contract_is_read(name):
    """And decodes to its own size."""
    image = open_image(encoded(picture(), name), LIMIT)

    assert image.size == SIZE
    assert decode_image(image).grey.pixels.shape == SIZE[::-1]


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_every_kind_of_pnm_is_read(mode):
    """PBM, PGM and PPM are one plug-in."""
    assert decode_image(open_image(encoded(picture(mode), "PPM"), LIMIT)).grey.pixels.shape == SIZE[::-1]


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}], ids=str
)
@pytest.mark.parametrize("size", [(60, 40), (1, 1), (33, 7), (1290, 970)], ids=str)
def test_a_jpeg_has_the_pixels_that_pillow_gives(mode, options, size):
    """They are decoded into memory of numpy's; CMYK's, which draft leaves as it is, are not."""
    raw = encoded(picture(mode).resize(size), "JPEG", **options)
    image = Image.open(BytesIO(raw))
    image.draft("L", (min(DRAFT_SIDE, size[0]), min(DRAFT_SIDE, size[1])))

    decoded = decode_image(open_image(raw, LIMIT))

    assert np.array_equal(decoded.grey.pixels, np.asarray(image.convert("L")))
    assert decoded.grey.pixels.std() > 0 or size == (1, 1)


@pytest.mark.parametrize("marker", [b"\xff\xda", b"\xff\xc4", b"\xff\xc0"])
@pytest.mark.parametrize("end", [b"", b"\0", b"\xff\xd9"])
def test_a_grey_jpeg_without_a_scan_is_corrupt(marker, end):
    """Cut before one of its segments. Fails where memory that nothing was decoded into is taken for pixels."""
    raw = encoded(picture("L"), "JPEG")
    with pytest.raises(CorruptImage):
        decode_image(open_image(raw[: raw.index(marker)] + end, LIMIT))


def test_a_pillow_that_takes_other_memory_than_it_is_given_is_followed(monkeypatch):
    """Where it decodes is not an interface."""
    raw = encoded(picture("L"), "JPEG")
    expected = decode_image(open_image(raw, LIMIT)).grey.pixels

    def prepare(image: ImageFile.ImageFile) -> None:
        image.im = Image.core.new(image.mode, image.size)

    monkeypatch.setattr(ImageFile.ImageFile, "load_prepare", prepare)

    assert np.array_equal(decode_image(open_image(raw, LIMIT)).grey.pixels, expected)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_picture_cut_short_is_corrupt(name, share):
    """Never a picture that is silently half empty."""
    whole = encoded(picture(), name)

    with pytest.raises(CorruptImage):
        decode_image(open_image(whole[: int(share * len(whole))], LIMIT))


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", "AVIF"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "PDF"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"8BPS\0\1\0\0\0\0", "PSD"),
        (b"PK\3\4\x14\0\0\0\x08\0", "ZIP"),
        (b"<!DOCTYPE html><html>", "HTML"),
    ],
)
def test_a_format_that_is_not_read_is_named_with_the_way_out(raw, name):
    """The person who sent it knows it as a photo, not as HEIC."""
    with pytest.raises(UnsupportedImage, match=rf"this is {name}: \w+"):
        open_image(raw, LIMIT)


@pytest.mark.parametrize("raw", [b"", b"x", b"\x89PNG", b"BM", b"hello, world", b"\0" * 100, b"RIFF\0\0\0\0WAVEfmt "])
def test_what_is_no_picture_is_unsupported(raw):
    """Also where it is too short to know."""
    with pytest.raises(UnsupportedImage):
        open_image(raw, LIMIT)


@pytest.mark.parametrize("name", ["ICO", "DDS", "SGI", "TGA", "PCX", "JPEG2000", "PDF", "EPS"])
def test_pillow_s_other_formats_stay_closed(name):
    """Forty plug-ins that nobody uploads digits in are forty ways in."""
    with pytest.raises(UnsupportedImage):
        open_image(encoded(picture(), name), LIMIT)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has not a pixel."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return png_of((b"IHDR", header), (b"IDAT", zlib.compress(b"")), END)


@pytest.mark.parametrize(("width", "height"), [(5001, 5000), (13_000, 13_000), (65_535, 65_535), (2**31 - 1, 1)])
def test_too_many_pixels_are_refused_by_the_header(width, height):
    """Whatever Pillow itself thinks of the size."""
    with pytest.raises(ImageTooLarge, match="25,000,000"):
        open_image(png_header(width, height), LIMIT)


def test_as_many_pixels_as_allowed_are_opened():
    """The limit itself is allowed."""
    assert open_image(png_header(5000, 5000), LIMIT).size == (5000, 5000)


@pytest.mark.parametrize(("limit", "lower"), [(LIMIT, MAX_WEBP_PIXELS), (3_000_000, 2_000_000)])
def test_webp_has_a_lower_limit(limit, lower):
    """Its decoder takes 12 bytes a pixel: no picture takes more memory than the worst of the others."""
    side = int(lower**0.5) + 1
    with pytest.raises(ImageTooLarge, match=f"{lower:,}"):
        open_image(encoded(Image.new("L", (side, side)), "WEBP", quality=1, method=0), limit)


@pytest.mark.parametrize(
    ("raw", "limit"),
    [
        (encoded(Image.new("L", (4100, 4100)), "TIFF", compression="lzma"), LIMIT * 2 // 3),
        (run_lengths(8, 1001), MAX_SLOW_PIXELS),
        (b"P5 1001 1001 4095\n", MAX_SLOW_PIXELS),
    ],
)
def test_what_is_costly_to_decode_has_a_lower_limit(raw, limit):
    """By its compression, or because Pillow decodes it in Python."""
    with pytest.raises(ImageTooLarge, match=f"{limit:,}"):
        open_image(raw, LIMIT)


@pytest.mark.parametrize(("scans", "refused"), [(MAX_SCANS, False), (MAX_SCANS + 1, True)])
def test_a_jpeg_with_more_scans_than_any_program_writes_is_refused(scans, refused):
    """Each has the decoder go through all of the picture again, for ten bytes."""
    with pytest.raises(CorruptImage, match="scans") if refused else nullcontext():
        decode_image(open_image(progressive(640, 480, 1, scans), LIMIT))


def test_scans_elsewhere_are_none():
    """Neither what looks like some in a comment nor a film behind the picture counts."""
    jpeg = encoded(picture(), "JPEG", progressive=True, comment=b"\xff\xda" * 100) + b"\xff\xda" * 100
    assert decode_image(open_image(jpeg, LIMIT)).grey.pixels.std() > 10


@pytest.mark.parametrize("mode", ["CMYK", "LA", "RGBA", "transparent RGB"])
def test_a_very_large_picture_is_looked_at_by_halves(mode):
    """It keeps its greys, and the scale leads back to its pixels."""
    large = Image.new(mode.split()[-1], (3001, 3000), (0,) * 4 if mode == "CMYK" else "white")
    large.paste((255,) * 4 if mode == "CMYK" else "black", (1000, 1000, 2000, 2500))
    options = {"transparency": (255, 255, 255)} if mode == "transparent RGB" else {}
    decoded = decode_image(open_image(encoded(large, "TIFF" if mode == "CMYK" else "PNG", **options), LIMIT))

    assert decoded.scale == 2
    assert decoded.size == (3001, 3000)
    rows, columns = np.nonzero(decoded.grey.pixels < 100)
    assert decoded.in_picture((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)) == pytest.approx(
        (1000, 1000, 2000, 2500), abs=2
    )


def test_a_thin_jpeg_is_decoded_small_too():
    """By its pixels, where its short side says nothing."""
    assert decode_image(open_image(encoded(Image.new("L", (600, 20_000), 128), "JPEG"), LIMIT)).scale == 2


def test_an_mpo_is_read_as_the_jpeg_it_begins_with():
    """As many phones write their photos."""
    first, second = picture(), Image.new("RGB", SIZE)
    raw = encoded(first, "MPO", save_all=True, append_images=[second])
    image = open_image(raw, LIMIT)

    assert image.format == "MPO"
    assert decode_image(image).grey.pixels.std() > 10


@pytest.mark.parametrize("name", ["GIF", "WEBP", "TIFF", "PNG"])
def test_only_the_first_frame_counts(name):
    """The second one here is of another grey."""
    frames = [Image.new("L", SIZE, 40), Image.new("L", SIZE, 200)]
    raw = encoded(frames[0], name, save_all=True, append_images=frames[1:])

    assert decode_image(open_image(raw, LIMIT)).grey.pixels.mean() == pytest.approx(40, abs=3)


def test_a_large_jpeg_is_decoded_small():
    """Its own DCT does it, at a quarter of the cost; the scale leads back to the picture's pixels."""
    image = open_image(encoded(Image.new("L", (4000, 3000), 128), "JPEG"), LIMIT)

    decoded = decode_image(image)

    assert decoded.scale == 4
    assert min(decoded.grey.pixels.shape) >= DRAFT_SIDE


def test_a_decoder_s_odd_exceptions_are_corrupt_images():
    """Bits flipped anywhere in any format: an answer or an error of the family, nothing else."""
    random = np.random.default_rng(1)
    originals = [encoded(picture(mode), name) for name in FORMATS for mode in ("L", "RGB")]
    for _ in range(1500):
        raw = bytearray(originals[random.integers(len(originals))])
        for at in random.integers(0, len(raw), random.integers(1, 9)):
            raw[at] ^= 1 << random.integers(8)
        try:
            decode_image(open_image(bytes(raw), 1_000_000))
        except ServiceError as error:
            assert error.status in (413, 415, 422)  # noqa: PT017


def test_opening_never_loads_all_plug_ins():
    """Image.init would import all of Pillow's plug-ins, Ghostscript's caller among them."""
    code = """
import sys
import tracemalloc
from io import BytesIO
from PIL import Image
from service.imaging import open_image
for name in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"):
    buffer = BytesIO()
    Image.new("L", (9, 9)).save(buffer, name)
    open_image(buffer.getvalue(), 1000)
assert "PIL.EpsImagePlugin" not in sys.modules and not Image._initialized > 1, "all plug-ins were loaded"
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ, check=True)


def test_nothing_is_decoded_before_it_is_asked_for():
    """Opening reads the header only: the size decides where the picture is decoded."""
    raw = encoded(picture(), "PNG")
    image = Image.open(BytesIO(raw))
    opened = open_image(raw, LIMIT)

    assert opened.size == image.size
    assert opened._im is None


def test_a_plain_pnm_full_of_comments_is_refused():
    """Pillow would take minutes to take them out."""
    with pytest.raises(CorruptImage, match="comments"):
        open_image(b"P2\n2000 2000\n255\n" + b"1 #\n" * 250_000, LIMIT)


def test_a_plain_pnm_with_a_comment_is_read():
    """Most programs write one, with their name."""
    decoded = decode_image(open_image(b"P2\n# by hand\n3 2\n255\n0 1 2 3 4 255\n", LIMIT))

    assert decoded.grey.pixels.tolist() == [[0, 1, 2], [3, 4, 255]]


@pytest.mark.parametrize(("orientation", "rotated"), [(1, 0), (3, 180), (6, 90), (8, 270)])
@pytest.mark.parametrize("name", ["TIFF", "JPEG", "PNG"])
def test_the_rotation_is_told_in_every_format(name, orientation, rotated):
    """Pillow turns TIFFs by itself and forgets that it did."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode_image(open_image(encoded(picture("L"), name, exif=exif), LIMIT))

    upright = SIZE if rotated in (0, 180) else SIZE[::-1]
    assert decoded.grey.rotated == rotated
    assert decoded.size == decoded.grey.pixels.shape[::-1] == upright


@pytest.mark.parametrize(("orientation", "size"), [(1, (2563, 2565)), (6, (2565, 2563))])
def test_a_box_stays_inside_a_picture_that_was_decoded_small(orientation, size):
    """Its sides are rounded up while decoding."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode_image(open_image(encoded(Image.new("L", (2563, 2565)), "JPEG", exif=exif), LIMIT))
    rows, columns = decoded.grey.pixels.shape

    assert decoded.scale == 4
    assert decoded.in_picture((0, 0, columns, rows)) == (0, 0, *size)


def test_a_deep_picture_with_a_transparent_level_is_not_clipped():
    """Pillow would make all its levels white."""
    pixels = np.array([[0, 30_000], [60_000, 65_535]], np.uint16)
    raw = encoded(Image.fromarray(pixels), "PNG", transparency=65_535)

    assert decode_image(open_image(raw, LIMIT)).grey.pixels.tolist() == [[0, 117], [233, 255]]


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_cut_anywhere_is_whole_or_refused(name):
    """At each 64th: never half a picture. Fails where Pillow is told to load truncated pictures."""
    whole = encoded(picture(), name)
    pixels = decode_image(open_image(whole, LIMIT)).grey.pixels
    for part in range(64):
        try:
            cut = decode_image(open_image(whole[: len(whole) * part // 64], LIMIT)).grey.pixels
        except (CorruptImage, UnsupportedImage):
            continue
        assert np.array_equal(cut, pixels), part


@pytest.mark.parametrize(
    "raw",
    [png_header(0, 5), png_header(5, 0), b"P5 0 5 255\n", encoded(picture(), "GIF")[:6] + bytes(4) + b"\0\0\0;"],
)
def test_a_picture_without_pixels_is_corrupt(raw):
    """Neither an answer nor a fault of ours."""
    with pytest.raises(CorruptImage):
        decode_image(open_image(raw, LIMIT))


@pytest.mark.parametrize(("name", "head"), [(b"iCCP", b"a\0\0"), (b"zTXt", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0")])
def test_a_text_that_grows_is_refused(name, head):
    """60 MB in 58 kB. Fails where Pillow's own limits of a text are raised: 60 MB are allocated."""
    whole = encoded(picture(), "PNG")
    bomb = png_of((name, head + zlib.compress(bytes(60_000_000), 9)))[8:]
    tracemalloc.start()
    with pytest.raises(CorruptImage):
        decode_image(open_image(whole[:33] + bomb + whole[33:], LIMIT))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_what_a_picture_was_opened_as_is_looked_at_again(monkeypatch):
    """Of the formats that are asked for, JPEG brings MPO. Fails without the second look."""
    raw = encoded(picture(), "MPO", save_all=True, append_images=[picture()])
    monkeypatch.setattr("service.imaging.OPENED_AS", set(FORMATS))
    with pytest.raises(UnsupportedImage):
        open_image(raw, LIMIT)


@pytest.mark.parametrize(
    ("raw", "most"),
    [
        (progressive(4000, 4000, 4, 1), 15_625_000),
        (progressive(4600, 4600, 3, 1), 20_833_333),
        (encoded(Image.new("RGB", (4600, 4600)), "JPEG", progressive=True), None),
        (encoded(Image.new("CMYK", (4600, 4600)), "JPEG"), None),
    ],
    ids=["CMYK in scans", "colour in scans", "colour in scans, subsampled", "CMYK in one"],
)
def test_a_jpeg_in_scans_has_a_limit_by_what_its_decoder_keeps(raw, most):
    """It holds two bytes for each sample until the last scan; of others rows only. Fails without the limit."""
    with pytest.raises(ImageTooLarge, match=f"{most:,}") if most else nullcontext():
        open_image(raw, LIMIT)


ONE_LAYER = bytes.fromhex("ffda 0008 01 01 00 003f00")
"""A scan of one layer, without any data."""


def before_scan(raw: bytes, inserted: bytes) -> bytes:
    """A JPEG with something put before its first scan, and behind its end what a look from there could take for one."""
    at = raw.index(b"\xff\xda")
    return raw[:at] + inserted + raw[at:] + b"\3" + bytes(9)


@pytest.mark.parametrize("name", ["JPEG", "MPO", "CMYK"])
def test_scans_of_one_layer_are_counted(name):
    """However the file is made to look as if its first scan had all layers. Fails where that is looked for elsewhere.

    A decoder goes through the whole picture for each of them.
    """
    if name == "CMYK":
        raw = before_scan(encoded(picture().convert("CMYK"), "JPEG"), bytes.fromhex("fffe 0004 0400") + ONE_LAYER * 100)
    else:
        raw = before_scan(encoded(picture(), name, **MPO_OPTIONS if name == "MPO" else {}), ONE_LAYER * 100)
    with pytest.raises(CorruptImage, match="scans"):
        open_image(raw, LIMIT)


MPO_OPTIONS = {"save_all": True, "append_images": [Image.new("RGB", (40, 40))]}


@pytest.mark.parametrize(
    "raw",
    ["ffd8 ffc2 0008 08 0010 0010 03", "ffd8 ffc2 0011 08 0010 0010 03 011000 020100 030000"],
    ids=["no layers", "layers of no size"],
)
def test_a_jpeg_whose_layers_make_no_picture_is_corrupt(raw):
    """Fails where samples are divided by the size of none."""
    with pytest.raises(CorruptImage):
        decode_image(open_image(bytes.fromhex(raw).ljust(40, b"\0"), LIMIT))
