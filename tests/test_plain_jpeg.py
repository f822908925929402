"""The lean decoder gives what Pillow gives of plain JPEGs, and leaves all others to it."""

from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageFile, _imaging

from service.errors import CorruptImage, ImageTooLarge, Overloaded
from service.imaging import DRAFT_SIDE, decode_image, open_image
from service.jpeg import SCAN, read_head
from service.plain_jpeg import PlainJpeg, decode_plain
from tests.conftest import encoded

LIMIT = 25_000_000
COLOURS = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
SOI = 2
EOI = b"\xff\xd9"


def jpeg(width: int = 90, height: int = 60, mode: str = "RGB", **options) -> bytes:
    """Patches of colour, large enough to be more than the grain that a JPEG loses."""
    buffer = BytesIO()
    patches = Image.fromarray(COLOURS[:6, :9]).resize((width, height), Image.Resampling.BICUBIC)
    patches.convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


GRAIN = Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8))
LARGE = encoded(GRAIN, "JPEG", quality=90)
"""More than Pillow feeds its decoder at a time."""
assert len(LARGE) > 2 * ImageFile.MAXBLOCK
HEAD = 600
"""Bytes of a head, about."""


def by_pillow(raw: bytes, least: int = DRAFT_SIDE) -> np.ndarray:
    image = Image.open(BytesIO(raw), formats=("JPEG",))
    image.draft("L", (least, least))
    image.load()
    return np.asarray(image)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mode": "L"},
        *({"subsampling": kind} for kind in ("4:4:4", "4:2:2", "4:2:0")),
        *({"quality": quality} for quality in (1, 50, 100)),
        {"optimize": True},
        {"restart_marker_blocks": 2},
        *({"subsampling": "4:1:1", "mode": mode} for mode in ("RGB", "L")),
        {"comment": b"a seven"},
        {"dpi": (300, 300)},
        {"width": 1, "height": 1},
        {"width": 91, "height": 61},
    ],
    ids=str,
)
def test_a_plain_one_is_decoded(options):
    """Fails where this Pillow has no such decoder any more: then nothing is lean."""
    raw = jpeg(**options)
    opened = open_image(raw, LIMIT)
    assert isinstance(opened, PlainJpeg)
    assert decode_plain(opened, opened.size) is not None
    decoded = decode_image(opened)
    assert np.array_equal(decoded.grey.pixels, by_pillow(raw))
    assert (decoded.scale, decoded.grey.rotated, decoded.size) == (1, 0, opened.size)


def test_colours_may_be_named():
    """Layers R, G and B are no luminance, and two of colour difference."""
    raw = jpeg(keep_rgb=True)
    adobe = raw.index(b"\xff\xee")
    raw = raw[:adobe] + raw[adobe + 16 :]
    opened = open_image(raw, LIMIT)
    assert isinstance(opened, PlainJpeg)
    pixels = decode_image(opened).grey.pixels
    assert np.array_equal(pixels, by_pillow(raw))
    assert np.abs(pixels.astype(int) - by_pillow(jpeg())).mean() < 8


