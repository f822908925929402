"""Load from a process of its own: clients that ask again as soon as they are answered, until they are refused.

`python -m tests.load PORT keep-alive|new-connections` says when the first request was answered, and
at last how many were, and how many were lost.
"""

import asyncio
import sys
import time
from collections import Counter

from tests.wire import post

CONNECTIONS = 32
REQUEST = post("/predict?milliseconds=1", b"P5 2 1 255 \x00\xff")  # a picture of two pixels


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Ask once. Whether the server keeps the connection. An answer that is not complete is an error."""
    writer.write(REQUEST)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in head.splitlines()[1:-1])
    await reader.readexactly(int(headers[b"content-length"]))
    return headers.get(b"connection") != b"close"


async def client(port: int, keep_alive: bool, counts: Counter[str]) -> None:
    """Ask until a connection is refused. A request that was written and not answered in full is lost."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        kept, asked = True, time.monotonic()
        try:
            while kept:
                asked = time.monotonic()
                kept = await ask(reader, writer) and keep_alive
                counts["answered"] += 1
                if counts["answered"] == 1:
                    print("under way", flush=True)
        except (OSError, asyncio.IncompleteReadError) as error:
            counts["lost"] += 1
            print(f"lost after {time.monotonic() - asked:.3f} s: {error!r}", file=sys.stderr)
        finally:
            writer.close()


async def main(port: int, keep_alive: bool) -> None:
    """Run the clients, and tell."""
    counts = Counter(answered=0, lost=0)
    await asyncio.gather(*[client(port, keep_alive, counts) for _ in range(CONNECTIONS)])
    print(counts["answered"], counts["lost"])


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2] == "keep-alive"))
