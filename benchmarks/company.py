"""How long others wait while big pictures arrive: requests at a fixed pace, whoever else is being answered."""

import asyncio
from collections import deque
from time import perf_counter

import numpy as np

from benchmarks.asks import Ask

SECONDS = 15
BIG_A_SECOND, SMALL_A_SECOND = 4, 100


def waited(port: int, big: Ask, small: list[Ask]) -> list[float]:
    """p99 in milliseconds of each small ask, a hundred of each a second, while four big ones a second arrive."""

    async def all_of_them() -> list[list[float]]:
        paced = [at_pace(port, ask, SMALL_A_SECOND, SECONDS) for ask in small]
        _, *waits = await asyncio.gather(at_pace(port, big, BIG_A_SECOND, SECONDS), *paced)
        return waits

    return [1e3 * float(np.percentile(seconds, 99)) for seconds in asyncio.run(all_of_them())]


async def at_pace(port: int, ask: Ask, per_second: int, seconds: int) -> list[float]:
    """Seconds that each request waited, counted from when it was due. Raises a group of errors where some failed."""
    # The one that has been idle longest goes first: none is idle for so long that it is closed.
    idle: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = deque()
    start = perf_counter()

    async def one(due: float) -> float:
        await asyncio.sleep(max(0.0, due - perf_counter()))
        reader, writer = idle.popleft() if idle else await asyncio.open_connection("127.0.0.1", port)
        writer.write(ask.request())
        head = await reader.readuntil(b"\r\n\r\n")
        headers = dict(line.lower().split(b": ", 1) for line in head.splitlines()[1:-1])
        await reader.readexactly(int(headers[b"content-length"]))
        if b" 200 " not in head.splitlines()[0]:
            raise RuntimeError(f"{ask.path} is answered with {head.splitlines()[0].decode()}")
        idle.append((reader, writer))
        return perf_counter() - due

    async with asyncio.TaskGroup() as group:  # a failure ends the others too
        tasks = [group.create_task(one(start + number / per_second)) for number in range(per_second * seconds)]
    return [task.result() for task in tasks]
