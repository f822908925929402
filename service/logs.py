"""What the process writes: events as lines, coloured for people or JSON for machines, written by a thread of its own.

Nothing that happens to standard error can hold up the event loop: what cannot be written in time is counted instead.
"""

import logging
import queue
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any, TextIO

import structlog

from service.libtiff import silence_libtiff

MOST_WAITING = 10_000
"""Events that may wait to be written."""
FLUSH_SECONDS = 1.0
"""At the end the thread has this long to write what waits."""

_END: dict[str, Any] = {}


class LogWriter:
    """Writes events in the order they came. `write` costs the caller a few microseconds and never waits."""

    def __init__(self, stream: TextIO, layout: str) -> None:
        self.dropped = 0
        """Events for which there was no room, since the start."""
        self._stream = stream
        self._render = renderer(layout, stream)
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, event: dict[str, Any]) -> None:
        """Have an event written; it is the writer's from now on."""
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Write what waits, within a second, and end."""
        try:
            self._waiting.put(_END, timeout=FLUSH_SECONDS)
        except queue.Full:
            return
        self._thread.join(FLUSH_SECONDS)

    def _run(self) -> None:
        failed = told = 0
        while (event := self._waiting.get()) is not _END:
            if not self._written(event):
                failed += 1
            elif (missing := self.dropped + failed) > told:
                event = {"level": "warning", "event": "events were not written", "count": missing - told}
                told = missing if self._written(event) else told

    def _written(self, event: dict[str, Any]) -> bool:
        try:
            self._stream.write(self._render(event) + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # closed, or its disk is full; the service goes on without a log
            return False
        return True


def renderer(layout: str, stream: TextIO) -> Callable[[dict[str, Any]], str]:
    """What makes a line of an event. `auto`: colours where a person is looking, else JSON.

    JSON escapes whatever would begin a new line; colours rely on it that events hold nothing a client can make up.
    """
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    if layout == "console" or (layout == "auto" and stream.isatty()):
        draw: Any = structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=0)
    else:
        draw = structlog.processors.JSONRenderer(sort_keys=False)
    return lambda event: str(draw(None, "", stamp(None, "", event)))


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
    warnings.simplefilter("ignore")
    silence_libtiff()
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    writer = LogWriter(sys.stderr, layout)
    root = logging.getLogger()
    root.handlers = [ToWriter(writer)]
    root.setLevel(logging.WARNING)
    logging.getLogger("service").setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):  # uvicorn's own lines about starting say nothing new
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = name != "uvicorn.access"
    return writer
