"""A server that is looked at from outside while it is asked: its CPU time, its memory, its descriptors, its probes."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT, Server
from tests.wire import Wire, get

PROBE = get("/livez")
LONG_PAUSE = 0.5


class Watched:
    """What the kernel knows of a process."""

    def __init__(self, pid: int) -> None:
        self.folder = Path(f"/proc/{pid}")

    def cpu_seconds(self) -> float:
        """CPU time of all its threads, those that ended excepted: to be read in pairs."""
        return sum(int(path.read_text().split()[0]) for path in self.folder.glob("task/*/schedstat")) / 1e9

    def waited_seconds(self) -> float:
        """For how long its first thread, where a server's loop runs, was ready to run and had no core."""
        return int((self.folder / "schedstat").read_text().split()[1]) / 1e9

    def resident(self) -> int:
        """Bytes of memory now."""
        return self._status("VmRSS")

    def highest(self) -> int:
        """The most bytes of memory since `forget_highest`."""
        return self._status("VmHWM")

    def forget_highest(self) -> None:
        """Begin to look for the most memory anew."""
        (self.folder / "clear_refs").write_text("5")

    def address_space(self) -> int:
        """Bytes that it may address."""
        return self._status("VmSize")

    def descriptors(self) -> int:
        """Open files and sockets."""
        return len(list((self.folder / "fd").iterdir()))

    def _status(self, name: str) -> int:
        for line in (self.folder / "status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise LookupError(name)


class Probing:
    """How long a probe took, over and over.

    A busy machine must not decide a test: from each time is taken what the kernel says that the server's loop, or the
    prober, was ready to run and had no core. What is left is what the server itself makes a client wait.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.adjusted: list[float] = []

    def check(self, milliseconds: float) -> str:
        """Both p99 in words; AssertionError where the adjusted one is above what is asked for."""
        seconds, adjusted = quantile(self.seconds, 0.99) * 1e3, quantile(self.adjusted, 0.99) * 1e3
        assert adjusted <= milliseconds, (seconds, adjusted)
        return f"p99 of a probe {adjusted:.0f} ms ({seconds:.0f} ms with the waits for a core)"


def quantile(values: list[float], share: float) -> float:
    """So large a share of all are at most this."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


@contextmanager
def probed(server: Server, request: bytes = PROBE) -> Iterator[Probing]:
    """Have a process of its own ask the same over and over, on one connection; any answer but 200 is an error."""
    probing = Probing()
    command = [sys.executable, "-m", __name__, str(server.port), str(server.process.pid), request.hex()]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            process.stdout.readline()
            yield probing
        finally:
            said, _ = process.communicate()
    assert process.returncode == 0
    for line in said.splitlines():
        seconds, waited = map(float, line.split())
        probing.seconds.append(seconds)
        probing.adjusted.append(max(seconds - waited, 0))


def probe(port: int, pid: int, request: bytes) -> None:
    """Ask every 5 ms until standard input ends; print how long each took, and the waits for a core meanwhile."""
    server, this = Watched(pid), Watched(os.getpid())
    times = []
    wire = Wire(port)
    wire.send(request)
    assert wire.answer().status == 200
    last = time.perf_counter()
    print("ready", flush=True)  # the server has its connection, which those who count connections count on
    while not select.select([sys.stdin], [], [], 0.005)[0]:
        if time.perf_counter() - last > LONG_PAUSE:  # had no core for so long that its connection may be closed
            wire.close()
            wire = Wire(port)
        waited, began = server.waited_seconds() + this.waited_seconds(), time.perf_counter()
        wire.send(request)
        assert wire.answer().status == 200
        last = time.perf_counter()
        times.append((last - began, server.waited_seconds() + this.waited_seconds() - waited))
    wire.close()
    for seconds, waited in times:
        print(f"{seconds:.6f} {waited:.6f}")


if __name__ == "__main__":
    probe(int(sys.argv[1]), int(sys.argv[2]), bytes.fromhex(sys.argv[3]))
