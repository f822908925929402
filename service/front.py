"""The front of POST /predict: what takes less time than a task and a router do is answered before them.

Most pictures that programs send are framed already, as grey PNGs of 28 x 28. Reading one takes some 30 µs, a request's
way through the app several times that. So the protocol shows such requests to the front first. All that arrive within
one turn of the event loop are read together, and answered with the bytes that the route would have sent.

What is not plain goes the long way, through the app: other pictures, other queries, and every failure.
`tests/test_surfaces_agree.py` holds the two to each other.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from time import perf_counter
from typing import NamedTuple

from opentelemetry import trace
from pydantic_core import to_json
from starlette.datastructures import State
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from service.admission import Admission
from service.auth import is_authorized
from service.boundary import POLICY as _POLICY
from service.metrics import Metrics
from service.observe import Finished, Observer
from service.pipeline import Prepared, model_name, predict, prepare_framed
from service.readiness import Readiness
from service.reload import Serving
from service.request_id import request_id
from service.schemas import Answer, ModelName, Prediction
from service.settings import Settings
from service.timing import tell_stages
from service.upload import plain_image

logger = logging.getLogger(__name__)

PATHS = (b"/predict", b"/v1/predict")

MOST_BYTES = 16 * 1024
"""Of a body that is waited for here."""

UNTAKEN = frozenset({b"content-encoding", b"expect", b"transfer-encoding", b"upgrade"})
"""Headers that ask for more than an answer."""

POLICY = _POLICY.encode()

_HEADERS = (
    b"server-timing: %b\r\ncache-control: no-store\r\ncontent-length: %d\r\ncontent-type: application/json\r\n"
    b"x-request-id: %b\r\nx-content-type-options: nosniff\r\ncontent-security-policy: %b\r\n"
)


class Reading(NamedTuple):
    """What the network said of a picture."""

    prepared: Prepared
    prediction: Prediction
    model: ModelName
    infer_seconds: float
    """Its share of the time that the network took for all."""


@dataclass(slots=True)
class Exchange:
    """A request that the front has taken, in place of an app."""

    front: "Front"
    content_type: str
    take_long_way: Callable[[RequestResponseCycle], None]
    """Hands it to the app after all, with the body that came."""
    started: float = field(default_factory=perf_counter)
    cycle: RequestResponseCycle = field(init=False)
    """Set when it is its turn on the connection."""

    def submit(self) -> None:
        """Have it answered: its body has arrived."""
        self.front.submit(self)


class Front:
    """Answers plain requests, one turn of the event loop at a time. Everything else hangs on the app."""

    def __init__(self, state: State) -> None:
        self.admission: Admission = state.admission
        self.metrics: Metrics = state.metrics
        self.observers: Sequence[Observer] = state.observers
        self.readiness: Readiness = state.readiness
        self.serving: Serving = state.serving
        self.settings: Settings = state.settings
        self.most_bytes = min(MOST_BYTES, self.settings.max_buffered_bytes // self.settings.max_connections)
        """All connections together then hold here no more than bodies elsewhere may."""
        self._waiting: list[Exchange] = []

    @cached_property
    def traced(self) -> bool:
        """Whether spans are wanted: the app makes the request's own."""
        return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)

    def take(
        self,
        method: bytes,
        url: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        take_long_way: Callable[[RequestResponseCycle], None],
    ) -> Exchange | None:
        """Take a request whose head is plain; None where it is not."""
        if url not in PATHS or method != b"POST" or self.traced or self.admission.full:
            return None
        found = dict(headers)
        if len(found) < len(headers) or not UNTAKEN.isdisjoint(found):
            return None
        if b"origin" in found and self.settings.cors_origins:
            return None
        if not 0 < int(found.get(b"content-length", b"0")) <= self.most_bytes:
            return None
        key = self.settings.api_key
        if key and not is_authorized(headers, key.get_secret_value()):
            return None
        return Exchange(self, found.get(b"content-type", b"").decode("latin-1"), take_long_way)

    def submit(self, exchange: Exchange) -> None:
        """Answer a request whose body has arrived, together with all others of this turn."""
        self.admission.in_flight += 1
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._answer_turn)
        self._waiting.append(exchange)

    def _answer_turn(self) -> None:
        turn, self._waiting = self._waiting, []
        self.admission.in_flight -= len(turn)
        try:
            readings = self._read(turn)
        except Exception:  # a bug in one must not cost the others: each meets it again alone, and has its own 500
            logger.exception("%d requests could not be read together", len(turn))
            readings = [None] * len(turn)
        for exchange, reading in zip(turn, readings, strict=True):
            if reading is None or exchange.cycle.disconnected or exchange.cycle.flow.write_paused:
                exchange.take_long_way(exchange.cycle)
            else:
                self._answer(exchange, reading)

    def _read(self, turn: Sequence[Exchange]) -> list[Reading | None]:
        """Read the pictures of a turn; None stands for one that is not plain."""
        classifier = self.serving.classifier
        prepared = prepare_framed([plain_image(bytes(each.cycle.body), each.content_type) for each in turn])
        plain = [item for item in prepared if item is not None]
        start = perf_counter()
        predictions = iter(predict(plain, classifier))
        infer_seconds = (perf_counter() - start) / max(len(plain), 1)
        model = model_name(classifier)
        return [None if item is None else Reading(item, next(predictions), model, infer_seconds) for item in prepared]

    def _answer(self, exchange: Exchange, reading: Reading) -> None:
        """Tell all who want to know of it, and write the answer."""
        cycle = exchange.cycle
        scope: Scope = cycle.scope  # type: ignore[assignment]  # uvicorn types it more narrowly
        name = request_id(scope)
        answer: Answer = {**reading.prediction, "model": reading.model, "request_id": name}
        body = to_json(answer)
        self.metrics.observe_predictions([reading.prediction])
        timing = tell_stages([reading.prepared], reading.infer_seconds, self.metrics)
        scope["state"]["prediction"] = reading.prediction
        seconds = perf_counter() - exchange.started
        finished = Finished(scope, "POST", scope["path"], HTTPStatus.OK, seconds, len(cycle.body))
        for observer in self.observers:
            observer(finished)
        if self.readiness.state == "draining":
            cycle.keep_alive = False
        write(cycle, _HEADERS % (timing.encode(), len(body), name.encode(), POLICY), body)


def write(cycle: RequestResponseCycle, headers: bytes, body: bytes) -> None:
    """Write a whole answer, as the cycle itself does message by message."""
    lines = [STATUS_LINE[HTTPStatus.OK]]
    for name, value in cycle.default_headers:
        lines += (name, b": ", value, b"\r\n")
    lines += (headers, b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n", body)
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(b"".join(lines))
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
