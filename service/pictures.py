"""Pictures in files, for the command line: read, opened and prepared, or a word on what is wrong with them."""

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

from model.framing import Polarity
from service.errors import BodyTooLarge, InternalError, MalformedBody, ServiceError
from service.pipeline import Prepared, Ready, decode_raw, frame_ready

logger = logging.getLogger(__name__)

TOGETHER = 640_000
"""Pixels, of pictures that are held in memory to be framed together."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Looking:
    """How pictures are looked at: the service's own limits, and which of ink and ground is dark."""

    max_bytes: int
    max_pixels: int
    polarity: Polarity = "auto"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no answer, in the words of the HTTP contract."""

    type: str
    title: str
    detail: str

    @classmethod
    def of(cls, error: ServiceError | OSError) -> "Fault":
        """Name an error. A file that cannot be read has a type that HTTP does not know."""
        if isinstance(error, ServiceError):
            return cls(f"/problems/{error.name}", error.title, error.detail)
        return cls("/problems/unreadable-file", "The file cannot be read", f"{error.strerror or error}.")

    def document(self) -> dict[str, str]:
        """As JSON has it."""
        return asdict(self)


def read_file(path: str | Path, max_bytes: int) -> bytes:
    """A file's bytes, of a pipe `max_bytes` + 1 at most.

    Raises OSError, and BodyTooLarge before a byte of a file that is too large was read.
    """
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123  half the time of Path.open, for files this small
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise BodyTooLarge(max_bytes)
        return file.readall() if size else BufferedReader(file).read(max_bytes + 1)  # a pipe's is 0, and it may not end


def prepare_pictures(sources: Iterable[str | bytes], looking: Looking) -> list[Prepared | Fault]:
    """Make pictures, their paths or their bytes, ready for the network; several small ones are framed together.

    Never raises: one picture is not all of them.
    """
    prepared: list[Prepared | Fault] = []
    waiting: list[Ready | Fault] = []
    room = TOGETHER
    for source in sources:
        item = _guarded(partial(_decoded, source, looking))
        waiting.append(item)
        if isinstance(item, Ready):
            room -= item.decoded.grey.pixels.size
        if room <= 0:
            prepared += _framed(waiting, looking.polarity)
            waiting, room = [], TOGETHER
    return prepared + _framed(waiting, looking.polarity)


def _decoded(source: str | bytes, looking: Looking) -> Ready:
    """Raises OSError, ServiceError."""
    raw = source if isinstance(source, bytes) else read_file(source, looking.max_bytes)
    if not raw:
        raise MalformedBody("The file is empty; name a picture.")
    if len(raw) > looking.max_bytes:
        raise BodyTooLarge(looking.max_bytes)
    return decode_raw(raw, looking.max_pixels)


def _framed(items: Sequence[Ready | Fault], polarity: Polarity) -> list[Prepared | Fault]:
    """Frame what was decoded: together, or one by one where one of them makes trouble."""
    together = _guarded(lambda: frame_ready([item for item in items if isinstance(item, Ready)], polarity))
    if isinstance(together, list):
        each = iter(together)
        return [next(each) if isinstance(item, Ready) else item for item in items]
    return [_guarded(partial(_alone, item, polarity)) if isinstance(item, Ready) else item for item in items]


def _alone(ready: Ready, polarity: Polarity) -> Prepared:
    [prepared] = frame_ready([ready], polarity)
    return prepared


def _guarded(do: Callable[[], Made]) -> Made | Fault:
    """Do it, or say why it failed."""
    try:
        return do()
    except (ServiceError, OSError) as error:
        return Fault.of(error)
    except Exception:
        logger.exception("a picture could not be prepared")
        return Fault.of(InternalError("This is a fault of the program; please report it, with the picture."))
