"""What the process writes: events as lines, coloured for people or JSON for machines, written by a thread of its own.

Nothing that happens to standard error can hold up the event loop: what cannot be written in time is counted instead.
"""

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from io import FileIO
from time import time
from typing import Any, TextIO

from pydantic_core import to_json

from service.decoders import silence_decoders

MOST_WAITING = 10_000
"""Events that may wait to be written."""
GATHER_SECONDS = 0.05
"""What comes within this time is written together: a thread that is woken for each event costs requests twice as much
as the event does, since they wait for it in the middle of their work."""
MOST_TOGETHER = 100
"""Events of one write, which a full disk may lose together."""
FLUSH_SECONDS = 1.0
"""At the end the thread has this long to write what waits."""

Event = dict[str, Any]
Write = Callable[[Event], None]
"""Has an event written, which is the writer's from then on."""


class LogWriter:
    """Writes events in the order they came. `write` costs the caller a microsecond and never waits."""

    def __init__(self, stream: TextIO, layout: str) -> None:
        self.dropped = 0
        """Events for which there was no room, since the start."""
        self._stream = stream
        self._render = renderer(layout, stream)
        self._waiting: deque[tuple[float, Event]] = deque()
        self._some = threading.Event()
        self._end = threading.Event()
        self._failed = self._told = 0
        self._torn = ""  # ends what may be there of a line that could not be written to its end
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, event: Event) -> None:
        """Have an event written; it is the writer's from now on."""
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append((time(), event))
        if not self._some.is_set():
            self._some.set()

    def close(self) -> None:
        """Write what waits, within a second, and end."""
        self._end.set()
        self._some.set()
        self._thread.join(FLUSH_SECONDS)

    def _run(self) -> None:
        while not self._end.is_set():
            self._some.wait()
            self._end.wait(GATHER_SECONDS)
            self._some.clear()
            self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> None:
        while self._waiting:
            together = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
            if not self._written(together):
                self._failed += len(together)
            elif (missing := self.dropped + self._failed) > self._told:
                event = {"level": "warning", "event": "events were not written", "count": missing - self._told}
                self._told = missing if self._written([(time(), event)]) else self._told

    def _written(self, events: list[tuple[float, Event]]) -> bool:
        lines = "".join(f"{self._render(at, event)}\n" for at, event in events)
        try:
            write_whole(self._stream, self._torn + lines)
        except (OSError, ValueError):  # closed, or its disk is full; the service goes on without a log
            self._torn = "\n"
            return False
        self._torn = ""
        return True


def write_whole(stream: TextIO, text: str) -> None:
    """Write a text to its end. Raises OSError, ValueError.

    Past Python's own buffers: one keeps what the disk had no room for until the process ends, which then is a failure,
    and a stream without one, as PYTHONUNBUFFERED makes it, leaves it out in silence.
    """
    stream.flush()
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    if not isinstance(raw, FileIO):
        stream.write(text)
        stream.flush()
        return
    left = text.encode(errors="backslashreplace")
    while left:
        if not (count := raw.write(left)):
            raise BlockingIOError
        left = left[count:]


def renderer(layout: str, stream: TextIO) -> Callable[[float, Event], str]:
    """What makes a line of an event and its time. `auto`: colours where a person is looking, else JSON.

    JSON escapes whatever would begin a new line; colours rely on it that events hold nothing a client can make up.
    """
    if layout == "json" or (layout == "auto" and not stream.isatty()):
        return lambda at, event: to_json(event | {"timestamp": _timestamp(at)}).decode()
    import structlog  # here: it takes 5 MB and a tenth of a second, and is for people only

    draw: Any = structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=0)
    return lambda at, event: str(draw(None, "", event | {"timestamp": _timestamp(at)}))


def _timestamp(at: float) -> str:
    """A time in seconds since 1970, as ISO 8601 has it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class ToWriter(logging.Handler):
    """Takes what the libraries and we ourselves log."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Turn a record into an event; exceptions become text here, while their frames are still alive."""
        said = record.msg if isinstance(record.msg, dict) else {"event": record.getMessage()}
        event = {"level": record.levelname.lower(), **said}
        if record.exc_info:
            event["exception"] = logging.Formatter().formatException(record.exc_info)
        self._writer.write(event)


TALKATIVE = ("PIL", "python_multipart")
"""Libraries that log what is wrong with a client's input."""


def start_logging(layout: str) -> LogWriter:
    """Send everything that is logged to standard error, and nothing there past the thread that writes it.

    What libraries find odd in a picture or a form is its client's affair. Python's warnings of it would be written by
    whoever reads the picture, the event loop included, and each new text be remembered for good.
    """
    silence_decoders()
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # What no line of ours says takes most of the time of an event: the thread, the process, the place in the source.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # as the documentation of logging has it
    writer = LogWriter(sys.stderr, layout)
    root = logging.getLogger()
    root.handlers = [ToWriter(writer)]
    root.setLevel(logging.WARNING)
    logging.getLogger("service").setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):  # uvicorn's own lines about starting say nothing new
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = name != "uvicorn.access"
    return writer
