"""The front of POST /predict: what takes less time than a task and a router do is answered before them.

Most pictures that programs send are framed already, as grey PNGs of 28 x 28. Reading one takes some 30 µs, a request's
way through parser and app several times that. So the connection shows what arrives to the front first. All that arrives
within one turn of the event loop is read together, and answered with the bytes that the route would have sent.

What is not plain goes the long way, through the app: other pictures, other queries, and every failure.
`tests/test_surfaces_agree.py` holds the two to each other.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import cached_property
from http import HTTPStatus
from time import perf_counter

from opentelemetry import trace
from pydantic_core import to_json
from starlette.types import Scope

from service.auth import is_authorized
from service.boundary import SECURITY_LINES
from service.busy import Busy, told
from service.classifier import Classifier
from service.deps import Held
from service.exchange import MOST_BYTES, answer_bytes, first_lines, is_short
from service.observe import Finished
from service.pipeline import model_name, predict, prepare_framed
from service.plain import Connection, Plain, read_plain
from service.request_id import HEADER, chosen_id
from service.schemas import Answer, ModelName, Prediction
from service.timing import tell_stages
from service.upload import plain_image

logger = logging.getLogger(__name__)

_HEADERS = (
    f"server-timing: %b\r\ncache-control: no-store\r\ncontent-type: application/json\r\n{SECURITY_LINES}%b"
).encode()
"""The same for all answers of a turn."""


class Front:
    """Answers plain requests, one turn of the event loop at a time. Everything else hangs on the app."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self.most_bytes = min(MOST_BYTES, held.settings.max_buffered_bytes // held.settings.max_connections)
        """All connections together then hold here no more than bodies elsewhere may."""
        self._longest = self.most_bytes + held.settings.max_header_bytes
        """Of a plain request, head and all: more bytes need not be looked through."""
        self._waiting: list[Plain] = []

    @cached_property
    def traced(self) -> bool:
        """Whether spans are wanted: the app makes the request's own."""
        return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)

    def take(self, data: bytes, connection: Connection) -> Plain | None:
        """Take the request that these bytes begin with; None where it is not plain."""
        if len(data) > self._longest:
            return None
        plain = read_plain(data, connection)
        if plain is None or self.traced or not self._is_within_limits(plain):
            return None
        settings, admission = self.held.settings, self.held.admission
        if settings.cors_origins and b"origin" in plain.headers:
            return None
        if settings.api_key and not is_authorized(plain.headers.items(), settings.api_key.get_secret_value()):
            return None
        if admission.trusted_proxies:
            plain.origin = admission.origin_of(connection.client, plain.headers.items())
        else:
            plain.origin = connection.origin
        return plain

    def _is_within_limits(self, plain: Plain) -> bool:
        settings = self.held.settings
        return (
            0 < plain.body_bytes <= self.most_bytes
            and plain.head_bytes <= settings.max_header_bytes
            and len(plain.headers) <= settings.max_header_count
            and len(plain.path) <= settings.max_url_bytes
        )

    def turn_away(self, headers: dict[bytes, bytes]) -> Busy | None:
        """Tell a short request to come back later; None where it takes more than that."""
        if not is_short(headers, self.most_bytes) or self.held.readiness.state == "draining":
            return None
        return Busy(self.held.admission.busy(), self.held.observers)

    def submit(self, plain: Plain) -> None:
        """Answer a request whose body has arrived, together with all others of this turn."""
        in_work = self.held.admission.in_work
        if not in_work.admits(plain.origin):
            self._turn_away(plain)
            return
        in_work.take(plain.origin)
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._answer_turn)
        self._waiting.append(plain)

    def _turn_away(self, plain: Plain) -> None:
        """Tell it to come back later; there may be as many of these as answers, and they must cost far less."""
        if plain.connection.flow.write_paused:  # what is said to it would pile up
            plain.connection.take_long_way()
            return
        scope: Scope = {"method": "POST", "path": plain.path, "headers": plain.headers.items()}
        headers, body = told(scope, self.held.admission.busy(), self.held.observers, perf_counter() - plain.started)
        last = self.held.readiness.state == "draining"
        always = plain.connection.server_state.default_headers
        answer = answer_bytes(HTTPStatus.SERVICE_UNAVAILABLE, always, headers, body, keep_alive=not last)
        plain.connection.answer(answer, last=last)

    def _answer_turn(self) -> None:
        turn, classifier = self._end_wait(), self.held.serving.classifier
        if not turn:
            return
        try:
            predictions, timing = self._read(turn, classifier)
        except Exception:  # a bug in one must not cost the others: each meets it again alone, and has its own 500
            logger.exception("%d requests could not be read together", len(turn))
            predictions, timing = [None] * len(turn), ""
        model, last = model_name(classifier), self.held.readiness.state == "draining"
        head = first_lines(HTTPStatus.OK, turn[0].connection.server_state.default_headers)
        head += _HEADERS % (timing.encode(), b"connection: close\r\n" if last else b"")
        for plain, prediction in zip(turn, predictions, strict=True):
            if prediction is None:
                plain.connection.take_long_way()
            else:
                plain.connection.answer(head + self._answer(plain, prediction, model), last=last)

    def _end_wait(self) -> list[Plain]:
        """The requests of a turn that are still to be answered here."""
        waited, self._waiting = self._waiting, []
        for plain in waited:
            self.held.admission.in_work.give_back(plain.origin)
            if not plain.left and plain.connection.flow.write_paused:  # the app waits until answers are read
                plain.connection.take_long_way()
        return [plain for plain in waited if not plain.left]

    def _read(self, turn: Sequence[Plain], classifier: Classifier) -> tuple[list[Prediction | None], str]:
        """What the network says of a turn's pictures, None of one that is not plain; and the Server-Timing of each."""
        prepared = prepare_framed([plain_image(plain.body, plain.content_type) for plain in turn])
        framed = [item for item in prepared if item is not None]
        start = perf_counter()
        predictions = predict(framed, classifier)
        infer_seconds = (perf_counter() - start) / max(len(framed), 1)
        self.held.metrics.observe_predictions(predictions)
        timing = tell_stages(framed[:1], infer_seconds, self.held.metrics, len(framed))
        left = iter(predictions)
        return [None if item is None else next(left) for item in prepared], timing

    def _answer(self, plain: Plain, prediction: Prediction, model: ModelName) -> bytes:
        """The end of the head, and the body; all who want to know of the request are told."""
        name = chosen_id(plain.headers.get(HEADER, b""))
        scope: Scope = {"path": plain.path, "state": {"request_id": name, "prediction": prediction}}
        answer: Answer = {**prediction, "model": model, "request_id": name}
        body = to_json(answer)
        seconds = perf_counter() - plain.started
        finished = Finished(scope, "POST", plain.path, HTTPStatus.OK, seconds, plain.body_bytes)
        for observer in self.held.observers:
            observer(finished)
        return b"content-length: %d\r\nx-request-id: %b\r\n\r\n%b" % (len(body), name.encode(), body)
