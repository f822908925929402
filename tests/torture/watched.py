"""A server that is looked at from outside while it is asked: its CPU time, its memory, its descriptors, its probes."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.wire import Wire, get

PROBE = get("/livez")


class Watched:
    """What the kernel knows of a process."""

    def __init__(self, pid: int) -> None:
        self.folder = Path(f"/proc/{pid}")

    def cpu_seconds(self) -> float:
        """CPU time of all its threads, those that ended excepted: to be read in pairs."""
        return sum(int(path.read_text().split()[0]) for path in self.folder.glob("task/*/schedstat")) / 1e9

    def resident(self) -> int:
        """Bytes of memory now."""
        return self._status("VmRSS")

    def highest(self) -> int:
        """The most bytes of memory since `forget_highest`."""
        return self._status("VmHWM")

    def forget_highest(self) -> None:
        """Begin to look for the most memory anew."""
        (self.folder / "clear_refs").write_text("5")

    def descriptors(self) -> int:
        """Open files and sockets."""
        return len(list((self.folder / "fd").iterdir()))

    def _status(self, name: str) -> int:
        for line in (self.folder / "status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise LookupError(name)


class Probing:
    """How long a probe took, over and over, and how long the same took of a process that does nothing else."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.control: list[float] = []

    def check(self, milliseconds: float) -> str:
        """The p99 in ms; AssertionError where it is above what is asked for.

        On a machine where even the control takes that long, three times the control's p99 is.
        """
        ours, control = quantile(self.seconds, 0.99) * 1e3, quantile(self.control, 0.99) * 1e3
        assert ours <= max(milliseconds, 3 * control), (ours, control)
        return f"/livez p99 {ours:.0f} ms (control {control:.0f} ms)"


def quantile(values: list[float], share: float) -> float:
    """So many of all are at most this."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


@contextmanager
def probed(port: int, pause: float = 0.005) -> Iterator[Probing]:
    """Ask /livez over and over on a connection of its own; any answer but 200 is an error."""
    probing, ended, failures = Probing(), threading.Event(), []

    def probe(port: int, seconds: list[float]) -> None:
        try:
            with Wire(port) as wire:
                while not ended.is_set():
                    began = time.perf_counter()
                    wire.send(PROBE)
                    assert wire.answer().status == 200
                    seconds.append(time.perf_counter() - began)
                    ended.wait(pause)
        except (AssertionError, OSError) as error:
            failures.append(error)

    with control() as other:
        wanted = ((port, probing.seconds), (other, probing.control))
        threads = [threading.Thread(target=probe, args=each) for each in wanted]
        for thread in threads:
            thread.start()
        try:
            yield probing
        finally:
            ended.set()
            for thread in threads:
                thread.join()
    assert not failures, failures


@contextmanager
def control() -> Iterator[int]:
    """The port of a process that answers every line with the same bytes, and does nothing else."""
    with subprocess.Popen([sys.executable, "-c", CONTROL], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


CONTROL = """
import asyncio

async def answer(reader, writer):
    while await reader.readuntil(b"\\r\\n\\r\\n"):
        writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\n\\r\\n")

async def main():
    server = await asyncio.start_server(answer, "127.0.0.1")
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
