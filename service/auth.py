"""The optional API key, asked for before a byte of the body is read."""

import hmac
from collections.abc import Iterable
from hashlib import sha256

from starlette.types import ASGIApp, Receive, Scope, Send

from model.contract import NAME
from service.errors import Unauthorized, problem_response

PROBES = frozenset(
    {"/livez", "/readyz", "/healthz", "/health", "/v2/health/live", "/v2/health/ready"}
    | {f"/v2/models/{NAME}{version}/ready" for version in ("", "/versions/1")}
)
"""An orchestrator has no key. Every other path but the page's asks for it, those that do not exist included."""

PAGE, PAGE_FILES = "/", "/page/"
"""The demo page and what lies below this path: the same for everybody, and where a key is asked of a person."""


class RequireKey:
    """Lets a request through that carries `Authorization: Bearer <key>`, asks a probe's question or for the page."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app = app
        self.key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_open(scope["path"]) or is_authorized(scope["headers"], self.key):
            await self.app(scope, receive, send)
            return
        error = Unauthorized("Send the header Authorization: Bearer <key>.", headers={"WWW-Authenticate": "Bearer"})
        await problem_response(scope, error)(scope, receive, send)


def is_authorized(headers: Iterable[tuple[bytes, bytes]], key: str) -> bool:
    """Whether exactly one Authorization header is there and carries the key; compared in constant time.

    What is compared are digests, so that not even the length of the key shows.
    """
    sent = [value for name, value in headers if name == b"authorization"]
    if len(sent) != 1:
        return False
    scheme, _, carried = sent[0].partition(b" ")
    given, wanted = scheme.lower() + b" " + carried, b"bearer " + key.encode()
    return hmac.compare_digest(sha256(given).digest(), sha256(wanted).digest())


def is_open(path: str) -> bool:
    """Whether a path is answered without the key."""
    return path in PROBES or path == PAGE or path.startswith(PAGE_FILES)
