"""What the service promises beside the price of a small picture: photos, batches, its start, its memory."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from benchmarks.asks import BATCH, LIVE, SEVEN, form, photographed, raw
from benchmarks.company import waited
from benchmarks.contestants import BARE, FORM, JSON, OURS, ROOT, ours
from benchmarks.load import load
from benchmarks.measure import LOADED_SECONDS, MANY, Cores, Cost
from benchmarks.process import answer_to, running

IMPORTS = "import onnxruntime, PIL, fastapi, uvicorn"
TIMES = 7
BATCHES = 20
WARM_SECONDS = 5
STRETCH_SECONDS = 10
MANY_REQUESTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One number and what it should be: at most, or at least where `more_is_better`."""

    name: str
    value: float
    unit: str
    wanted: float
    more_is_better: bool = False

    @property
    def met(self) -> bool:
        """Whether it is as wanted."""
        return self.value >= self.wanted if self.more_is_better else self.value <= self.wanted


def of_requests(costs: dict[str, Cost]) -> list[Figure]:
    """What follows from the rows of the table."""
    bare, ours = costs[BARE], costs[OURS]
    return [
        Figure("requests a second, over the bare server's", ours.rate_32 / bare.rate_32, "", 0.36, more_is_better=True),
        Figure("CPU time a request, over the bare server's", ours.cpu_us / bare.cpu_us, "", 2.8),
        Figure("p50 of one connection, over the bare server's", ours.p50_ms_1 / bare.p50_ms_1, "", 2.3),
        Figure("CPU time of a form, over raw bytes", costs[FORM].cpu_us / ours.cpu_us, "", 1.15),
        Figure("CPU time of JSON, over raw bytes", costs[JSON].cpu_us / ours.cpu_us, "", 1.25),
    ]


def of_photos(cores: Cores) -> list[Figure]:
    """Of JPEGs on many connections, in turn with what Pillow does to one."""
    ask = raw(photographed(640, 480), kind="image/jpeg")
    ratios = []
    with running(ours(), cores.server) as server:
        load(server.port, ask, MANY, WARM_SECONDS, cores.load)
        for _ in range(TIMES):
            before = server.cpu_seconds()
            asked = load(server.port, ask, MANY, LOADED_SECONDS, cores.load).requests
            ratios.append((server.cpu_seconds() - before) / asked / plain("photo", cores))
    return [Figure("CPU time of a 640×480 JPEG, over Pillow's draft and resize", median(ratios), "", 1.35)]


def of_big_pictures(cores: Cores) -> list[Figure]:
    """Of one JPEG of 12 megapixels, and of those who come while four a second do."""
    big = raw(photographed(4000, 3000), kind="image/jpeg")
    with running(ours(), cores.server) as server:
        milliseconds = 1e3 * median(seconds_of(lambda: answer_to(big, server.port)) for _ in range(2 * TIMES))
        live, small = waited(server.port, big, [LIVE, raw(SEVEN)])
    return [
        Figure("a JPEG of 12 megapixels", milliseconds, "ms", 60),
        Figure("p99 of /livez while four of them a second arrive", live, "ms", 25),
        Figure("p99 of small pictures meanwhile", small, "ms", 25),
    ]


def of_batches(cores: Cores) -> list[Figure]:
    """Of 256 small PNGs in one request, in turn with a loop over the same. By processor time: both fill one core."""
    ask = form([SEVEN] * BATCH, "/predict/batch", "files")
    ratios = []
    with running(ours(), cores.server) as server:
        for _ in range(TIMES):
            before = server.cpu_seconds()
            for _ in range(BATCHES):
                answer_to(ask, server.port)
            ratios.append(BATCHES * plain("batch", cores) / (server.cpu_seconds() - before))
    return [
        Figure("images a second in batches of 256, over a plain loop", median(ratios), "", 0.75, more_is_better=True)
    ]


def of_start(cores: Cores) -> list[Figure]:
    """Of the start, in turn with the imports that nobody gets around."""
    importing = ["taskset", "--cpu-list", str(cores.server), sys.executable, "-c", IMPORTS]
    starts, imports = [], []
    for _ in range(TIMES):
        imports.append(seconds_of(lambda: subprocess.run(importing, check=True)))
        with running(ours(), cores.server) as server:
            starts.append(server.started_seconds)
    return [Figure("start to first right answer, over the imports alone", median(starts) / median(imports), "", 1.6)]


def of_memory(cores: Cores) -> list[Figure]:
    """Of resident memory, after warming up and after a million requests more."""
    with running(ours(), cores.server) as server:
        load(server.port, raw(SEVEN), MANY, WARM_SECONDS, cores.load)
        warm = server.megabytes()
        asked = 0
        while asked < MANY_REQUESTS:
            asked += load(server.port, raw(SEVEN), MANY, STRETCH_SECONDS, cores.load).requests
        return [
            Figure("resident memory after warming up", warm, "MB", 100),
            Figure("its growth over a million requests", server.megabytes() - warm, "MB", 3),
        ]


def plain(work: str, cores: Cores) -> float:
    """Seconds of the same work without a server, on the server's core."""
    command = ["taskset", "--cpu-list", str(cores.server), sys.executable, "-m", "benchmarks.plain", work]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds on the clock of one call."""
    began = perf_counter()
    work()
    return perf_counter() - began
