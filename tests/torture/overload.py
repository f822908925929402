"""Rows `overload-small` and `overload-large`: far more than can be done, from one process per load.

What the service does when it is overloaded is compared with what it does at its best, in turns, round by round. Other
work on the machine makes a round worse and never better, so each side is judged by its best round; all are as long.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import uvloop
from PIL import Image

from tests.conftest import ROOT, Server, encoded, png, running_server
from tests.samples import IMAGES
from tests.torture.watched import Watched, probed, quantile
from tests.wire import post, request

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
SMALL_CLIENTS = 320
PLATEAU = 0.9
"""Of the most answers for the same CPU time: the most clients at a time that get so many are where it peaks."""
GRAIN = 8.0
"""Deviation of each channel, in grey levels: files are as large then as those of phones, and take as long."""
PAUSE = 0.1
"""Seconds that a client waits after a 503."""


@dataclass
class Round:
    """What one load was answered."""

    seconds: float
    latencies: list[float]
    """Of the answers 200."""
    statuses: dict[str, int]
    cpu_seconds: float = 0.0
    """Of the server."""
    late: int = 0
    """Answers 503 to those who were let in first, and whose body was read for nothing."""

    @property
    def goodput(self) -> float:
        """Answers 200 a second."""
        return len(self.latencies) / self.seconds

    @property
    def yielded(self) -> float:
        """Answers 200 for a second of the server's CPU time, of which other work on the machine takes nothing."""
        return len(self.latencies) / self.cpu_seconds

    @property
    def p99(self) -> float:
        """In seconds."""
        return quantile(self.latencies, 0.99)


def large_picture() -> bytes:
    """A JPEG of 12 megapixels, as phones take them: a digit on paper, with the grain of the camera."""
    page = Image.new("L", (4000, 3000), 235)
    page.paste(Image.fromarray(255 - IMAGES[0]).resize((900, 900), Image.Resampling.BICUBIC), (1500, 1000))
    grain = np.random.default_rng(0).normal(0, GRAIN, (750, 1000, 3))
    levels = np.asarray(page)[..., np.newaxis] + np.tile(np.rint(grain).astype(np.int16), (4, 4, 1))
    return encoded(Image.fromarray(levels.clip(0, 255).astype(np.uint8)), "JPEG", quality=90)


