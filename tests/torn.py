"""A worker of a batch that is killed amid its result, and the batch, interrupted then: `python -m tests.torn FILE`.

The worker writes how long its result is, makes FILE, and gets no further. Exits with 0 once the batch has ended.
"""

import os
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from unittest import mock

from service.batch import engine

LENGTH = 4
"""Bytes that go before a result of more than 16 KiB, in a write of their own."""
RESULT = 20_000


def start(at: Path) -> None:
    """Have this process stop for good after the length of a result."""
    send = Connection._send

    def torn(self: Connection, part: bytes, *how: object) -> None:
        send(self, part, *how)
        if len(part) == LENGTH:
            at.touch()
            time.sleep(600)

    Connection._send = torn


def answer(chunk: int) -> bytes:
    """So many bytes."""
    return bytes(chunk)


def interrupt_at(at: Path) -> None:
    """Interrupt this process once the worker has stopped."""
    while not at.exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


def main(at: Path) -> None:
    """Run the batch, and interrupt it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in a shell's background
    Thread(target=interrupt_at, args=(at,), daemon=True).start()
    job = SimpleNamespace(workers=1, reader=at)
    with mock.patch.object(engine, "start_worker", start), mock.patch.object(engine, "answer_in_worker", answer):
        try:
            list(engine._answer(iter([RESULT]), job))
        except KeyboardInterrupt:
            return
    sys.exit("it was not interrupted")


if __name__ == "__main__":
    from tests import torn  # by its own name, as its worker knows it

    torn.main(Path(sys.argv[1]))
