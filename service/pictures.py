"""Pictures in files, for the command line: read, opened and prepared, or a word on what is wrong with them."""

import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from model.framing import Polarity
from service.errors import BodyTooLarge, InternalError, MalformedBody, ServiceError
from service.pipeline import Prepared, prepare_raw

logger = logging.getLogger(__name__)


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
    """A file's bytes. Raises OSError, and BodyTooLarge before a byte of a file that is too large was read."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123  half the time of Path.open, for files this small
        if os.fstat(file.fileno()).st_size > max_bytes:
            raise BodyTooLarge(max_bytes)
        return file.readall()


def prepare_picture(source: str | bytes, looking: Looking) -> Prepared | Fault:
    """Make a picture, its path or its bytes, ready for the network. Never raises: one picture is not all of them."""
    try:
        raw = source if isinstance(source, bytes) else read_file(source, looking.max_bytes)
        if not raw:
            raise MalformedBody("The file is empty; name a picture.")
        if len(raw) > looking.max_bytes:
            raise BodyTooLarge(looking.max_bytes)
        return prepare_raw(raw, looking.max_pixels, looking.polarity)
    except (ServiceError, OSError) as error:
        return Fault.of(error)
    except Exception:
        logger.exception("a picture could not be prepared")
        return Fault.of(InternalError("This is a fault of the program; please report it, with the picture."))
