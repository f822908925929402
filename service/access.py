"""The access log: one line for each request, and never a pixel of its picture."""

from http import HTTPStatus
from time import monotonic

from service.errors import instance
from service.logs import Event, Write
from service.observe import UNMATCHED, Finished
from service.request_id import request_id

MOST_A_SECOND = 1_000
"""Lines of successes and of refusals for lack of a slot in one second; those beyond are only counted.

Other failures always have theirs.
"""


class AccessLog:
    """Logs each request as an event. What a client can make up is either checked or percent-encoded before.

    Past Python's logging, whose records cost more than all else about a line.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._second = 0
        self._ordinary = 0
        self._left_out = 0

    def __call__(self, finished: Finished) -> None:
        """Log one request, or count it."""
        self._turn()
        if finished.status < 400 or finished.status == HTTPStatus.SERVICE_UNAVAILABLE:
            self._ordinary += 1
            if self._ordinary > MOST_A_SECOND:
                self._left_out += 1
                return
        self._write(line(finished))

    def _turn(self) -> None:
        """Begin another second, and say what the last had left out."""
        second = int(monotonic())
        if second == self._second:
            return
        if self._left_out:
            self._write({"level": "info", "event": "answers without a line of their own", "count": self._left_out})
        self._second, self._ordinary, self._left_out = second, 0, 0


def line(finished: Finished) -> Event:
    """The event of a request."""
    state = finished.scope.get("state", {})
    event = {
        "level": "info",
        "event": "request",
        "request_id": request_id(finished.scope),
        "method": finished.method,
        "route": finished.route,
        "status": finished.status,
        "ms": round(finished.seconds * 1e3, 3),
        "bytes": finished.body_bytes,
    }
    if finished.route == UNMATCHED:
        event["path"] = instance(finished.scope["path"])
    if prediction := state.get("prediction"):
        event |= {name: prediction[name] for name in ("digit", "confidence", "accepted")}
        if prediction["reason"]:
            event["reason"] = prediction["reason"]
    if "pictures" in state:
        event["pictures"] = state["pictures"]
    return event