@pytest.mark.parametrize("least", [29, 30, 31, 60, 61, 100, 121, 239, 240, 241])
def test_it_is_shrunk_as_draft_does(least):
    """To the smallest of an eighth, a quarter and a half whose sides are both long enough."""
    raw = jpeg(321, 242)
    decoded = decode_plain(PlainJpeg(raw, (321, 242)), (least, least))
    assert decoded
    pixels, scale = decoded
    assert np.array_equal(pixels, by_pillow(raw, least))
    assert pixels.shape == (-(-242 // scale), -(-321 // scale))


@pytest.mark.parametrize(
    "options",
    [
        {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"},  # which has it turned
        {"icc_profile": b"any"},
        {"progressive": True},
        {"mode": "CMYK"},
        {"keep_rgb": True},  # with Adobe's segment
    ],
    ids=lambda options: next(iter(options)),
)
def test_others_are_left_to_pillow(options):
    """They may say more of how to show them."""
    raw = jpeg(**options)
    opened = open_image(raw, LIMIT)
    assert not isinstance(opened, PlainJpeg)
    assert decode_image(opened).grey.pixels.size == 90 * 60


def frame_of(raw: bytes) -> int:
    """Where the frame is."""
    return raw.index(b"\xff\xc0")


@pytest.mark.parametrize(
    ("at", "bytes_"),
    [
        (1, b"\xc1"),  # extended
        (3, b"\x12"),  # another length
        (4, b"\x0c"),  # 12 bits
        (5, b"\0\0"),  # a height that comes later
        (7, b"\0\0"),
        (9, b"\1"),
    ],
    ids=["extended", "length", "bits", "height", "width", "layers"],
)
def test_other_frames_are_left_to_pillow(at, bytes_):
    """Which knows what to do with them, or what to say."""
    raw = jpeg()
    at += frame_of(raw)
    try:
        opened = open_image(raw[:at] + bytes_ + raw[at + len(bytes_) :], LIMIT)
    except CorruptImage:
        return
    assert not isinstance(opened, PlainJpeg)


def test_four_layers_are_left_to_pillow():
    """Whoever says what they are, or does not: they make no grey by themselves."""
    raw = jpeg(mode="CMYK")
    adobe = raw.index(b"\xff\xee")
    assert read_head(raw[:adobe] + raw[adobe + 16 :]) == (4, None)


def test_a_short_density_is_left_to_pillow():
    """Which takes it for damage."""
    raw = jpeg()
    density = b"\xff\xe0\0\x06JFIF"
    with pytest.raises(CorruptImage):
        open_image(raw[:SOI] + density + raw[SOI + 18 :], LIMIT)


def test_a_longer_frame_is_left_to_pillow():
    """Even if it is there as a whole."""
    raw = jpeg()
    at = frame_of(raw)
    longer = raw[: at + 2] + b"\0\x12" + raw[at + 4 : at + 19] + b"\0" + raw[at + 19 :]
    assert read_head(longer) == (3, None)


def test_two_frames_are_left_to_pillow():
    """The second may be of another size."""
    raw = jpeg()
    frame = raw[frame_of(raw) : frame_of(raw) + 19]
    assert not isinstance(open_image(raw[:SOI] + frame + raw[SOI:], LIMIT), PlainJpeg)


def test_its_size_is_limited():
    """Before a pixel is decoded."""
    assert open_image(jpeg(), 90 * 60).size == (90, 60)
    with pytest.raises(ImageTooLarge):
        open_image(jpeg(), 90 * 60 - 1)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("raw", [jpeg(), LARGE], ids=["small", "large"])
def test_one_that_is_cut_short_is_refused(monkeypatch, raw, share):
    """Without being decoded once more."""
    cut = raw[: int(share * len(raw))]
    opened = open_image(cut, LIMIT)
    assert isinstance(opened, PlainJpeg)
    with pytest.raises(OSError, match="truncated"):
        by_pillow(cut)
    again: list[object] = []
    monkeypatch.setattr("service.imaging.Image.open", lambda *asked, **_: again.append(asked))
    with pytest.raises(CorruptImage, match="cut short"):
        decode_image(opened)
    assert not again


@pytest.mark.parametrize(
    "raw", [jpeg(width=200, height=150, quality=95), LARGE], ids=["one block of Pillow's", "several blocks"]
)
def test_damage_leads_to_what_pillow_makes_of_it(monkeypatch, raw):
    """The same pixels, or an error, wherever a bit has turned."""
    decoded_plainly = []

    def decode(*asked):
        found = decode_plain(*asked)
        decoded_plainly.append(found is not None)
        return found

    monkeypatch.setattr("service.imaging.decode_plain", decode)
    random = np.random.default_rng(1)
    same = refused = stricter = 0
    for _ in range(200):
        damaged = bytearray(raw)
        place = random.integers(SOI, len(raw)) if random.random() < 0.7 else random.integers(SOI, HEAD)
        damaged[place] ^= 1 << random.integers(8)
        try:
            expected = by_pillow(bytes(damaged))
        except Exception:
            with pytest.raises((CorruptImage, ImageTooLarge)):
                decode_image(open_image(bytes(damaged), 1_000_000))
            refused += 1
            continue
        try:
            decoded = decode_image(open_image(bytes(damaged), 1_000_000))
        except CorruptImage:
            stricter += 1
            continue
        assert np.array_equal(decoded.grey.pixels, expected)
        same += 1
    assert same > 100
    assert refused > 5
    assert stricter == 0
    assert sum(decoded_plainly) > 100


def test_what_pillow_is_done_with_before_it_comes_to_the_damage():
    """Another scan behind the picture, whose marker is the last that it reads of a block: all rows are there by then.

    Fails where every error of the decoder is an error of the picture.
    """
    scan = LARGE[: -len(EOI)] + SCAN
    filled = -(len(scan) + 4) % ImageFile.MAXBLOCK
    comment = b"\xff\xfe" + (filled + 2).to_bytes(2) + bytes(filled)
    raw = scan[:SOI] + comment + scan[SOI:] + bytes(100)
    opened = open_image(raw, LIMIT)
    assert isinstance(opened, PlainJpeg)
    assert decode_plain(opened, opened.size) is None
    assert np.array_equal(decode_image(opened).grey.pixels, by_pillow(raw))


@pytest.mark.parametrize("missing", ["jpeg_decoder", "map_buffer"])
def test_another_pillow_reads_them_all_the_same(monkeypatch, missing):
    """One without what is used beneath its public door."""
    opened = open_image(jpeg(), LIMIT)
    parts = {name: getattr(_imaging, name) for name in ("jpeg_decoder", "map_buffer") if name != missing}
    monkeypatch.setattr("service.plain_jpeg._imaging", SimpleNamespace(**parts))
    assert decode_plain(opened, opened.size) is None
    assert np.array_equal(decode_image(opened).grey.pixels, by_pillow(jpeg()))


def test_no_memory_is_told_apart_from_damage(monkeypatch):
    """Whoever asks may come back; Pillow is not asked for it again."""

    def fail(*_):
        raise MemoryError

    opened = open_image(jpeg(), LIMIT)
    monkeypatch.setattr("service.plain_jpeg._imaging", SimpleNamespace(map_buffer=fail))
    with pytest.raises(Overloaded, match="no memory"):
        decode_image(opened)
