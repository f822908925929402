"""What SIGTERM, SIGINT and SIGHUP do. Imports next to nothing, so that it is known before anything else is imported."""

import os
import signal
from collections.abc import Callable
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGINT)


def on_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    """Have the signals that stop a service handled."""
    for signum in STOPPING:
        signal.signal(signum, handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup makes it
        signal.signal(signal.SIGHUP, handler)


def leave(signum: int, frame: FrameType | None) -> None:
    """A signal before the server listens: nobody is served yet, so there is nothing to finish.

    As the first process of a container it would otherwise not even be told: the kernel gives that one only the
    signals it handles.
    """
    os._exit(0)
