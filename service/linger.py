"""An answer given before the whole request has arrived must still reach the client.

Most clients read only when they have written all. Closing the connection while they write makes the kernel reset it,
and the answer is lost on the way. So the end of such an answer is held back while the rest of the body is thrown away,
up to a bound; then the connection is closed.
"""

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LINGER_SECONDS = 5.0
LINGER_BYTES = 64 * 1024 * 1024


class Linger:
    """Lets every request arrive, or enough of it, before its answer ends."""

    def __init__(self, app: ASGIApp, seconds: float = LINGER_SECONDS, most_bytes: int = LINGER_BYTES) -> None:
        self.app = app
        self.seconds = seconds
        self.most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not has_body(scope):
            await self.app(scope, receive, send)
            return
        arriving = True

        async def receive_noted() -> Message:
            nonlocal arriving
            message = await receive()
            arriving = message.get("more_body", False)
            return message

        async def send_lingering(message: Message) -> None:
            if arriving and message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            if arriving and message["type"] == "http.response.body" and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await self.discard(receive_noted)
                message = {"type": "http.response.body"}
            await send(message)

        await self.app(scope, receive_noted, send_lingering)

    async def discard(self, receive: Receive) -> None:
        """Throw away what arrives: all of it, or what comes within the bounds."""
        seen = 0
        try:
            async with asyncio.timeout(self.seconds):
                while seen < self.most_bytes:
                    message = await receive()
                    seen += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return
        except TimeoutError:
            return


def has_body(scope: Scope) -> bool:
    """Whether the request announced a body."""
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return True
    return False
