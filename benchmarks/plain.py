"""The same work without a server: `python -m benchmarks.plain photo|batch` prints its processor seconds.

What a request costs is compared with these.
"""

import sys
from collections.abc import Callable
from io import BytesIO
from time import process_time

import numpy as np
from PIL import Image

from benchmarks.asks import BATCH, SEVEN, photographed
from model.contract import ARTIFACTS, MODEL_FILE, SIZE
from model.framing import frame_digit
from service.classifier import Classifier
from service.imaging import DRAFT_SIDE, decode_image, open_image

MAX_PIXELS = 25_000_000


def photo() -> float:
    """Processor seconds in which Pillow decodes a 640×480 JPEG by the service's own `draft`, and resizes it.

    A smaller draft takes two thirds of the time to decode; but then digits that fill a part of the photo are lost.
    """
    raw = photographed(640, 480)

    def once() -> None:
        image = Image.open(BytesIO(raw))
        image.draft("L", (DRAFT_SIDE, DRAFT_SIDE))
        image.resize((SIZE, SIZE))

    return each(once, times=1000)


def batch() -> float:
    """Processor seconds of a loop that decodes and frames 256 small PNGs, and of one run of the network over them."""
    classifier = Classifier.load(ARTIFACTS / MODEL_FILE)

    def once() -> None:
        frames = [frame_digit(decode_image(open_image(SEVEN, MAX_PIXELS)).grey.pixels).image for _ in range(BATCH)]
        classifier.classify(np.stack(frames))

    return each(once, times=20)


def each(work: Callable[[], None], times: int) -> float:
    """Mean processor seconds of a call that is warm."""
    for _ in range(times // 5):
        work()
    began = process_time()
    for _ in range(times):
        work()
    return (process_time() - began) / times


if __name__ == "__main__":
    print({"photo": photo, "batch": batch}[sys.argv[1]]())
