"""A server whose requests cost a known time of the processor: in its loop, in a thread and in another process."""

import asyncio
import time
from concurrent.futures import ProcessPoolExecutor

PART_SECONDS = 0.003
PARTS = 3

elsewhere = None


def burn():
    """Keep one thread busy."""
    end = time.thread_time() + PART_SECONDS
    while time.thread_time() < end:
        pass


async def app(scope, receive, send):
    """Answer a seven, whatever is asked."""
    global elsewhere
    if scope["type"] != "http":
        return
    elsewhere = elsewhere or ProcessPoolExecutor(1)
    while (await receive()).get("more_body"):
        pass
    burn()
    await asyncio.to_thread(burn)
    await asyncio.get_running_loop().run_in_executor(elsewhere, burn)
    body = b'{"digit": 7}'
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
