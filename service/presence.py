"""Nothing is done for a client that has left: what it waits for in the line would take a thread from others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request


@asynccontextmanager
async def while_connected(request: Request) -> AsyncIterator[None]:
    """Give up what is awaited within as soon as the client has left; its body must have been read.

    Raises ClientDisconnect.
    """
    work = asyncio.current_task()
    left = False

    async def watch() -> None:
        nonlocal left
        while (await request.receive())["type"] != "http.disconnect":
            pass
        left = True
        if work:
            work.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if not left:
            raise
        if work:
            work.uncancel()
        raise ClientDisconnect from None
    finally:
        watching.cancel()
