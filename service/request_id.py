"""Which request this is: the client's own X-Request-ID where it is harmless, else a new one."""

import re
from random import Random, SystemRandom

from starlette.types import Scope

HEADER = b"x-request-id"

_random = Random(SystemRandom().getrandbits(256))  # noqa: S311
"""Ids must differ, not be hard to guess: asking the kernel for each costs more than running the network."""

_harmless = re.compile(rb"[A-Za-z0-9._-]{1,64}").fullmatch


def request_id(scope: Scope) -> str:
    """The id of the request, chosen on first use and kept in the scope's state."""
    state = scope.setdefault("state", {})
    if "request_id" not in state:
        state["request_id"] = chosen_id(next((value for name, value in scope["headers"] if name == HEADER), b""))
    return str(state["request_id"])


def chosen_id(sent: bytes) -> str:
    """The id of a request that sent this one, or none."""
    return sent.decode("ascii") if _harmless(sent) else f"{_random.getrandbits(128):032x}"
