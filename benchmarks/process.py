"""A server in a process of its own, on one core: how long it took to answer, what it has used since."""

import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

import psutil

from benchmarks.asks import DIGIT, Ask
from benchmarks.contestants import ROOT, Contestant

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.002


@dataclass(frozen=True)
class Running:
    """A server that has answered right once."""

    process: psutil.Process
    port: int
    answer: bytes
    """Its first."""
    started_seconds: float
    """From its start to that answer."""

    def cpu_seconds(self) -> float:
        """Processor time so far of all its processes and threads."""
        times = [process.cpu_times() for process in self._all()]
        return sum(time.user + time.system for time in times)

    def megabytes(self) -> float:
        """Resident memory of all its processes."""
        return sum(process.memory_info().rss for process in self._all()) / 1e6

    def _all(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def running(contestant: Contestant, core: int) -> Iterator[Running]:
    """Start a server on one core, wait for its first right answer, and stop it in the end. Raises RuntimeError."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["taskset", "--cpu-list", str(core), *(part.format(port=port) for part in contestant.command)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | contestant.environment
    ask = next(iter(contestant.asks.values()))
    with tempfile.TemporaryFile() as log:  # a log that is kept costs what it costs
        began = time.perf_counter()
        process = psutil.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            answer = _first_answer(process, port, ask)
            yield Running(process, port, answer, time.perf_counter() - began)
        finally:
            _stop(process)


def answer_to(ask: Ask, port: int) -> bytes:
    """Ask once. Raises OSError or HTTPException; RuntimeError where the answer is not right."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("POST", ask.path, ask.body, {"Content-Type": ask.content_type})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200 or f'"digit":{DIGIT}'.encode() not in body.replace(b" ", b""):
        raise RuntimeError(f"{ask.path} is answered wrong, with {response.status}: {body[:200]!r}")
    return body


def _first_answer(process: psutil.Popen, port: int, ask: Ask) -> bytes:
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while True:
        try:
            return answer_to(ask, port)
        except (OSError, HTTPException, RuntimeError):
            if process.poll() is not None or time.perf_counter() > deadline:
                raise
            time.sleep(POLL_SECONDS)


def _stop(process: psutil.Popen) -> None:
    """End a server and whatever it started, unless it has ended by itself."""
    if process.poll() is not None:
        return
    family = [process, *process.children(recursive=True)]
    process.terminate()
    _, alive = psutil.wait_procs(family, timeout=5)
    for survivor in alive:
        survivor.kill()
    psutil.wait_procs(alive)
