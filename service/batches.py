"""The pictures of a batch, decoded and framed in threads: small ones many at a time, large ones each by itself."""

from collections.abc import Sequence
from functools import partial

from model.framing import Polarity
from service.errors import ServiceError
from service.imaging import Opened, open_image
from service.pipeline import Prepared, Ready, decode, frame_ready, prepare_framed
from service.workers import Workers

GROUP_PIXELS = 250_000
"""Of the pictures that a thread works on before others have their turn: some tens of milliseconds."""

Outcome = Prepared | ServiceError
"""What became of a picture; what fails is an error in its place."""


async def prepare_batch(
    images: Sequence[bytes | ServiceError], polarity: Polarity, max_pixels: int, workers: Workers, origin: str
) -> list[Outcome]:
    """Open, decode and frame every picture, in order."""
    begun = await workers.run(partial(_begin, images, polarity, max_pixels), origin)
    opened = [item for item in begun if isinstance(item, Opened)]
    groups = await workers.map(partial(_finish, polarity=polarity), grouped(opened), origin)
    finished = iter([outcome for group in groups for outcome in group])
    return [next(finished) if isinstance(item, Opened) else item for item in begun]


def _begin(images: Sequence[bytes | ServiceError], polarity: Polarity, max_pixels: int) -> list[Outcome | Opened]:
    """Prepare what is framed already, and open the others."""
    raws = [None if isinstance(image, ServiceError) or polarity == "dark-on-light" else image for image in images]
    return [
        framed or (image if isinstance(image, ServiceError) else _opened(image, max_pixels))
        for image, framed in zip(images, prepare_framed(raws), strict=True)
    ]


def _opened(raw: bytes, max_pixels: int) -> ServiceError | Opened:
    try:
        return open_image(raw, max_pixels)
    except ServiceError as error:
        return error


def grouped(images: Sequence[Opened]) -> list[list[Opened]]:
    """Split a batch, in order; each part is one picture, or several that are small."""
    groups: list[list[Opened]] = []
    room = 0
    for image in images:
        pixels = image.width * image.height
        if pixels > room:
            groups.append([])
            room = GROUP_PIXELS
        groups[-1].append(image)
        room -= pixels
    return groups


def _finish(images: Sequence[Opened], polarity: Polarity) -> list[Outcome]:
    """Decode each, and frame them together."""
    ready = [_decoded(image) for image in images]
    prepared = iter(frame_ready([item for item in ready if isinstance(item, Ready)], polarity))
    return [next(prepared) if isinstance(item, Ready) else item for item in ready]


def _decoded(image: Opened) -> Ready | ServiceError:
    try:
        return decode(image)
    except ServiceError as error:
        return error
    finally:
        image.close()  # its pixels: the batch holds on to every picture that it has opened
