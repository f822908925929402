"""What the front says to plain requests, byte for byte as the app would; all who want to know of them are told."""

from http import HTTPStatus
from time import perf_counter

from pydantic_core import to_json
from starlette.types import Scope

from service.boundary import SECURITY_LINES
from service.busy import told
from service.deps import Held
from service.errors import ServiceError
from service.exchange import answer_bytes, first_lines
from service.observe import Finished
from service.plain import Connection, Plain
from service.request_id import HEADER, chosen_id
from service.schemas import Answer, ModelName, Prediction

_HEADERS = (
    f"server-timing: %b\r\ncache-control: no-store\r\ncontent-type: application/json\r\n{SECURITY_LINES}%b"
).encode()


class Replies:
    """Writes them."""

    def __init__(self, held: Held) -> None:
        self._readiness, self._observers = held.readiness, held.observers
        self._always: list[tuple[bytes, bytes]] = []
        self._first_lines = b""

    @property
    def are_last(self) -> bool:
        """Whether connections end with them."""
        return self._readiness.state == "draining"

    def head(self, timing: str, connection: Connection) -> bytes:
        """What all answers with this Server-Timing begin with."""
        last = b"connection: close\r\n" if self.are_last else b""
        always = connection.server_state.default_headers
        if always is not self._always:  # they are made anew each second, for the date
            self._always, self._first_lines = always, first_lines(HTTPStatus.OK, always)
        return self._first_lines + _HEADERS % (timing.encode(), last)

    def answer(self, plain: Plain, prediction: Prediction, model: ModelName, head: bytes) -> Finished:
        """Say what was read. What is returned, observers are still to be told."""
        name = chosen_id(plain.headers.get(HEADER, b""))
        answer: Answer = {**prediction, "model": model, "request_id": name}
        body = to_json(answer)
        end = b"content-length: %d\r\nx-request-id: %b\r\n\r\n%b" % (len(body), name.encode(), body)
        seconds = perf_counter() - plain.started
        plain.connection.answer(head + end, last=self.are_last)
        scope: Scope = {"path": plain.path, "state": {"request_id": name, "prediction": prediction}}
        return Finished(scope, "POST", plain.path, HTTPStatus.OK, seconds, plain.body_bytes)

    def tell(self, plain: Plain, error: ServiceError, read_bytes: int) -> None:
        """Say why there is no answer. `read_bytes`: of the body, those that were more than received."""
        seconds = perf_counter() - plain.started
        headers, body = told(plain.scope, error, self._observers, seconds, read_bytes)
        always = plain.connection.server_state.default_headers
        answer = answer_bytes(HTTPStatus(error.status), always, headers, body, keep_alive=not self.are_last)
        plain.connection.answer(answer, last=self.are_last)
