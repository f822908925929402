"""Plain requests, read from the bytes that came: the parser would call back for each line of their heads.

What is read here is a small part of HTTP, with nothing left to interpretation. `tests/test_plain.py` holds it to what
the parser makes of the same bytes.
"""

import re
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.server import ServerState

_TOKEN = rb"[!#$%&'*+.0-9A-Z^_`a-z|~-]++"
_HEAD = re.compile(rb"POST ((?:/v1)?/predict) HTTP/1\.1\r\n((?:%b: ?+[!-~][ -~]*+(?<! )\r\n)++)\r\n" % _TOKEN).match
_LINES = re.compile(rb"([^:]++): ?+([^\r]++)\r\n").findall

UNTAKEN = frozenset({b"content-encoding", b"expect", b"transfer-encoding", b"upgrade"})
"""Headers that ask for more than an answer."""


class Connection(Protocol):
    """What a plain request came on."""

    client: tuple[str, int] | None
    origin: str
    flow: FlowControl
    server_state: ServerState

    def answer(self, data: bytes, *, last: bool) -> None:
        """Send an answer; hang up where it is the last."""

    def take_long_way(self) -> None:
        """Have the app answer it after all."""


@dataclass(slots=True)
class Plain:
    """A request for a prediction, with a body whose length it tells, on a connection that is kept."""

    connection: Connection
    data: bytes
    """All that came of it."""
    path: str
    headers: dict[bytes, bytes]
    """By their names in small letters; none is there twice."""
    head_bytes: int
    body_bytes: int
    """As it tells."""
    origin: str = ""
    started: float = field(default_factory=perf_counter)
    left: bool = False
    """Whether it has gone the long way."""

    @property
    def content_type(self) -> str:
        """As it tells; empty where it does not."""
        return self.headers.get(b"content-type", b"").decode("ascii")

    @property
    def missing(self) -> int:
        """Bytes still to come; below 0 where something else has come behind them."""
        return self.head_bytes + self.body_bytes - len(self.data)

    @property
    def body(self) -> bytes:
        """What came of it."""
        return self.data[self.head_bytes :]


def read_plain(data: bytes, connection: Connection) -> Plain | None:
    """The request that these bytes begin with, or are; None where it is not plain, or its head is not complete."""
    match = _HEAD(data)
    if match is None:
        return None
    lines = _LINES(match[2])
    headers = {name.lower(): value for name, value in lines}
    length = headers.get(b"content-length", b"")
    if (
        len(headers) < len(lines)
        or b"host" not in headers
        or not length.isdigit()
        or not UNTAKEN.isdisjoint(headers)
        or headers.get(b"connection", b"keep-alive").lower() != b"keep-alive"
    ):
        return None
    return Plain(connection, data, match[1].decode(), headers, match.end(), int(length))
