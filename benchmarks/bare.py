"""The least an ASGI server can do: read the body, answer a constant. What it costs is uvicorn's and the kernel's.

The constant is an answer of ours, which whoever starts it gives in the environment variable ANSWER.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Any

ANSWER = os.environ.get("ANSWER", "{}").encode()
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())],
}
END = {"type": "http.response.body", "body": ANSWER}


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer whatever is asked."""
    while (await receive()).get("more_body"):
        pass
    await send(START)
    await send(END)
