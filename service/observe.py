"""What is known of a request once it is answered, and who is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.admission import WORK

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
UNMATCHED = "unmatched"
GONE = 499
"""The status of a request whose client left before it was answered, as gateways write it."""


@dataclass(slots=True)  # not frozen, which makes making one four times as dear
class Finished:
    """A request that was answered, or whose client left."""

    scope: Scope
    method: str
    """HTTP's own, or `other`."""
    route: str
    """The template of its route, or `unmatched`."""
    status: int
    seconds: float
    """From its head to when its answer's end is ready to be sent."""
    body_bytes: int
    """That were read of its body."""


Observer = Callable[[Finished], None]


class Observe:
    """Tells every observer of every request."""

    def __init__(self, app: ASGIApp, observers: Sequence[Observer]) -> None:
        self.app = app
        self.observers = observers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = perf_counter()
        status, received, told = GONE, 0, False

        def tell() -> None:
            nonlocal told
            told = True
            method = scope["method"] if scope["method"] in METHODS else "other"
            finished = Finished(scope, method, route_of(scope), status, perf_counter() - start, received)
            for observer in self.observers:
                observer(finished)

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body", False) and not told:
                tell()  # before it is sent: who has an answer finds it counted
            await send(message)

        try:
            await self.app(scope, receive_counted, send_noted)
        finally:
            if not told:
                tell()


def route_of(scope: Scope) -> str:
    """The template of the route that a request was for, where there is one."""
    path = getattr(scope.get("route"), "path", None)
    if path is None and "app_root_path" in scope:  # a folder of files
        path = scope["root_path"].removeprefix(scope["app_root_path"]) + "/{path}"
    if path is None and scope["path"] in WORK:  # refused before it was routed
        path = scope["path"]
    return UNMATCHED if path is None else path
