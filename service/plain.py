"""Plain requests, read from the bytes that came: the parser would call back for each line of their heads.

What is read here is a small part of HTTP, with nothing left to interpretation. `tests/test_plain.py` holds it to what
the parser makes of the same bytes.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter
from typing import Protocol, TypeVar

from starlette.types import Scope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.server import ServerState

from service.admission import Arrival
from service.expected import Expected

T = TypeVar("T")

_TOKEN = rb"[!#$%&'*+.0-9A-Z^_`a-z|~-]++"
_BEGINNINGS = (b"POST /predict HTTP/1.1\r\n", b"POST /v1/predict HTTP/1.1\r\n")
_HEAD = re.compile(rb"POST ((?:/v1)?/predict) HTTP/1\.1\r\n((?:%b: ?+[!-~][ -~]*+(?<! )\r\n)++)\r\n" % _TOKEN).fullmatch
_LINES = re.compile(rb"([^:]++): ?+([^\r]++)\r\n").findall

_MOST_DIGITS = 15
"""Of a length: no body is so long, and Python would not read thousands of them."""

_SHORT_HEAD = 512
"""Bytes of those that are kept; all together take 2 MB at most. Longer ones have something of their own to say."""

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


@dataclass(frozen=True, slots=True)
class _Head:
    """What the head of a plain request says."""

    path: str
    headers: Mapping[bytes, bytes]
    body_bytes: int


@dataclass(slots=True)
class Plain:
    """A request for a prediction, with a body whose length it tells, on a connection that is kept."""

    connection: Connection
    path: str
    headers: Mapping[bytes, bytes]
    """By their names in small letters; none is there twice. Other requests may share them."""
    head: bytes
    body: bytes | bytearray | memoryview
    """What came of it, and behind it."""
    body_bytes: int
    """As it tells."""
    origin: str = ""
    started: float = field(default_factory=perf_counter)
    arrival: Arrival | None = None
    """Where so much is still to come that its bytes are counted."""
    expected: Expected | None = None
    """The place that is kept for a large picture."""
    reading: asyncio.Task[None] | None = None
    """Where its picture is read by itself."""
    left: bool = False
    """Whether it has gone the long way."""
    _kept: ExitStack | None = None

    @property
    def content_type(self) -> str:
        """As it tells; empty where it does not."""
        return self.headers.get(b"content-type", b"").decode("ascii")

    @property
    def missing(self) -> int:
        """Bytes still to come; below 0 where something else has come behind them."""
        return self.body_bytes - len(self.body)

    @property
    def scope(self) -> Scope:
        """What errors and observers ask of it."""
        return {"method": "POST", "path": self.path, "headers": self.headers.items(), "state": {}}

    def keep(self, something: AbstractContextManager[T]) -> T:
        """Hold something for as long as it is neither answered nor has left."""
        if self._kept is None:
            self._kept = ExitStack()
        return self._kept.enter_context(something)

    def add(self, data: bytes | bytearray | memoryview) -> bool:
        """More of it came; False, and it is left out, where all bodies together hold too many bytes."""
        if self.arrival:
            if not self.arrival.admits(len(data)):
                return False
            self.arrival.add(len(data))
        if not self.body:
            self.body = data
        elif isinstance(self.body, bytearray):
            self.body += data
        elif len(data) == self.missing:  # most that come in parts come in two: they are copied once
            self.body = b"".join((self.body, data))
        else:
            self.body = bytearray(self.body)
            self.body += data
        return True

    def arrived(self) -> None:
        """All of it is there: a large picture's place is kept until it takes one in the line."""
        self.body = bytes(self.body)
        if self.arrival:
            self.arrival.close()
        if self.expected:
            self.expected.arrived()

    def end(self) -> None:
        """It is answered, or the app will do that: nothing is held for it, nor by it."""
        self.arrival = self.expected = None
        if self._kept:
            self._kept.close()

    def leave(self) -> None:
        """It goes the long way: nobody waits for what is done about it."""
        reading, self.reading = self.reading, None
        self.left = True
        self.end()
        if reading:
            reading.cancel()


def read_plain(data: bytes, connection: Connection, most_head_bytes: int) -> Plain | None:
    """The request that these bytes begin with, or are; None where it is not plain, or its head is not complete."""
    if not data.startswith(_BEGINNINGS):
        return None
    end = data.find(b"\r\n\r\n", 0, most_head_bytes) + 4
    if end < 4:
        return None
    read = _known_head if end <= _SHORT_HEAD else _read_head
    head = read(data[:end])
    if head is None:
        return None
    has_more = 2 * end < len(data) < end + head.body_bytes
    body = memoryview(data)[end:] if has_more else data[end:]  # a view keeps the head too, which must not be most of it
    return Plain(connection, head.path, head.headers, data[:end], body, head.body_bytes)


def _read_head(head: bytes) -> _Head | None:
    """What a head says, to its last byte; None where it is not plain."""
    match = _HEAD(head)
    if match is None:
        return None
    lines = _LINES(match[2])
    headers = {name.lower(): value for name, value in lines}
    length = headers.get(b"content-length", b"")
    if (
        len(headers) < len(lines)
        or b"host" not in headers
        or not length.isdigit()
        or len(length) > _MOST_DIGITS
        or not UNTAKEN.isdisjoint(headers)
        or headers.get(b"connection", b"keep-alive").lower() != b"keep-alive"
    ):
        return None
    return _Head(match[1].decode(), headers, int(length))


_known_head = lru_cache(maxsize=256)(_read_head)
"""A program says the same of each picture, but for its length: most of what it costs to read that is saved."""
