"""Framing: the same digit, however it was photographed, scanned, drawn or stored."""

import io
from functools import cache

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from model.contract import ARTIFACTS, INPUT_NAME, MODEL_FILE, PROBABILITIES, SIZE, to_tensor
from model.framing import frame_digit
from model.grey import to_grey
from model.working import Working
from tests.papers import empty_paper, marked_paper
from tests.samples import IMAGES, LABELS, enlarged, photo, written

WARNINGS = {"uneven_light", "low_contrast", "low_resolution", "thin_strokes", "touches_border", "several_parts"}
REASONS = {None, "blank", "several_digits", "not_a_digit"}
CLOSE = 0.05
"""How far a probability may move between two pictures of one digit."""
CLOSE_LEVELS = 10
"""Mean difference, in levels of 255, of two frames of one digit; of two digits it is 15 at least."""
ENOUGH = 0.98
"""The share of cases that must agree."""
SEVEN = IMAGES[int(np.argmax(LABELS == 7))]


@cache
def session():
    """The shipped model."""
    return onnxruntime.InferenceSession(ARTIFACTS / MODEL_FILE, providers=["CPUExecutionProvider"])


def classify(frames):
    """Probabilities (N, 10) of frames."""
    return session().run([PROBABILITIES], {INPUT_NAME: to_tensor(np.stack(frames))})[0]


def frame(picture):
    """What the network sees of a picture."""
    return frame_digit(to_grey(picture).pixels)


def accuracy(pictures, labels=LABELS):
    """The share of pictures, uint8 [H, W], whose digit is read."""
    return np.mean(classify([frame_digit(pixels).image for pixels in pictures]).argmax(axis=1) == labels)


# --- Invariance: each change of the picture, with the same forty digits -----------------------------------------


def inverted(picture, random):
    return ImageOps.invert(picture)


def padded(picture, random):
    left, top, right, bottom = random.integers(0, 120, 4)
    return ImageOps.expand(picture, (int(left), int(top), int(right), int(bottom)))


def moved(picture, random):
    left, top, right, bottom = picture.getbbox()
    corner = random.integers(-left, 112 - right + 1), random.integers(-top, 112 - bottom + 1)
    canvas = Image.new("L", picture.size)
    canvas.paste(picture, (int(corner[0]), int(corner[1])))
    return canvas


