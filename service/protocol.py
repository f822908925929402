"""What only the connection can enforce: the size of a request's head, its deadlines, and how many there may be.

uvicorn's httptools parser has no header limit and no deadlines of its own. Everything else stays uvicorn's business.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Literal, NoReturn

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.admission import BIG_BODY, ONE_PICTURE, Admission
from service.busy import Busy, told
from service.exchange import answer_bytes
from service.expected import Expected
from service.front import Front
from service.linger import LINGER_BYTES, LINGER_SECONDS
from service.observe import Observer
from service.refusal import Refused, plain_answer, too_slow
from service.settings import Settings

MAX_WAITING = 100
"""Requests that may wait behind the one in work. A single read brings thousands of short ones; each takes some 3 kB."""

VERSIONS = ("1.1", "1.0")

Phase = Literal["head", "body", "idle", "ended"]


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with limits, deadlines and early refusal.

    Deadlines cost a request nothing but a few attributes: the server's sweep calls `enforce_deadlines` twice a second.
    """

    def __init__(
        self,
        *args: Any,
        settings: Settings,
        admission: Admission,
        observers: Sequence[Observer],
        front: Front | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.settings = settings
        self.front = front
        self.admission = admission
        self.observers = observers
        self.service = self.app
        self.working: RequestResponseCycle | None = None  # the request in work; others wait in self.pipeline
        self.arriving: Busy | None = None  # what is in work, where its body is only waited for
        self.expected: Expected | None = None  # the place that is kept for a large body
        self.phase: Phase = "head"  # of the request that is being parsed; "ended" is for good
        self.since = self.loop.time()  # when that phase began
        self.silent = True  # whether not a byte has come yet
        self.url = b""
        self.stalled_bytes = 0  # come since the last progress: what the parser holds back, or what is thrown away
        self.body_bytes = 0
        self.unread_bytes = 0  # of our answers, at the last sweep
        self.unread_since = self.since
        self.refusal = b""  # the last word, once the connection has ended
        self.linger = LINGER_SECONDS  # for how long what comes after it is thrown away

    # What arrives

    def connection_made(self, transport: Any) -> None:
        """Turn away the connection that is one too many."""
        super().connection_made(transport)
        self.origin = self.admission.origin_of(self.client)
        admitted = self.admission.connections.admits(self.origin)
        self.admission.connections.take(self.origin)
        if not admitted:
            status, busy = HTTPStatus.SERVICE_UNAVAILABLE, self.admission.busy("Too many connections.")
            transport.write(plain_answer(status, busy.detail, "retry-after: 1\r\n"))
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Feed the parser and see whether what it makes of the bytes stays within the limits."""
        self.stalled_bytes += len(data)
        if self.phase == "ended" or self.transport.is_closing():
            self.discard()
        else:
            self.feed(data)

    def feed(self, data: bytes) -> None:
        """Show the parser what has come."""
        if self.phase == "idle":
            self.enter("head")  # a blank line before a request does not begin it for the parser; for us it does
        self.silent = False
        try:
            self.parser.feed_data(data)
            self.check_progress()
        except httptools.HttpParserUpgrade:
            # No upgrade is offered, so the request is answered as if it had not asked; what follows is not HTTP.
            self.cycle.keep_alive = False
            self.enter("ended")
        except (Refused, httptools.HttpParserError) as error:
            refused = error if isinstance(error, Refused) else error.__context__
            if isinstance(refused, Refused):
                self.refuse(refused)
            else:
                self.refuse(Refused(HTTPStatus.BAD_REQUEST, "This is not valid HTTP."))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the app at work; uvicorn would tell the request that came last."""
        self.stop_expecting()
        self.forget_client()
        self.admission.connections.give_back(self.origin)
        super().connection_lost(exc)

    def discard(self) -> None:
        """Throw away what comes after the end, up to a bound."""
        if self.stalled_bytes > LINGER_BYTES:
            self.transport.abort()

    def check_progress(self) -> None:
        """Bound what the parser may hold back: an endless header, an endless chunk extension. Raises Refused."""
        if self.phase == "head" and len(self.url) > self.settings.max_url_bytes:
            raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, "The URL is too long.")
        if self.stalled_bytes <= self.settings.max_header_bytes:
            return
        if self.phase == "head":
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's head is too large.")
        if self.phase == "body":
            raise Refused(HTTPStatus.BAD_REQUEST, "The body does not advance.")

    # What the parser finds

    def on_message_begin(self) -> None:
        """A request begins. Raises Refused where too many wait already."""
        super().on_message_begin()
        self.enter("head")
        if len(self.pipeline) >= MAX_WAITING:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "Too many requests wait on this connection.")

    def on_headers_complete(self) -> None:
        """Start the app, or what stands in for it where every slot is taken. Raises Refused."""
        self.check_head()
        self.app = self.chosen_app()
        super().on_headers_complete()
        self.headers = []  # what the parser adds now are trailers, and the app has the headers already
        self.enter("body")

    def check_head(self) -> None:
        """Raises Refused where the head is too large, of another version, or does not name one host."""
        size, hosts = len(self.url), 0
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            hosts += name == b"host"
        version = self.parser.get_http_version()
        if len(self.url) > self.settings.max_url_bytes:
            raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, "The URL is too long.")
        if size > self.settings.max_header_bytes:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's head is too large.")
        if len(self.headers) > self.settings.max_header_count:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request has too many headers.")
        if version not in VERSIONS:
            raise Refused(HTTPStatus.BAD_REQUEST, "HTTP/1.1 and HTTP/1.0 are spoken here.")
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            raise Refused(HTTPStatus.BAD_REQUEST, "The request must have one Host header.")

    @property
    def url_path(self) -> str:
        """As it was sent, of the request whose head has come; its scope has none before it is passed on."""
        return self.url.partition(b"?")[0].decode("latin-1")

    def chosen_app(self) -> Any:
        """Who answers the request whose head has come: the app, or what stands in for it. Raises Refused."""
        traced = self.front is not None and self.front.traced  # then the app refuses, under a span of the request's
        if traced or self.parser.get_method() != b"POST" or not self.admission.guards(self.url_path):
            return self.service
        origin = self.admission.origin(self.scope)
        headers = dict(self.headers)
        body_bytes = int(headers.get(b"content-length", b"0"))
        if not self.admission.admits(origin, body_bytes):
            if self.settings.cors_origins and b"origin" in headers:
                return self.service  # which refuses it so that a page may read why
            unread = self.flow.write_paused  # what is said to it would pile up
            return (self.front and not unread and self.front.turn_away(headers)) or self.turn_away()
        self.stop_expecting()
        if self.url_path in ONE_PICTURE and BIG_BODY < body_bytes <= self.settings.max_body_bytes:
            self.expected = Expected(self.admission.kept_place(origin, body_bytes), lambda: self.body_bytes)
            self.scope["state"]["expected"] = self.expected
        self.admission.in_work.take(origin)  # what one turn of the loop brings is in work together
        self.loop.call_soon(self.admission.in_work.give_back, origin)
        return self.service

    def turn_away(self) -> NoReturn:
        """Tell a request to come back later, whatever of its body is still to come. Raises Refused."""
        status = HTTPStatus.SERVICE_UNAVAILABLE
        self.scope["path"] = self.url_path
        self.scope["method"] = self.parser.get_method().decode("ascii")
        scope: Any = self.scope  # uvicorn types it more narrowly
        told_of = told(scope, self.admission.busy(), self.observers)
        raise Refused(status, "", answer_bytes(status, self.server_state.default_headers, *told_of, keep_alive=False))

    def on_body(self, body: bytes) -> None:
        """Some of the body came."""
        self.stalled_bytes = 0
        self.body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there in full."""
        super().on_message_complete()
        if self.expected:
            self.expected.arrived()
        if self.arriving:
            self.arriving.submit()
            self.arriving = None
        self.enter("idle")

    def stop_expecting(self) -> None:
        """Give back the place that was kept for a large body, if any."""
        if self.expected:
            self.expected.close()
            self.expected = None

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
        return self.working is not None and not self.working.response_complete

    @property
    def idle(self) -> bool:
        """Whether nothing was asked that is not answered."""
        return not self.answering and (self.silent or self.phase in ("idle", "ended"))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Remember which request is in work; uvicorn only knows the one that came last."""
        self.working = cycle
        if not isinstance(app, Busy):
            super()._start_asgi_task(cycle, app)
            return
        app.cycle = cycle
        if cycle.more_body:
            self.arriving = app
        else:
            app.submit()

    def on_response_complete(self) -> None:
        """Go on with the request that waits, or hang up where the next was refused.

        In place of uvicorn's, which sets a timer for each answer, and lets it strike while the next request arrives.
        """
        self.server_state.total_requests += 1
        self.stop_expecting()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.phase == "ended":
            self.hang_up()
        elif self.phase != "body":
            self.since = self.loop.time()

    def enforce_deadlines(self, now: float) -> None:
        """Close the connection where its client is too slow to send or to read. `now` is the loop's time."""
        if self.unread_for(now) > self.settings.write_timeout_seconds:
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self.flow.read_paused:
            self.since = now  # the client cannot send while we do not read
        elif self.phase == "body":
            allowed = self.settings.body_timeout_seconds + self.body_bytes / self.settings.min_body_rate
            if now - self.since > allowed:
                self.refuse(too_slow("The body took too long."))
        elif self.answering:
            return
        elif self.phase == "idle" and now - self.since > self.settings.keep_alive_seconds:
            self.transport.close()
        elif self.phase == "head" and now - self.since > self.settings.header_timeout_seconds:
            self.refuse(too_slow("The request's head took too long."))
        elif self.phase == "ended" and now - self.since > self.linger:
            self.transport.abort()

    def unread_for(self, now: float) -> float:
        """For how many seconds the client has taken nothing of what waits for it."""
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or unread < self.unread_bytes:
            self.unread_since = now
        self.unread_bytes = unread
        return now - self.unread_since

    def refuse(self, refused: Refused) -> None:
        """Answer the request that is being parsed, after those before it, and close."""
        self.refusal = b"" if self.silent else refused.answer
        self.linger = refused.linger
        if self.phase == "body" and self.pipeline:
            self.pipeline.popleft()  # it waits behind others, and no app has seen it
        elif self.phase == "body":
            if self.cycle.response_started:
                self.refusal = b""
            self.forget_client()
        self.enter("ended")
        if not self.answering:
            self.hang_up()

    def forget_client(self) -> None:
        """Tell the app at work that its client is gone: what it sends from now on goes nowhere."""
        if self.working is not None:
            self.working.disconnected = True
            self.working.message_event.set()
            if self.arriving:  # the app does what is done about clients that leave
                super()._start_asgi_task(self.working, self.service)
                self.arriving = None
            self.working = None
        self.flow.resume_writing()

    def hang_up(self) -> None:
        """Say the last word and half-close: a client that is still writing must not be reset before it has read."""
        if self.transport.is_closing():
            return
        if not self.refusal:
            self.transport.close()
            return
        self.enter("ended")
        self.flow.resume_reading()
        self.transport.write(self.refusal)
        self.transport.write_eof()