@contextmanager
def loading(server: Server, kind: str, clients: int, seconds: float) -> Iterator[subprocess.Popen]:
    """A process of its own that loads a server for a while."""
    command = [sys.executable, "-m", __name__, str(server.port), kind, str(clients), str(seconds)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.stdout.read()
    assert process.returncode == 0


def loaded(server: Server, kind: str, clients: int, seconds: float) -> Round:
    """What such a load was answered."""
    watched = Watched(server.process.pid)
    before = watched.cpu_seconds()
    with loading(server, kind, clients, seconds) as process:
        done = Round(**json.loads(process.stdout.readline()))
    return replace(done, cpu_seconds=watched.cpu_seconds() - before)


@dataclass
class Comparison:
    """Rounds of overload, beside as many at the service's best."""

    over: list[Round] = field(default_factory=list)
    at_best: list[Round] = field(default_factory=list)

    @property
    def yielded(self) -> float:
        """Answers 200 for the same CPU time, as a share of what they are at best."""
        return max(each.yielded for each in self.over) / max(each.yielded for each in self.at_best)

    @property
    def slowed(self) -> float:
        """The p99 of the answers 200, in times of what it is at best."""
        return min(each.p99 for each in self.over) / min(each.p99 for each in self.at_best)

    def __str__(self) -> str:
        over, peak = (max(each.goodput for each in side) for side in (self.over, self.at_best))
        p99, normal = (1e3 * min(each.p99 for each in side) for side in (self.over, self.at_best))
        return (
            f"{over:,.0f} answers/s of {peak:,.0f} at the peak, {self.yielded:.0%} for the same CPU time; "
            f"accepted p99 {p99:.0f} ms of {normal:.0f} ms"
        )


def overload(kind: str, seconds: float, least_goodput: float, most_p99: float, rounds: int = 5) -> str:
    """Overload a server for so long, in so many rounds. Both limits are shares of what it does at its best.

    Where they are not held there are up to three times as many rounds: a service that cannot hold them never does.
    """
    candidates = {"small": (16, 32, 64, 128), "large": (1, 2, 4)}[kind]
    with running_server(access_log=False) as server:
        loaded(server, kind, candidates[-1], 1)
        tried = {count: loaded(server, kind, count, 1.5) for count in candidates}
        capacity = max(each.goodput for each in tried.values())
        highest = max(each.yielded for each in tried.values())
        best = max(count for count, each in tried.items() if each.yielded >= PLATEAU * highest)
        clients = SMALL_CLIENTS if kind == "small" else round(10 * capacity * PAUSE)
        loaded(server, kind, clients, 2)  # as much at a time as there will be: memory is compared from then on
        memory = Watched(server.process.pid).resident()
        compared, held = Comparison(), False
        while len(compared.over) < rounds or (not held and len(compared.over) < 3 * rounds):
            for side, count in ((compared.over, clients), (compared.at_best, best)):
                with probed(server) as probing:  # of both, since probes take their part
                    side.append(loaded(server, kind, count, seconds / rounds))
                probing.check(100)
            held = compared.yielded >= least_goodput and compared.slowed <= most_p99
        grown = Watched(server.process.pid).resident() - memory
    statuses = sum((Counter(each.statuses) for each in compared.over), Counter())
    late, took = (sum(getattr(each, name) for each in compared.over) for name in ("late", "seconds"))
    said = (
        f"{kind}, {took:.0f} s of {clients} clients, at best {best}: {compared}; {statuses['200']:,} × 200 and "
        f"{statuses['503']:,} × 503, {late:,} of these when a body had been read; {grown / 1e6:+.0f} MB"
    )
    assert set(statuses) == {"200", "503"}, said
    assert late <= statuses["200"] / 2, said
    assert held, said
    assert grown <= 20_000_000, said
    return said


# The process that loads


class Client(asyncio.Protocol):
    """Asks again and again; pauses after each 503, and connects anew where the connection was not kept."""

    def __init__(self, port: int, message: tuple[bytes, bytes], end: float, said: Round) -> None:
        self.port, self.message, self.end, self.said = port, message, end, said
        self.loop = asyncio.get_running_loop()
        self.ended = self.loop.create_future()

    async def run(self) -> None:
        """Connect, and ask until the end."""
        await self.loop.create_connection(lambda: self, "127.0.0.1", self.port)
        await self.ended

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        """Send a request. A large body is sent when it is asked for, as curl does."""
        if time.monotonic() >= self.end:
            self.transport.abort()
            self.ended.done() or self.ended.set_result(None)
            return
        self.began, self.answer, self.let_in = time.monotonic(), b"", False
        self.transport.write(self.message[0])

    def data_received(self, data: bytes) -> None:
        self.answer += data
        head, found, body = self.answer.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100") and found:
            self.transport.write(self.message[1])
            self.answer, self.let_in = body, True
        elif found and len(body) == int(LENGTH.search(head).group(1)):
            self.answered(head[9:12].decode(), b"connection: close" not in head.lower())

    def answered(self, status: str, kept: bool) -> None:
        """Note an answer, and go on."""
        self.said.statuses[status] += 1
        self.said.late += status == "503" and self.let_in
        if status == "200":
            self.said.latencies.append(time.monotonic() - self.began)
        if kept:
            self.loop.call_later(PAUSE if status == "503" else 0, self.ask)
        else:
            self.transport.abort()
            self.loop.call_later(PAUSE, self.loop.create_task, self.again())

    async def again(self) -> None:
        """Connect anew."""
        await self.loop.create_connection(lambda: self, "127.0.0.1", self.port)

    def connection_lost(self, error: Exception | None) -> None:
        if error:
            self.said.statuses[repr(error)] += 1


async def main(port: int, kind: str, clients: int, seconds: float) -> None:
    """Load, and print what came of it."""
    if kind == "small":
        message = (post("/predict", png(IMAGES[0])), b"")
    else:
        body = large_picture()
        message = (request("POST", "/predict", f"Content-Length: {len(body)}", "Expect: 100-continue"), body)
    said = Round(seconds, [], Counter())
    end = time.monotonic() + seconds
    await asyncio.gather(*[Client(port, message, end, said).run() for _ in range(clients)])
    print(json.dumps(vars(said)))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
