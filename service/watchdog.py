"""A thread that ends the process when its event loop no longer turns: then not even a probe would be answered.

What cannot be mended from inside is started anew from outside, by the orchestrator. Ticks are counted and no clock is
read: a process that was stopped or paused for an hour has not been stuck.
"""

import os
import select
import sys
import threading
from types import FrameType

STUCK_SECONDS = 8.0
"""The longest turn of the loop that is believed to end; far more than anything that is done in one takes."""
TICK_SECONDS = 0.5


class Watchdog:
    """Must be told that the loop turns, more often than once in `seconds`."""

    def __init__(self, seconds: float = STUCK_SECONDS) -> None:
        self._most_ticks = round(seconds / TICK_SECONDS)
        self._ticks = 0
        self._ended = threading.Event()
        self._watched = threading.get_ident()

    def start(self) -> None:
        """Watch the thread that this was made in."""
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._thread.start()

    def beat(self) -> None:
        """The loop turns."""
        self._ticks = 0

    def stop(self) -> None:
        """Watch no longer."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(TICK_SECONDS):
            self._ticks += 1
            if self._ticks > self._most_ticks:
                say(f"the event loop is stuck {place(sys._current_frames().get(self._watched))}; the process ends")
                os._exit(os.EX_SOFTWARE)


def place(frame: FrameType | None) -> str:
    """Where a thread is."""
    return f"at {frame.f_code.co_qualname} ({frame.f_code.co_filename}:{frame.f_lineno})" if frame else "nowhere"


def say(line: str) -> None:
    """Write a line to standard error itself, unless nobody reads it: the thread that logs may be stuck as well."""
    try:
        if select.select([], [2], [], 0)[1]:
            os.write(2, f"lenet5: {line}\n".encode())
    except (OSError, ValueError):
        return
