"""How a request is refused before there is an app to do it: the answer, and how long the client has to read it."""

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.boundary import SECURITY_LINES
from service.linger import LINGER_SECONDS

TOLD_SECONDS = 0.4
"""Who was too slow to send has so long to read why, which is until the next sweep: nothing of worth is on the way."""


class Refused(Exception):
    """Raised in a parser callback: the request is answered, most often in plain text, and the connection closed."""

    def __init__(self, status: HTTPStatus, reason: str, answer: bytes = b"", linger: float = 0) -> None:
        super().__init__(reason)
        self.answer = answer or plain_answer(status, reason)
        self.linger = linger or LINGER_SECONDS


def too_slow(reason: str) -> Refused:
    """What a client past a deadline is told."""
    return Refused(HTTPStatus.REQUEST_TIMEOUT, reason, linger=TOLD_SECONDS)


def plain_answer(status: HTTPStatus, reason: str, headers: str = "") -> bytes:
    """The bytes of an answer that no app gave."""
    lines = (
        f"content-type: text/plain; charset=utf-8\r\ncontent-length: {len(reason)}\r\nconnection: close\r\n{headers}"
        f"{SECURITY_LINES}\r\n"
    )
    return STATUS_LINE[status] + (lines + reason).encode("ascii")
