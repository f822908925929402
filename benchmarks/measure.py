"""Rounds over all contestants, each in a process that is started anew, and the medians of what they cost."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import median

from benchmarks.asks import Ask
from benchmarks.contestants import Contestant
from benchmarks.load import load
from benchmarks.process import Running, answer_to, running

MANY = 32
"""Connections of the loaded server."""
WARM_SECONDS, ALONE_SECONDS, LOADED_SECONDS = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request costs, and how many are answered, asked one at a time and on 32 connections."""

    rate_1: float
    """Requests a second."""
    rate_32: float
    p50_ms_1: float
    p50_ms_32: float
    p99_ms_32: float
    cpu_us: float
    """Microseconds of processor time for each request, asked on 32 connections."""
    megabytes: float
    """Resident after the load."""
    start_s: float
    """From the start of the process to the first right answer."""


@dataclass(frozen=True, slots=True)
class Cores:
    """The server has one, the load another."""

    server: int
    load: int


def measure(contestants: Sequence[Contestant], rounds: int, cores: Cores) -> dict[str, Cost]:
    """Each row's medians over the rounds. No other server is up meanwhile: some are never idle."""
    samples: dict[str, list[Cost]] = defaultdict(list)
    for number in range(rounds):
        for contestant in contestants:
            with running(contestant, cores.server) as server:
                for name, ask in contestant.asks.items():
                    samples[name].append(sample(server, ask, cores.load))
                    print(f"round {number + 1}: {name}: {samples[name][-1].cpu_us:,.1f} µs", file=sys.stderr)
    return {name: middle(costs) for name, costs in samples.items()}


def sample(server: Running, ask: Ask, core: int) -> Cost:
    """Ask one server for some seconds."""
    answer_to(ask, server.port)
    load(server.port, ask, MANY, WARM_SECONDS, core)
    alone = load(server.port, ask, 1, ALONE_SECONDS, core)
    before = server.cpu_seconds()
    loaded = load(server.port, ask, MANY, LOADED_SECONDS, core)
    spent = server.cpu_seconds() - before
    return Cost(
        rate_1=alone.rate,
        rate_32=loaded.rate,
        p50_ms_1=alone.p50_ms,
        p50_ms_32=loaded.p50_ms,
        p99_ms_32=loaded.p99_ms,
        cpu_us=1e6 * spent / loaded.requests,
        megabytes=server.megabytes(),
        start_s=server.started_seconds,
    )


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(**{field.name: median(getattr(cost, field.name) for cost in costs) for field in fields(Cost)})