def scaled(picture, random):
    scale = 2 ** random.uniform(-1, 3)
    way = random.choice([Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
    return picture.resize([round(side * scale) for side in picture.size], Image.Resampling(way))


def halved(picture, random):
    return picture.resize((56, 56), Image.Resampling.BOX)


def eight_times(picture, random):
    return picture.resize((896, 896), Image.Resampling.BICUBIC)


def with_repeated_pixels(picture, random):
    times = int(random.integers(2, 9))
    return picture.resize((112 * times, 112 * times), Image.Resampling.NEAREST)


def all_at_once(picture, random):
    return inverted(scaled(padded(moved(picture, random), random), random), random)


def turned(orientation):
    """Store the picture turned, with the EXIF block that turns it back."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose, the inverse of each orientation's own

    def stored(picture, random):
        exif = Image.Exif()
        exif[0x0112] = orientation
        file = io.BytesIO()
        turned = picture.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else picture
        turned.save(file, "PNG", exif=exif)
        return Image.open(file)

    stored.__name__ = f"orientation_{orientation}"
    return stored


def of_mode(mode):
    """Convert the picture; 16-bit modes to their full range."""

    def converted(picture, random):
        if mode == "I;16":
            return Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
        if mode == "P":
            return picture.convert("RGB").quantize(16)
        return (picture.convert("RGB") if mode in {"YCbCr", "HSV"} else picture).convert(mode)

    converted.__name__ = f"mode_{mode}"
    return converted


def as_alpha(picture, random):
    """Black ink whose shape is in the alpha alone."""
    return Image.merge("LA", [Image.new("L", picture.size), picture])


EXACT = [
    inverted,
    padded,
    moved,
    scaled,
    halved,
    eight_times,
    with_repeated_pixels,
    all_at_once,
    *(turned(orientation) for orientation in range(1, 9)),
    *(of_mode(mode) for mode in ("RGB", "RGBA", "LA", "CMYK", "YCbCr", "HSV", "I", "F", "I;16")),
    as_alpha,
]
COARSE = [of_mode("1"), of_mode("P")]


def test_framing_is_invariant():
    """The same digit, and probabilities within 0.05, in at least 98 % of about a thousand cases.

    One-bit and palette pictures lose levels: of them the same digit is asked.
    """
    base = classify([frame(enlarged(image)).image for image in IMAGES])
    agreed = {}
    for change in (*EXACT, *COARSE):
        random = np.random.default_rng(2)
        changed = classify([frame(change(enlarged(image), random)).image for image in IMAGES])
        same = changed.argmax(axis=1) == base.argmax(axis=1)
        near = np.abs(changed - base).max(axis=1) <= CLOSE
        agreed[change.__name__] = same if change in COARSE else same & near
    shares = {name: float(share.mean()) for name, share in agreed.items()}
    assert np.mean(np.concatenate(list(agreed.values()))) >= ENOUGH, shares
    assert min(shares.values()) >= 0.9, shares


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(0, len(IMAGES) - 1),
    st.floats(0.5, 8),
    st.tuples(*[st.integers(0, 60)] * 4),
    st.booleans(),
)
def test_any_mixture_of_changes_leaves_the_digit(index, scale, padding, invert):
    """What each alone does not change, all of them together do not."""
    picture = ImageOps.expand(enlarged(IMAGES[index]), padding)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BILINEAR)
    framed = frame(ImageOps.invert(picture) if invert else picture)
    base = frame(enlarged(IMAGES[index]))
    assert framed.reason is None
    assert framed.inverted == invert
    assert np.abs(framed.image.astype(int) - base.image).mean() <= CLOSE_LEVELS


# --- What is framed already ---------------------------------------------------------------------------------------


def test_a_framed_digit_passes_untouched():
    """The network sees the very pixels that MNIST has."""
    for image in IMAGES:
        framed = frame_digit(image)
        assert framed.image is image
        assert (framed.inverted, framed.box, framed.warnings, framed.reason) == (False, (0, 0, SIZE, SIZE), (), None)


def test_framing_twice_changes_nothing():
    """What framing makes is framed."""
    for image in IMAGES:
        once = frame(ImageOps.invert(enlarged(image, 150))).image
        assert frame_digit(once).image is once


def test_enlarged_digits_are_read_as_well_as_the_originals():
    """Framing loses nothing that MNIST's own frame has."""
    original = np.mean(classify(list(IMAGES)).argmax(axis=1) == LABELS)
    assert accuracy([255 - np.asarray(enlarged(image)) for image in IMAGES]) >= original - 1 / len(IMAGES)


@pytest.mark.parametrize(
    "pixels",
    [
        255 - SEVEN,  # dark on light
        np.roll(SEVEN, 4, axis=1),  # off the centre
        np.asarray(enlarged(SEVEN, 14).crop((-7, -7, 21, 21))),  # too small
        np.where(SEVEN, SEVEN // 2 + 20, 20).astype(np.uint8),  # on grey
    ],
    ids=["inverted", "moved", "small", "grey"],
)
def test_a_picture_of_the_right_size_alone_is_not_framed(pixels):
    """28 × 28 pixels that are not as MNIST has them are framed like any other."""
    framed = frame_digit(pixels)
    assert framed.box != (0, 0, SIZE, SIZE)
    assert classify([framed.image])[0].argmax() == 7


# --- What arrives ---------------------------------------------------------------------------------------------------


def shaded(levels):
    """The shadow of a hand: half of the light from a slanted line on."""
    rows, columns = np.mgrid[: levels.shape[0], : levels.shape[1]] / levels.shape[0]
    return levels * (1 - 0.5 / (1 + np.exp(-(columns + 0.4 * rows - 0.6) / 0.04)))


def in_a_cell(levels):
    """A cell's dark borders, one of them askew."""
    framed = levels.copy()
    framed[:7] = 40
    framed[:, -5:] = 30
    for row in range(framed.shape[0]):
        framed[row, : 2 + row // 20] = 50
    return framed


def in_a_box(levels):
    """A box drawn on a larger sheet."""
    sheet = np.full((levels.shape[0] + 80, levels.shape[1] + 80), 220.0)
    sheet[30:-30, 30:-30] = 50
    sheet[36:-36, 36:-36] = 220
    sheet[40:-40, 40:-40] = levels
    return sheet


def on_a_table(levels):
    """A light card on something dark."""
    table = np.full((levels.shape[0] + 120, levels.shape[1] + 90), 60.0)
    table[70:-50, 30:-60] = levels
    return table


def on_ruled_paper(levels):
    """Lines through and around the digit."""
    ruled = levels.copy()
    ruled[12::40] = np.minimum(ruled[12::40], 150)
    ruled[13::40] = np.minimum(ruled[13::40], 150)
    return ruled


def with_specks(levels):
    """Dirt on the paper."""
    random = np.random.default_rng(4)
    for y, x in random.integers(0, levels.shape[0] - 2, (25, 2)):
        levels[y : y + 2, x : x + 2] = 70
    return levels


def beside_others(levels):
    """The ends of the neighbours reach into the picture."""
    levels[60:110, :8] = 60
    levels[30:70, -6:] = 60
    return levels


def on_a_board(levels):
    """Chalk."""
    return 255 - levels


def faint(levels):
    """A hard pencil."""
    return 220 - (220 - levels) * 0.2


def far_away(levels):
    """A small digit on a large sheet."""
    sheet = np.random.default_rng(5).normal(220, 2, (1500, 1100))
    sheet[900 : 900 + levels.shape[0] // 2, 300 : 300 + levels.shape[1] // 2] = levels[::2, ::2]
    return sheet


def unchanged(levels):
    """Ink on paper."""
    return levels


@pytest.mark.parametrize(
    "scene",
    [
        unchanged,
        shaded,
        in_a_cell,
        in_a_box,
        on_a_table,
        on_ruled_paper,
        with_specks,
        beside_others,
        on_a_board,
        faint,
        far_away,
    ],
)
def test_digits_are_read_in_their_surroundings(scene):
    """As well as without them, to within two of the forty."""
    pictures = [photo(scene(written(image))) for image in IMAGES]
    assert accuracy(pictures) >= np.mean(classify(list(IMAGES)).argmax(axis=1) == LABELS) - 2 / len(IMAGES)
    assert np.mean([frame_digit(pixels).reason is None for pixels in pictures]) >= 0.95


@pytest.mark.parametrize("noise", [0.7, 2.0])
@pytest.mark.parametrize("side", [70, 140, 300])
def test_digits_are_read_under_sharp_shadows(side, noise):
    """From three sides, on smooth paper too: what the shadow leaves lit may be of one level, but is not the ground."""
    pictures = [written(image, side=side, margin=side // 5, noise=noise, seed=n) for n, image in enumerate(IMAGES)]
    for turn in (np.asarray, np.fliplr, np.transpose):
        assert accuracy([photo(turn(shaded(turn(levels)))) for levels in pictures]) >= 0.95


@pytest.mark.parametrize("margin", [0, 1, 3])
def test_digits_that_fill_the_picture_are_read(margin):
    """A picture cut to its digit has no frame to lose."""
    pictures = []
    for image in IMAGES:
        cut = Image.fromarray(image).crop(Image.fromarray(image).getbbox())
        cut = cut.resize((cut.width * 6, cut.height * 6), Image.Resampling.BICUBIC)
        pictures.append(255 - np.asarray(ImageOps.expand(cut, 6 * margin)))
    assert accuracy(pictures) >= 0.9


def line_drawing(width=1):
    """A 7 in lines, on a canvas of 300 × 340."""
    canvas = Image.new("L", (300, 340), 255)
    ImageDraw.Draw(canvas).line([(90, 80), (210, 80), (130, 270)], fill=0, width=width)
    return np.asarray(canvas)


TINY = {
    "open": (" 4@@@3  ", " :;9>8  ", " 65 @5  ", "   =>   ", "  9@2   ", " 2?8    ", " 3@;993 ", " 2?@@@> "),
    "bold": ("  9@@8  ", " 5@?@?  ", " 5:3@@  ", "   6@<  ", "  3?@3  ", "  <@8   ", " 4@@>=<2", " 7@@@@>3"),
}
"""Twos of 8×8 pixels and 16 levels, the distance of each character from "0", that leave their picture little ground."""


@pytest.mark.parametrize("digit", TINY)
@pytest.mark.parametrize("way", [Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC])
def test_tiny_digits_stay_whole(digit, way):
    """However they were enlarged: the foot of the two is there, and its stroke is as broad as it was."""
    levels = [[max(0, ord(character) - ord("0")) for character in row] for row in TINY[digit]]
    picture = Image.fromarray((np.array(levels) * 255 / 16).astype(np.uint8)).resize((64, 64), way)
    framed = frame(picture)
    assert framed.reason is None
    assert (framed.image[20:] > 127).sum() >= 30
    assert (framed.image > 127).sum() >= 110


@pytest.mark.parametrize("width", [1, 2, 6, 20, 40])
def test_pens_of_any_width(width):
    """Lines of a pixel do not vanish when they are averaged down, and broad ones stay legible."""
    framed = frame_digit(line_drawing(width))
    assert classify([framed.image])[0].argmax() == 7
    assert ("thin_strokes" in framed.warnings) == (width <= 6)
    assert framed.image.max() > 200


def test_all_parts_of_a_broken_digit_are_kept():
    """A 5 whose bar does not touch the rest."""
    canvas = Image.new("L", (120, 120), 255)
    draw = ImageDraw.Draw(canvas)
    draw.line([(50, 25), (85, 23)], fill=0, width=7)
    draw.line([(42, 30), (40, 58)], fill=0, width=7)
    draw.arc([30, 52, 80, 100], -120, 140, fill=0, width=7)
    framed = frame_digit(np.asarray(canvas))
    assert framed.box is not None
    assert framed.box[1] <= 25
    assert "several_parts" in framed.warnings
    assert framed.reason is None


# --- What is found on the way -----------------------------------------------------------------------------------


def test_the_box_is_in_pixels_of_the_picture():
    """To within a pixel of the size at which ink is sought."""
    for scale, tolerance in ((1, 2), (10, 20), (0.25, 1)):
        side = round(400 * scale)
        pixels = np.full((side, side + 20), 230, np.uint8)
        box = tuple(round(edge * scale) for edge in (100, 80, 240, 290))
        pixels[box[1] : box[3], box[0] : box[0] + round(40 * scale)] = 30
        pixels[box[3] - round(40 * scale) : box[3], box[0] : box[2]] = 30  # an L
        found = frame_digit(pixels).box
        assert found is not None
        assert np.abs(np.subtract(found, box)).max() <= tolerance


def test_a_box_ends_where_its_last_pixel_does():
    """Fails where the rounding of a scale counts: 42 times 9/14 is a little more than 27 by it."""
    assert Working(np.zeros((112, 112), np.uint8), 9 / 14, (72, 72)).in_original((0, 14, 42, 43)) == (0, 9, 27, 28)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (photo(shaded(written(SEVEN))), "uneven_light"),
        (photo(faint(written(SEVEN))), "low_contrast"),
        (np.asarray(enlarged(SEVEN, 20)), "low_resolution"),
        (line_drawing(1), "thin_strokes"),
        (np.asarray(enlarged(SEVEN).crop((0, 0, 112, 80))), "touches_border"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_costs_accuracy_is_told(pixels, expected):
    """And only that."""
    assert frame_digit(pixels).warnings == (expected,)


def test_polarity_can_be_told():
    """Then it is not guessed."""
    dark = 255 - np.asarray(enlarged(SEVEN))
    assert frame_digit(dark, "dark-on-light").inverted
    assert not frame_digit(dark, "light-on-dark").inverted
    assert np.array_equal(frame_digit(dark, "dark-on-light").image, frame_digit(255 - dark, "light-on-dark").image)


# --- What is not one digit ------------------------------------------------------------------------------------------


def empty_papers(count=60):
    """Sheets without a digit on them, in all kinds of light and grain."""
    for seed in range(count):
        random = np.random.default_rng(seed)
        side = int(random.choice([40, 90, 160, 400]))
        paper = np.full((side, side), random.uniform(60, 230))
        if seed % 2:
            paper = shaded(paper)
        if seed % 3 == 0:
            paper = in_a_cell(paper)
        coarse = Image.fromarray(random.normal(0, 1, (side // 3, side // 3)).astype(np.float32))
        grain = [random.normal(0, 1, paper.shape), np.asarray(coarse.resize(paper.shape, Image.Resampling.BICUBIC))]
        yield photo(paper + random.uniform(1.5, 8) * grain[seed % 2])


def test_empty_paper_is_blank():
    """Without ink there is nothing to read, and the frame is empty."""
    framed = [frame_digit(pixels) for pixels in empty_papers()]
    assert {found.reason for found in framed} == {"blank"}
    assert not any(found.image.any() or found.box for found in framed)


def test_paper_in_any_light_is_blank():
    """Shadows, folds, grids, borders, dust, grain, JPEG: two of a hundred such sheets may be taken for ink, no more."""
    assert np.mean([frame_digit(empty_paper(seed)).reason == "blank" for seed in range(100)]) >= 0.98


@pytest.mark.parametrize("seed", [628, 1208])
def test_light_that_reaches_from_side_to_side_is_no_ink(seed):
    """What a sharp shadow leaves bright looks like a 1 and stands out by less than the light varies."""
    assert frame_digit(empty_paper(seed)).reason == "blank"


def found_in_light(slope, contrast, margin, bold=1, noise=2.0):
    """How many of twenty digits are found, so many levels darker than paper that varies by twice `slope` from side to
    side, with a margin of so many columns and rows around their boxes of 150 by 200 pixels."""
    found = 0
    for index in range(20):
        image = Image.fromarray(IMAGES[index])
        drawn = image.crop(image.getbbox()).resize((150, 200), Image.Resampling.BICUBIC)
        ink = np.asarray(drawn.filter(ImageFilter.MaxFilter(bold)), float) / 255
        ink = np.pad(ink, ((margin[1],) * 2, (margin[0],) * 2))
        light = np.linspace(185 - slope, 185 + slope, ink.shape[1])
        grain = np.random.default_rng(index).normal(0, noise, ink.shape)
        found += frame_digit(photo(light + grain - contrast * ink)).reason is None
    return found


@pytest.mark.parametrize("margin", [(0, 0), (1, 1), (30, 0), (0, 30), (60, 2)], ids=str)
def test_a_faint_digit_that_was_cut_to_its_box_in_uneven_light_is_no_light(margin):
    """Fails where whatever reaches across and stands out by less than the light varies is taken for it."""
    assert found_in_light(38, 38, margin) >= 16


@pytest.mark.parametrize(
    ("slope", "contrast", "margin", "bold"),
    [
        (0, 20, (0, 0), 9),  # the light is even
        (60, 60, (30, 0), 17),  # it stands out
        (22, 22, (30, 30), 9),  # it does not reach across
        (22, 22, (30, 0), 1),  # it is not broad
    ],
    ids=str,
)
def test_a_digit_is_no_light_for_one_reason_alone(slope, contrast, margin, bold):
    """Each fails without its own."""
    assert found_in_light(slope, contrast, margin, bold, noise=1.0) >= 16


def test_faint_digits_are_found_on_such_paper():
    """Not blank, one digit, and its box overlaps the true one."""
    found = 0
    for seed in range(100):
        marked = marked_paper(seed)
        framed = frame_digit(marked.pixels)
        found += framed.reason is None and overlap(framed.box, marked.box) > 0.5
    assert found >= 93


def overlap(one, other):
    """The share of what two boxes cover that both cover."""
    width = max(min(one[2], other[2]) - max(one[0], other[0]), 0)
    height = max(min(one[3], other[3]) - max(one[1], other[1]), 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


@pytest.mark.parametrize("level", [0, 1, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (28, 28), (300, 200)])
def test_one_level_is_blank(level, shape):
    """Of any size."""
    framed = frame_digit(np.full(shape, level, np.uint8))
    assert (framed.reason, framed.box) == ("blank", None)
    assert not framed.image.any()


def test_digits_side_by_side_are_several():
    """Rows of two to nine, with or without a grid around them."""
    for count in range(2, 10):
        levels = np.hstack([written(IMAGES[(count + place) % 40], side=80, margin=8) for place in range(count)])
        assert frame_digit(photo(levels)).reason == "several_digits"
        levels[:3] = levels[-3:] = 60
        levels[:, 96::96] = 60
        assert frame_digit(photo(levels)).reason == "several_digits"


def test_single_digits_are_given_no_reason():
    """Framing rejects what is surely no digit, and leaves doubt to the network."""
    assert {frame(enlarged(image)).reason for image in IMAGES} == {None}


@pytest.mark.parametrize("shape", [(60, 60), (40, 90), (90, 50)])
def test_a_solid_block_is_not_a_digit(shape):
    """No pen makes one."""
    pixels = np.full((150, 150), 240, np.uint8)
    pixels[30 : 30 + shape[0], 30 : 30 + shape[1]] = 20
    assert frame_digit(pixels).reason == "not_a_digit"


# --- Never an exception ---------------------------------------------------------------------------------------------


def check(framed, shape):
    """What holds for every picture."""
    rows, columns = shape
    assert framed.image.shape == (SIZE, SIZE)
    assert framed.image.dtype == np.uint8
    assert set(framed.warnings) <= WARNINGS
    assert framed.reason in REASONS
    assert (framed.box is None) == (framed.reason == "blank")
    if framed.box is None:
        assert not framed.image.any()
    else:
        left, top, right, bottom = framed.box
        assert 0 <= left < right <= columns
        assert 0 <= top < bottom <= rows


@settings(max_examples=400, deadline=None)
@given(
    arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=40)),
    st.sampled_from(["auto", "dark-on-light", "light-on-dark"]),
)
def test_any_pixels_are_framed(pixels, polarity):
    """Whatever they are."""
    check(frame_digit(pixels, polarity), pixels.shape)


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(st.integers(1, 700), st.integers(1, 700)),
    st.lists(st.tuples(*[st.integers(0, 700)] * 4, st.integers(0, 255)), max_size=8),
    st.integers(0, 60),
    st.integers(0, 2**32 - 1),
)
def test_any_blocks_and_grain_are_framed(shape, blocks, grain, seed):
    """Larger pictures of rectangles, one over the other: sheets, frames, lines, digits of a kind."""
    levels = np.full(shape, 200.0)
    for top, left, bottom, right, level in blocks:
        levels[min(top, bottom) : max(top, bottom), min(left, right) : max(left, right)] = level
    pixels = photo(levels + np.random.default_rng(seed).normal(0, grain, shape))
    check(frame_digit(pixels), shape)


@pytest.mark.parametrize("shape", [(1, 1), (1, 100_000), (100_000, 1), (2, 3), (5000, 5000), (3, 4000)])
@pytest.mark.parametrize("kind", ["noise", "ramp", "dot", "stripes"])
def test_odd_shapes_are_framed(shape, kind):
    """From one pixel to the 25 million that the service admits."""
    rows, columns = shape
    if kind == "noise":
        pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    elif kind == "ramp":
        pixels = np.broadcast_to(np.linspace(0, 255, columns).astype(np.uint8), shape)
    elif kind == "dot":
        pixels = np.zeros(shape, np.uint8)
        pixels[rows // 2, columns // 3] = 255
    else:
        pixels = np.zeros(shape, np.uint8)
        pixels[:, ::2] = 255
    check(frame_digit(pixels), shape)
