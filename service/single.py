"""One picture, from its bytes to a prediction: in the event loop where that is quick, else in a thread."""

from collections.abc import Set
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from model.framing import Polarity
from service import pipeline
from service.classifier import Classifier
from service.deps import Held
from service.expected import Expected
from service.imaging import Opened, open_image
from service.pipeline import Include, Prepared
from service.schemas import Prediction
from service.workers import is_small

ANYHOW: AbstractAsyncContextManager[None] = nullcontext()


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of a picture, and whom."""

    classifier: Classifier
    polarity: Polarity = "auto"
    extra: Set[Include] = frozenset()


@dataclass(slots=True)  # not frozen, which makes making one four times as dear
class Read:
    """A picture that was read."""

    prepared: Prepared
    prediction: Prediction
    infer_seconds: float


async def read_picture(
    raw: bytes,
    ask: Ask,
    held: Held,
    origin: str,
    expected: Expected | None = None,
    wanted: AbstractAsyncContextManager[None] = ANYHOW,
) -> Read:
    """Open and read a picture, where it takes a thread only as long as it is `wanted`. Within `Workers.deadline`.

    `expected` is the place that was kept for it, if any. Raises UnsupportedImage, CorruptImage, ImageTooLarge,
    InvalidRequest, Overloaded.
    """
    image = open_image(raw, held.settings.max_pixels)
    read = partial(_read, image, ask)
    pixels = image.width * image.height
    place = held.admission.place(origin, pixels, expected)
    if is_small(pixels, raw):
        return read()
    async with wanted:
        return await held.workers.begin(read, origin, place)


def _read(image: Opened, ask: Ask) -> Read:
    """Prepare and classify a picture, in one thread: in the event loop the network would run in others' way."""
    prepared = pipeline.prepare(image, ask.polarity)
    start = perf_counter()
    [prediction] = pipeline.predict([prepared], ask.classifier, ask.extra)
    return Read(prepared, prediction, perf_counter() - start)
