"""Any picture becomes the same upright grey pixels, however its file stores it."""

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from model.grey import to_grey

RAMP = np.arange(0, 250, 5, dtype=np.uint8).reshape(5, 10)
GREY = Image.fromarray(RAMP)
ORIENTATION = 0x0112


def sixteen_bits(levels):
    """A picture of mode I;16."""
    return Image.fromarray(levels.astype(np.uint16))


def oriented(picture, orientation):
    """The picture with an EXIF block, as a decoder leaves it."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    picture.info["exif"] = exif.tobytes()
    return picture


@pytest.mark.parametrize(
    "picture",
    [
        GREY,
        GREY.convert("RGB"),
        GREY.convert("RGBA"),
        GREY.convert("LA"),
        GREY.convert("LA").convert("La"),
        GREY.convert("RGBA").convert("RGBa"),
        GREY.convert("P"),
        GREY.convert("LA").convert("PA"),
        GREY.convert("CMYK"),
        GREY.convert("RGB").convert("YCbCr"),
        GREY.convert("RGB").convert("HSV"),
        GREY.convert("RGBX"),
        GREY.convert("I"),
        GREY.convert("F"),
        sixteen_bits(RAMP),
        sixteen_bits(RAMP.astype(np.uint16) * 257),
        Image.fromarray(RAMP.astype(np.int32) * 257),
        Image.fromarray(RAMP.astype(np.float32) / 255),
        Image.fromarray(RAMP.astype(np.float32) * 257),
    ],
    ids=lambda picture: picture.mode,
)
def test_every_mode_gives_the_same_grey(picture):
    """Within the one level that colour conversion rounds away."""
    grey = to_grey(picture)
    assert grey.pixels.dtype == np.uint8
    assert grey.rotated == 0
    assert np.abs(grey.pixels.astype(int) - RAMP).max() <= 1


def test_lab_gives_its_lightness():
    """Pillow cannot convert LAB without a profile; lightness is what grey means."""
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    pixels = to_grey(ImageCms.applyTransform(GREY.convert("RGB"), to_lab)).pixels
    assert np.all(np.diff(pixels.ravel().astype(int)) >= 0)
    assert pixels[0, 0] == 0
    assert pixels[-1, -1] > 240


def test_one_bit_is_black_and_white():
    """Not 0 and 1."""
    pixels = to_grey(Image.fromarray(RAMP > 100)).pixels
    assert np.array_equal(pixels, np.where(RAMP > 100, 255, 0))


def test_sixteen_bits_are_not_clipped():
    """Pillow's own conversion turns all but the darkest levels white."""
    levels = np.array([[0, 300, 30_000, 65_535]])
    assert to_grey(sixteen_bits(levels)).pixels.tolist() == [[0, 1, 117, 255]]


def test_wider_ranges_are_brought_to_eight_bits():
    """Floats below zero or beyond 16 bits span black to white."""
    levels = np.array([[-100_000.0, 0.0, 100_000.0]], np.float32)
    assert to_grey(Image.fromarray(levels)).pixels.tolist() == [[0, 128, 255]]


def test_levels_that_are_no_numbers_are_black():
    """A float TIFF may hold them; they must not reach the network."""
    levels = np.array([[np.nan, np.inf, -np.inf, 0.5, 1.0]], np.float32)
    assert to_grey(Image.fromarray(levels)).pixels.tolist() == [[0, 0, 0, 128, 255]]


@pytest.mark.parametrize("shape", [(2, 300_000), (300_000, 2), (600, 1000)])
def test_deep_levels_keep_their_places(shape):
    """They are converted piece by piece, in both directions."""
    levels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert np.array_equal(to_grey(sixteen_bits(levels.astype(np.uint16) * 257)).pixels, levels)


@pytest.mark.parametrize("mode", ["1", "L", "P"])
@pytest.mark.parametrize("transparency", [0, 7, 255])
def test_few_levels_give_what_each_pixel_would(mode, transparency):
    """Their tables say what converting every pixel to RGBA says."""
    picture = GREY.convert(mode)
    picture.info["transparency"] = transparency
    assert np.array_equal(to_grey(picture).pixels, to_grey(picture.convert("RGBA")).pixels)


@pytest.mark.parametrize("ink", [0, 255])
@pytest.mark.parametrize("hidden", [0, 255])
def test_opaque_pixels_are_the_ink(ink, hidden):
    """Dark ink is put on white and light ink on black, whatever colour lies hidden under the transparency."""
    shape = RAMP > 100
    colour = np.where(shape, ink, hidden).astype(np.uint8)
    picture = Image.merge("LA", [Image.fromarray(colour), Image.fromarray(shape * np.uint8(255))])
    expected = np.where(shape, ink, 255 - ink)
    for mode in ("LA", "RGBA"):
        assert np.array_equal(to_grey(picture.convert(mode)).pixels, expected)


def test_a_transparent_colour_is_transparent():
    """tRNS of palettes and of grey levels."""
    shape = RAMP > 100
    grey = Image.fromarray(np.where(shape, 0, 7).astype(np.uint8))
    palette = grey.copy().convert("P")
    grey.info["transparency"] = palette.info["transparency"] = 7
    for picture in (grey, palette):
        assert np.array_equal(to_grey(picture).pixels, np.where(shape, 0, 255))


def test_nothing_opaque_is_nothing():
    """One level, so that no ink is found."""
    assert len(np.unique(to_grey(Image.new("RGBA", (9, 5), (10, 200, 30, 0))).pixels)) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    """As Pillow applies it, and told in degrees clockwise."""
    expected = np.asarray(ImageOps.exif_transpose(oriented(GREY.copy(), orientation)))
    grey = to_grey(oriented(GREY.copy(), orientation))
    assert np.array_equal(grey.pixels, expected)
    assert grey.rotated == {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}.get(orientation, 0)


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0" * 40, b"Exif\0\0MM\0*"])
def test_a_damaged_exif_block_costs_nothing(exif):
    """The pixels are good all the same."""
    picture = GREY.copy()
    picture.info["exif"] = exif
    assert np.array_equal(to_grey(picture).pixels, RAMP)


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_does_not_exist_is_upright(orientation):
    """As every viewer has it."""
    assert to_grey(oriented(GREY.copy(), orientation)).rotated == 0
