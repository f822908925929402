"""Load from a process of its own, at a constant rate whatever the answers: what a service's users are.

`python -m tests.steady PORT RATE DIGIT < picture` asks until SIGTERM tells it to stop, and then prints what came of it,
as JSON.
"""

import asyncio
import json
import signal
import sys
import time
from dataclasses import asdict, dataclass, field

import httpx2 as httpx

CONNECTIONS = 64


@dataclass
class Outcome:
    """Of all requests so far."""

    failed: list[str] = field(default_factory=list)
    """Why, of each that got no answer or a wrong one."""
    seconds: list[float] = field(default_factory=list)
    """Of each that was answered rightly, from when it was due."""


async def ask(client: httpx.AsyncClient, picture: bytes, digit: int, outcome: Outcome) -> None:
    """Ask once, now."""
    due = time.monotonic()
    try:
        answer = await client.post("/predict", content=picture)
        if answer.status_code != 200 or answer.json()["digit"] != digit:
            outcome.failed.append(f"{answer.status_code} {answer.text[:200]}")
            return
    except (httpx.TransportError, ValueError) as error:
        outcome.failed.append(repr(error))
        return
    outcome.seconds.append(time.monotonic() - due)


async def main(port: int, rate: float, digit: int, picture: bytes) -> None:
    """Ask at a rate until told to stop; then wait for what is under way, and tell."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    outcome = Outcome()
    limits = httpx.Limits(max_connections=CONNECTIONS)
    began, number = time.monotonic(), 0
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=30) as client,
        asyncio.TaskGroup() as asking,
    ):
        while not over.is_set():
            asking.create_task(ask(client, picture, digit, outcome))
            number += 1
            if number == 1:
                print("under way", flush=True)
            await asyncio.sleep(max(0, began + number / rate - time.monotonic()))
    print(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.stdin.buffer.read()))
