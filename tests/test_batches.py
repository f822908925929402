"""The pictures of a batch, prepared in threads."""

import asyncio
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from service.batches import GROUP_PIXELS, grouped, prepare_batch
from service.errors import CorruptImage, ImageTooLarge, MalformedBody
from service.pipeline import Prepared, decode_raw, frame_ready
from service.workers import Workers
from tests.conftest import ROOT, png
from tests.samples import IMAGES

PHOTO = (ROOT / "docs" / "seven.jpg").read_bytes()


def prepared(images, polarity="auto", max_pixels=1_000_000):
    workers = Workers(2, timeout_seconds=60, wait_seconds=60)
    try:
        return asyncio.run(prepare_batch(images, polarity, max_pixels, workers, "someone"))
    finally:
        workers.close()


def test_each_has_its_place():
    """What is framed already, what is not, what is large, what is wrong: in order, and as each would be alone."""
    wrong = MalformedBody("no base64")
    images = [png(IMAGES[0]), PHOTO[:1000], PHOTO, wrong, png(255 - IMAGES[1]), png(np.zeros((1001, 1000), np.uint8))]
    outcomes = prepared(images)
    assert [type(outcome) for outcome in outcomes] == [
        *(Prepared, CorruptImage, Prepared, MalformedBody, Prepared, ImageTooLarge)
    ]
    for index in (0, 2, 4):
        [alone] = frame_ready([decode_raw(images[index], 1_000_000)])
        assert np.array_equal(outcomes[index].framed.image, alone.framed.image)


def test_polarity_is_heeded():
    """A digit that is framed already is ground where the ink is said to be dark."""
    [taken], [turned] = prepared([png(IMAGES[0])]), prepared([png(IMAGES[0])], "dark-on-light")
    assert not taken.framed.inverted
    assert turned.framed.inverted


@pytest.mark.parametrize(
    ("sides", "groups"), [([100] * 3, [3]), ([2000, 100, 2000], [1, 1, 1]), ([100] * 60, [25, 25, 10]), ([], [])]
)
def test_small_ones_go_together(sides, groups):
    """As many as have so many pixels; a large one goes alone."""
    assert [len(group) for group in grouped([Image.new("L", (side, side)) for side in sides])] == groups
    assert GROUP_PIXELS == 250_000


def test_no_picture_outlives_its_turn():
    """Half a megabyte of pixels each would add up to 126 MB. Fails where pictures are not closed when they are done."""
    program = f"""
import asyncio, re
from pathlib import Path
from service.batches import prepare_batch
from service.workers import Workers
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
raw = Path({str(ROOT / "docs" / "seven.jpg")!r}).read_bytes()
workers = Workers(1, 60, 60)
asyncio.run(prepare_batch([raw], "auto", 25_000_000, workers, ""))
before = peak()
asyncio.run(prepare_batch([raw] * 256, "auto", 25_000_000, workers, ""))
print(peak() - before)
"""
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(told.stdout) < 30_000
