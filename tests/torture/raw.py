"""Row `generated-http`, its second half: bad HTTP on many connections at a time, until the server ends each."""

import asyncio
import random
import time
from collections import Counter

from tests.conftest import Server, running_server
from tests.torture.bad_http import SMUGGLED, Talk, bad_talk
from tests.torture.bounds import ALLOWED, MOST_ERROR_BYTES, MOST_MEMORY
from tests.torture.watched import Watched, probed
from tests.wire import asked, get

AT_A_TIME = 400
DEADLINES = {"header_timeout_seconds": 1.0, "body_timeout_seconds": 1.0, "keep_alive_seconds": 3.0}
"""Who says no more is told so, or closed, soon."""
HANG_SECONDS = 20.0
"""Far more than the deadlines; a busy machine is no hang."""


async def talk(server: Server, given: Talk) -> bytes:
    """All that was answered until the server ended the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        for piece in given.pieces:
            writer.write(piece)
            await asyncio.sleep(0)
        return b"" if given.leaves else await reader.read()
    except ConnectionError:  # it was not read to its end
        return b""
    finally:
        writer.transport.abort()


def statuses(said: bytes) -> list[int]:
    """Of each answer; AssertionError where what was said is no sequence of answers that may be."""
    found = []
    while said:
        head, _, rest = said.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(first.split(" ")[1])
        if status == 100:
            said = rest
            continue
        length = int(headers["content-length"])
        assert len(rest) >= length, said[:200]
        assert status in ALLOWED, said[:200]
        assert status == 200 or length <= MOST_ERROR_BYTES, said[:200]
        assert headers.get("x-request-id") != SMUGGLED, said[:200]
        assert headers["x-content-type-options"] == "nosniff", said[:200]
        found.append(status)
        said = rest[length:]
        assert not (said and headers.get("connection") == "close"), said[:200]
    return found


async def talks(server: Server, count: int, seed: int) -> Counter[int]:
    """So many connections; how often each status was seen, 0 standing for a connection without an answer."""
    seen: Counter[int] = Counter()
    numbers = iter(range(seed, seed + count))

    async def go_on() -> None:
        for number in numbers:
            given = bad_talk(random.Random(number))
            try:
                async with asyncio.timeout(HANG_SECONDS):
                    seen.update(statuses(await talk(server, given)) or [0])
            except Exception as error:
                raise AssertionError(f"seed {number}: {given.kind}") from error

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_A_TIME):
            group.create_task(go_on())
    return seen


def raw_http(count: int, seed: int, livez_ms: float) -> str:
    """Say so much that is no HTTP, or none that is allowed, to a server."""
    with running_server(access_log=False, **DEADLINES) as server, probed(server) as probing:
        watched = Watched(server.process.pid)
        before, began = watched.resident(), time.monotonic()
        watched.forget_highest()
        seen = asyncio.run(talks(server, count, seed))
        grown = watched.highest() - before
        assert grown <= MOST_MEMORY, grown
        assert asked(server.port, get("/readyz")).status == 200
    answers = ", ".join(f"{times:,} × {status or 'no answer'}" for status, times in sorted(seen.items()))
    return (
        f"{count:,} connections of bad HTTP from seed {seed} in {time.monotonic() - began:.0f} s: {answers}; "
        f"{grown / 1e6:.0f} MB for {AT_A_TIME} at a time; {probing.check(livez_ms)}"
    )
