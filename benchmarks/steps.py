"""`make bench-steps`: where the microseconds of a request go, one asked at a time and 32 that arrive together.

The service runs in this process behind connections that forget what is written, with a stopwatch around each step:
called over and over by itself, a step would find everything in the caches and take half its time. What the way from
bytes to bytes takes beyond the steps is HTTP's: parsing, limits, headers. What a loaded server's process takes beyond
that is the event loop's and the kernel's.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any
from unittest.mock import patch

import uvloop
from uvicorn.server import ServerState

from benchmarks.asks import SEVEN, Ask, base64_json, form, raw
from benchmarks.contestants import ROOT, ours
from benchmarks.load import check_tools, load
from benchmarks.measure import LOADED_SECONDS, MANY, WARM_SECONDS
from benchmarks.process import running
from benchmarks.table import markdown_table
from model.plots import draw_shares
from service import front, pipeline, replies
from service.app import create_app
from service.deps import Held
from service.front import Front
from service.logs import Event
from service.reload import Serving
from service.server import uvicorn_config
from service.settings import Settings

PICTURE = ROOT / "docs" / "request.png"
TRIES, SECONDS_EACH = 40, 0.04
STEPS = ("decode", "frame", "infer", "judge", "encode", "metrics", "access log")
HTTP, REST = "HTTP: parse, limits, headers", "event loop and kernel"


def main() -> None:
    """Measure, draw and print."""
    check_tools()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    bars = {}
    for name, together in (("one at a time", 1), (f"{MANY} at once", MANY)):
        parts = uvloop.run(in_process(raw(SEVEN), together))
        parts[REST] = loaded(together, cores) - sum(parts.values())
        bars[name] = parts
    draw_shares(bars, "Where the microseconds of a small picture go", "µs", PICTURE)
    rows = [[part, *(f"{bar[part]:.1f}" for bar in bars.values())] for part in next(iter(bars.values()))]
    rows.append(["all", *(f"{sum(bar.values()):.1f}" for bar in bars.values())])
    print(markdown_table(("µs of processor time a request", *bars), rows))
    print(markdown_table(("µs from bytes to bytes, of 32 at once", "front", "app"), ways()))


def ways() -> list[list[str]]:
    """Each kind of body through the front and through the app."""
    kinds = {"raw bytes": raw(SEVEN), "form": form([SEVEN]), "JSON": base64_json(SEVEN)}
    return [
        [name, *(f"{sum(uvloop.run(in_process(ask, MANY, fronted)).values()):.1f}" for fronted in (True, False))]
        for name, ask in kinds.items()
    ]


def loaded(connections: int, cores: list[int]) -> float:
    """Microseconds of processor time a request of the real server."""
    asleep = replace(ours(), environment={"LENET_HALT_POLL_MICROSECONDS": "0"})  # to wait awake is no request's cost
    with running(asleep, cores[-1]) as server:
        load(server.port, raw(SEVEN), connections, WARM_SECONDS, cores[0])
        before = server.cpu_seconds()
        done = load(server.port, raw(SEVEN), connections, LOADED_SECONDS, cores[0])
        return 1e6 * (server.cpu_seconds() - before) / done.requests


async def in_process(ask: Ask, together: int, fronted: bool = True) -> dict[str, float]:
    """Microseconds a request of each step and of HTTP, where so many arrive in one turn of the event loop.

    Of the try that was fastest: whatever disturbs only ever adds.
    """
    settings = Settings()
    lines: deque[Event] = deque(maxlen=1)  # as the log's writer takes them; a thread of its own writes them
    app = create_app(settings, Serving.load(settings.model_path), lines.append)
    connections = connect(app, settings, together, fronted)
    request, watch, tries = ask.request(), Stopwatch(), []
    with watch.around_steps(app.state.held):
        for _ in range(TRIES):
            watch.spent = dict.fromkeys(STEPS, 0.0)
            began, turns = perf_counter(), 0
            while perf_counter() - began < SECONDS_EACH:
                await turn(connections, request)
                turns += 1
            whole = perf_counter() - began
            parts = watch.spent | {HTTP: whole - sum(watch.spent.values())}
            tries.append({name: 1e6 * seconds / turns / together for name, seconds in parts.items()})
    return min(tries, key=lambda parts: sum(parts.values()))


def connect(app: Any, settings: Settings, count: int, fronted: bool) -> dict[Any, "Sink"]:
    """So many connections of the service, with what each writes to."""
    held = app.state.held
    config = uvicorn_config(app, settings, held.admission, held.observers, Front(held) if fronted else None)
    config.load()
    connections = {config.http_protocol_class(config, ServerState(), {}): Sink() for _ in range(count)}
    for connection, sink in connections.items():
        connection.connection_made(sink)
    return connections


async def turn(connections: dict[Any, "Sink"], request: bytes) -> None:
    """Have a request arrive on every connection, and wait until all are answered."""
    for connection, sink in connections.items():
        sink.answered = False
        connection.data_received(request)
    while not all(sink.answered for sink in connections.values()):  # noqa: ASYNC110  each sleep is a turn of the loop
        await asyncio.sleep(0)


class Sink(asyncio.Transport):
    """A connection that forgets what is written, and is never in anybody's way."""

    answered = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """The app writes an answer in two parts, the front in one: its end is the end of its JSON."""
        self.answered = bytes(data[-1:]) == b"}"

    def is_closing(self) -> bool:
        """No."""
        return False

    def get_write_buffer_size(self) -> int:
        """Empty."""
        return 0

    def resume_reading(self) -> None:
        """It was never paused."""


class Stopwatch:
    """Seconds spent in functions, by step; what is called within another counts for the inner one alone."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(STEPS, 0.0)
        self._inner = 0.0

    def around_steps(self, held: Held) -> ExitStack:
        """Put itself around every step, until the stack is closed."""
        assert isinstance(held.observers, list)  # the connections hold the same one
        held.observers[:] = [
            self.timed(step, observer) for step, observer in zip(("metrics", "access log"), held.observers, strict=True)
        ]
        stack = ExitStack()
        for step, owner, name in (
            ("decode", pipeline, "decode_grey_png"),
            ("frame", front, "prepare_framed"),
            ("infer", held.serving.classifier, "classify"),
            ("judge", front, "predict"),
            ("encode", replies, "to_json"),
            ("metrics", held.metrics, "observe_stages"),
            ("metrics", held.metrics, "observe_predictions"),
        ):
            stack.enter_context(patch.object(owner, name, self.timed(step, getattr(owner, name))))
        return stack

    def timed(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, whose time counts for a step."""
        return partial(self._call, step, function)

    def _call(self, step: str, function: Callable[..., Any], *args: Any) -> Any:
        outer, self._inner = self._inner, 0.0
        began = perf_counter()
        try:
            return function(*args)
        finally:
            seconds = perf_counter() - began
            self.spent[step] += seconds - self._inner
            self._inner = outer + seconds


if __name__ == "__main__":
    main()
