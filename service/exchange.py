"""An exchange is answered within the protocol, in place of an app: without a task, and with ready bytes."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

MOST_BYTES = 16 * 1024
"""Of a body that is waited for here."""

UNTAKEN = frozenset({b"content-encoding", b"expect", b"transfer-encoding", b"upgrade"})
"""Headers that ask for more than an answer."""


@dataclass(slots=True)
class Exchange(ABC):
    """A request whose head has come."""

    cycle: RequestResponseCycle = field(init=False)
    """Set when it is its turn on the connection."""

    @abstractmethod
    def submit(self) -> None:
        """Have it answered: it is its turn, and its body has arrived."""


def is_short(headers: dict[bytes, bytes], most_bytes: int) -> bool:
    """Whether a request has a body, of no more than so many bytes, and asks for nothing but an answer."""
    return UNTAKEN.isdisjoint(headers) and 0 < int(headers.get(b"content-length", b"0")) <= most_bytes


def write(cycle: RequestResponseCycle, status: HTTPStatus, headers: bytes, body: bytes) -> None:
    """Write a whole answer, as the cycle itself does message by message."""
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(answer_bytes(status, cycle.default_headers, headers, body, cycle.keep_alive))
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()


def answer_bytes(
    status: HTTPStatus, default_headers: Iterable[tuple[bytes, bytes]], headers: bytes, body: bytes, keep_alive: bool
) -> bytes:
    """A whole answer; each line of `headers` has its end."""
    lines = [STATUS_LINE[status]]
    for name, value in default_headers:
        lines += (name, b": ", value, b"\r\n")
    lines += (headers, b"\r\n" if keep_alive else b"connection: close\r\n\r\n", body)
    return b"".join(lines)
