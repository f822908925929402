"""Stand-ins for `read`, most without a guard: the controls that show that the row `atheris` finds what it is for."""

import sys
import time
from io import BytesIO

from PIL import Image

from service.classifier import Classifier
from service.imaging import FORMATS
from service.settings import Settings
from tests.torture.bounds import MOST_CPU_SECONDS
from tests.torture.hostile import INFER, Input


def careless(given: Input, settings: Settings, _: Classifier) -> str:
    """Takes OSError for all that Pillow raises."""
    try:
        image = Image.open(BytesIO(given.content), formats=FORMATS)
        if image.width * image.height <= settings.max_pixels:
            image.load()
    except (OSError, Image.DecompressionBombError):
        return "corrupt-image"
    return "answered"


def unbounded(given: Input, _: Settings, __: Classifier) -> str:
    """Spends too much on some."""
    began = time.thread_time()
    while given.path == INFER and time.thread_time() - began <= MOST_CPU_SECONDS:
        pass
    return "answered"


def hidden(given: Input, _: Settings, __: Classifier) -> str:
    """Fails for a word at the start only, which takes blind draws billions, and coverage a byte at a time."""
    said = given.content[:4].ljust(4)
    if said[0] == 0x6C and said[1] == 0x65 and said[2] == 0x4E and said[3] == 0x35:
        raise LookupError("found")
    return "answered"


def stuck(_: Input, __: Settings, ___: Classifier) -> str:
    """Waits, without any CPU."""
    time.sleep(60)
    return "answered"


class Lingering:
    """Takes a while to go when its process ends."""

    def __del__(self, sleep=time.sleep) -> None:
        sleep(4)


def lingering(given: Input, _: Settings, __: Classifier) -> str:
    """Sound, in a process that ends slowly."""
    if not hasattr(sys, "lingering"):
        sys.lingering = Lingering()  # what sys holds goes last, after Python's handlers of signals
    return "answered" if given.content else "malformed-body"
