"""Telling a client why it has no answer: to come back later for next to nothing, as there may be thousands a second."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from time import perf_counter
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.boundary import SECURITY_LINES
from service.errors import PROBLEM_JSON, Overloaded, ServiceError, problem, problem_response
from service.exchange import write
from service.observe import METHODS, Finished, Observer
from service.request_id import request_id

_HEADERS = (
    f"retry-after: 1\r\ncontent-length: %d\r\ncontent-type: {PROBLEM_JSON}\r\nx-request-id: %b\r\n{SECURITY_LINES}"
)

ID = "{id}"
"""Stands for the request's id until it is known; nothing else has braces."""


@dataclass(slots=True)
class Busy:
    """A short request for which there is no slot. Its body is thrown away, and the connection is kept."""

    error: Overloaded
    observers: Sequence[Observer]
    started: float = field(default_factory=perf_counter)
    cycle: RequestResponseCycle = field(init=False)
    """Set when it is its turn on the connection."""

    def submit(self) -> None:
        """Tell it: it is its turn, and its body has arrived."""
        scope: Any = self.cycle.scope  # uvicorn types it more narrowly
        seconds = perf_counter() - self.started
        write(self.cycle, HTTPStatus.SERVICE_UNAVAILABLE, *told(scope, self.error, self.observers, seconds))


def told(
    scope: Scope, error: ServiceError, observers: Sequence[Observer], seconds: float = 0.0, body_bytes: int = 0
) -> tuple[bytes, bytes]:
    """The headers and the body of the answer to a request that has failed; every observer is told.

    `body_bytes`: of its body, those that were read.
    """
    method = scope["method"] if scope["method"] in METHODS else "other"
    finished = Finished(scope, method, scope["path"], error.status, seconds, body_bytes)
    for observer in observers:
        observer(finished)
    return _come_back(scope, error) if isinstance(error, Overloaded) else _written(scope, error)


def _written(scope: Scope, error: ServiceError) -> tuple[bytes, bytes]:
    response = problem_response(scope, error)
    lines = b"".join([b"%b: %b\r\n" % header for header in response.raw_headers])
    always = f"x-request-id: {request_id(scope)}\r\n{SECURITY_LINES}".encode()
    return lines + always, bytes(response.body)


def _come_back(scope: Scope, error: Overloaded) -> tuple[bytes, bytes]:
    name = request_id(scope).encode()
    body, headers = ready(scope["path"], error.detail)
    body = body.replace(ID.encode(), name)
    return headers % (len(body), name), body


@lru_cache(100)
def ready(path: str, detail: str) -> tuple[bytes, bytes]:
    """The same for every request to one of the few paths that need a slot, with ID in place of its id."""
    scope = {"path": path, "headers": [], "state": {"request_id": ID}}
    body = problem(scope, Overloaded(detail)).model_dump_json().encode()
    return body, _HEADERS.encode()
