"""The optional API key, asked for before a byte of the body is read."""

import hmac

from starlette.types import ASGIApp, Receive, Scope, Send

from model.contract import NAME
from service.errors import Unauthorized, problem_response

PROBES = frozenset(
    {"/livez", "/readyz", "/healthz", "/health", "/v2/health/live", "/v2/health/ready"}
    | {f"/v2/models/{NAME}{version}/ready" for version in ("", "/versions/1")}
)
"""An orchestrator has no key. Every other path asks for it, those that do not exist included."""


class RequireKey:
    """Lets a request through that carries `Authorization: Bearer <key>`, or asks a probe's question."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app = app
        self.expected = b"bearer " + key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES or self.authorized(scope):
            await self.app(scope, receive, send)
            return
        error = Unauthorized("Send the header Authorization: Bearer <key>.", headers={"WWW-Authenticate": "Bearer"})
        await problem_response(scope, error)(scope, receive, send)

    def authorized(self, scope: Scope) -> bool:
        """Whether exactly one Authorization header is there and right; compared in constant time."""
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(sent) != 1:
            return False
        scheme, _, key = sent[0].partition(b" ")
        return hmac.compare_digest(scheme.lower() + b" " + key, self.expected)
