"""What only the connection can enforce: the size of a request's head, its deadlines, and how many there may be.

uvicorn's httptools parser has no header limit and no deadlines of its own. Everything else stays uvicorn's business.
"""

from http import HTTPStatus
from typing import Any, Literal

import httptools
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.admission import Admission
from service.errors import problem_app
from service.linger import Linger
from service.settings import Settings

BYTES_PER_SECOND = 64 * 1024
"""A body has a second more for each of these that came: slow lines are served, trickles are not."""

VERSIONS = ("1.1", "1.0")

Phase = Literal["idle", "head", "body"]


class Refused(Exception):
    """Raised in a parser callback: the request is answered in plain text and the connection closed."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with limits, deadlines and early refusal.

    Deadlines cost a request nothing but a few attributes: the server's sweep calls `enforce_deadlines` twice a second.
    """

    def __init__(self, *args: Any, settings: Settings, admission: Admission, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.settings = settings
        self.admission = admission
        self.service = self.app
        self.phase: Phase = "head"  # of the request that is being parsed
        self.since = self.loop.time()  # when that phase began
        self.silent = True  # whether not a byte has come yet
        self.stalled_bytes = 0  # fed since the last progress: what the parser holds back, or throws away
        self.body_bytes = 0
        self.unread_bytes = 0  # of our answers, at the last sweep
        self.unread_since = self.since

    # What arrives

    def connection_made(self, transport: Any) -> None:
        """Refuse the connection that is one too many."""
        super().connection_made(transport)
        if len(self.connections) > self.settings.max_connections:
            self.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.", "retry-after: 1\r\n")

    def data_received(self, data: bytes) -> None:
        """Feed the parser and see whether what it makes of the bytes stays within the limits."""
        self._unset_keepalive_if_required()
        if self.transport.is_closing():
            return
        self.silent = False
        self.stalled_bytes += len(data)
        try:
            self.parser.feed_data(data)
            self.check_progress()
        except httptools.HttpParserUpgrade:
            # No upgrade is offered, so the request is answered as if it had not asked; what follows is not HTTP.
            self.cycle.keep_alive = False
        except (Refused, httptools.HttpParserError) as error:
            refused = error if isinstance(error, Refused) else error.__context__
            if isinstance(refused, Refused):
                self.refuse(refused.status, refused.reason)
            else:
                self.refuse(HTTPStatus.BAD_REQUEST, "This is not valid HTTP.")

    def check_progress(self) -> None:
        """Bound what the parser may hold back: an endless header, an endless chunk extension. Raises Refused."""
        if self.stalled_bytes <= self.settings.max_header_bytes:
            return
        if self.phase == "head":
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's head is too large.")
        if self.phase == "body":
            raise Refused(HTTPStatus.BAD_REQUEST, "The body does not advance.")

    # What the parser finds

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.enter("head")

    def on_url(self, url: bytes) -> None:
        """Raises Refused where the URL is too long."""
        super().on_url(url)
        if len(self.url) > self.settings.max_url_bytes:
            raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, "The URL is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Raises Refused where there are too many."""
        super().on_header(name, value)
        if len(self.headers) > self.settings.max_header_count:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request has too many headers.")

    def on_headers_complete(self) -> None:
        """Start the app, or what stands in for it where every slot is taken. Raises Refused."""
        self.check_head()
        path = self.url.partition(b"?")[0].decode("latin-1")
        busy = self.admission.full and self.admission.guards(path)
        self.app = self.busy_app() if busy else self.service
        super().on_headers_complete()
        self.enter("body")

    def check_head(self) -> None:
        """Raises Refused where the head is too large, of another version, or does not name one host."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.settings.max_header_bytes:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's head is too large.")
        version = self.parser.get_http_version()
        if version not in VERSIONS:
            raise Refused(HTTPStatus.BAD_REQUEST, "HTTP/1.1 and HTTP/1.0 are spoken here.")
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            raise Refused(HTTPStatus.BAD_REQUEST, "The request must have one Host header.")

    def busy_app(self) -> ASGIApp:
        """An app that tells this one request to come back later."""
        return Linger(problem_app(self.admission.busy()))

    def on_body(self, body: bytes) -> None:
        """Some of the body came."""
        self.stalled_bytes = 0
        self.body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there in full."""
        super().on_message_complete()
        self.enter("idle")

    def enter(self, phase: Phase) -> None:
        """Begin a phase of the request that is being parsed."""
        self.phase = phase
        self.since = self.loop.time()
        self.stalled_bytes = 0
        self.body_bytes = 0

    # What ends it

    @property
    def answering(self) -> bool:
        """Whether a request is in work."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def idle(self) -> bool:
        """Whether nothing was asked that is not answered."""
        return not self.answering and (self.silent or self.phase == "idle")

    def enforce_deadlines(self, now: float) -> None:
        """Close the connection where its client is too slow to send or to read. `now` is the loop's time."""
        if self.unread_for(now) > self.settings.write_timeout_seconds:
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self.phase == "head" and not self.answering:
            if now - self.since > self.settings.header_timeout_seconds:
                self.refuse(HTTPStatus.REQUEST_TIMEOUT, "The request's head took too long.")
        elif self.phase == "body":
            allowed = self.settings.body_timeout_seconds + self.body_bytes / BYTES_PER_SECOND
            if now - self.since > allowed:
                self.refuse(HTTPStatus.REQUEST_TIMEOUT, "The body took too long.")

    def unread_for(self, now: float) -> float:
        """For how many seconds the client has taken nothing of what waits for it."""
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or unread < self.unread_bytes:
            self.unread_since = now
        self.unread_bytes = unread
        return now - self.unread_since

    def refuse(self, status: HTTPStatus, reason: str, headers: str = "") -> None:
        """Answer in plain text, where nobody is answering already and somebody has asked, and close."""
        asked = not self.silent or status == HTTPStatus.SERVICE_UNAVAILABLE
        if asked and not (self.answering and self.cycle.response_started):
            head = f"content-type: text/plain; charset=utf-8\r\ncontent-length: {len(reason)}\r\nconnection: close\r\n"
            self.transport.write(STATUS_LINE[status] + f"{head}{headers}\r\n{reason}".encode("ascii"))
        self.transport.close()
