"""Short exchanges are answered within the protocol, in place of an app: without a task, and with ready bytes."""

from collections.abc import Iterable
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from service.plain import UNTAKEN

MOST_BYTES = 16 * 1024
"""Of a body that is waited for here."""


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
    end = headers if keep_alive else headers + b"connection: close\r\n"
    return b"%b%b\r\n%b" % (first_lines(status, default_headers), end, body)


def first_lines(status: HTTPStatus, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The status and what the server says in every answer."""
    return STATUS_LINE[status] + b"".join([b"%b: %b\r\n" % header for header in default_headers])
