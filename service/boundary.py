"""What is true of every answer of the app, whatever route gave it."""

import logging

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import InternalError, problem_response
from service.readiness import Readiness
from service.request_id import request_id

logger = logging.getLogger(__name__)

POLICY = "default-src 'none'; frame-ancestors 'none'"
"""Of answers that are no pages: whatever a browser is led to take them for, nothing in them runs or is framed."""
SECURITY_LINES = f"x-content-type-options: nosniff\r\ncontent-security-policy: {POLICY}\r\n"
"""For answers that are written as bytes."""


class Boundary:
    """Gives every answer its request id, closes connections while draining, and turns a bug into a 500."""

    def __init__(self, app: ASGIApp, readiness: Readiness) -> None:
        self.app = app
        self.readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_marked(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self.mark(MutableHeaders(scope=message), request_id(scope))
            await send(message)

        try:
            await self.app(scope, receive, send_marked)
        except ClientDisconnect:
            pass  # nobody is left to answer
        except Exception:
            logger.exception("request %s failed", request_id(scope))
            if started:
                raise
            error = InternalError("Try again; if it goes on, report the request_id.")
            await problem_response(scope, error)(scope, receive, send_marked)

    def mark(self, headers: MutableHeaders, request: str) -> None:
        """Add what every answer carries."""
        headers["X-Request-ID"] = request
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Content-Security-Policy", POLICY)
        if self.readiness.state == "draining":
            headers["Connection"] = "close"
