"""What no request may do, whatever is in it."""

import gc
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conftest import Server
from tests.torture.watched import Watched
from tests.wire import Answer, asked, get

ALLOWED = {200, 400, 404, 405, 408, 413, 414, 415, 422, 431, 503}
SMALL_BODY = 64 * 1024
MOST_MEMORY = 150_000_000
MOST_CPU_SECONDS = 0.4
MOST_CPU_SECONDS_LARGE = 1.0
MOST_ERROR_BYTES = 1024


class Bounds:
    """Holds each request to what it may cost, and each answer to what it may say.

    A hang is told by CPU time, to which a busy machine adds little; to wait without any is bounded by the client.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.watched = Watched(server.process.pid)
        self.statuses: Counter[int] = Counter()
        self.most_memory = 0
        self.most_cpu = self.most_seconds = 0.0

    @contextmanager
    def of(self, name: str, size: int) -> Iterator[None]:
        """Bound one request, alone at the time, whose body has `size` bytes."""
        self.watched.forget_highest()
        memory, cpu, began = self.watched.resident(), self.watched.cpu_seconds(), time.perf_counter()
        yield
        cpu, memory = self.watched.cpu_seconds() - cpu, self.watched.highest() - memory
        self.most_seconds = max(self.most_seconds, time.perf_counter() - began)
        self.most_cpu, self.most_memory = max(self.most_cpu, cpu), max(self.most_memory, memory)
        assert memory <= MOST_MEMORY, (name, memory)
        assert cpu <= (MOST_CPU_SECONDS if size <= SMALL_BODY else MOST_CPU_SECONDS_LARGE), (name, cpu)

    def answered(self, answer: Answer) -> None:
        """Look at an answer."""
        self.statuses[answer.status] += 1
        assert answer.status in ALLOWED, answer
        assert answer.status == 200 or len(answer.body) <= MOST_ERROR_BYTES, answer

    def check_alive(self) -> None:
        """The process is the one that began, and serves."""
        assert self.server.process.poll() is None
        assert asked(self.server.port, get("/readyz")).status == 200

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,} × {status}" for status, count in sorted(self.statuses.items()))
        return (
            f"{counts}; at most {self.most_memory / 1e6:.0f} MB, {self.most_cpu * 1e3:.0f} ms of CPU, "
            f"{self.most_seconds:.2f} s"
        )


@contextmanager
def only_new_garbage() -> Iterator[None]:
    """Leave what this process has had so far out of each collection: to look through it is no input's cost.

    After a thousand other tests that takes as long as the costliest input may.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
