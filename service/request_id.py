"""Which request this is: the client's own X-Request-ID where it is harmless, else a new one."""

import re
import secrets

from starlette.types import Scope

HEADER = b"x-request-id"

_harmless = re.compile(rb"[A-Za-z0-9._-]{1,64}").fullmatch


def request_id(scope: Scope) -> str:
    """The id of the request, chosen on first use and kept in the scope's state."""
    state = scope.setdefault("state", {})
    if "request_id" not in state:
        sent = next((value for name, value in scope["headers"] if name == HEADER), b"")
        state["request_id"] = sent.decode("ascii") if _harmless(sent) else secrets.token_hex(16)
    return str(state["request_id"])
