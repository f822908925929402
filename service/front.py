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
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.auth import is_authorized
from service.boundary import POLICY as _POLICY
from service.busy import Busy
from service.deps import Held
from service.exchange import MOST_BYTES, Exchange, is_short, write
from service.observe import Finished
from service.pipeline import Prepared, model_name, predict, prepare_framed
from service.request_id import request_id
from service.schemas import Answer, ModelName, Prediction
from service.timing import tell_stages
from service.upload import plain_image

logger = logging.getLogger(__name__)

PATHS = (b"/predict", b"/v1/predict")

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
class Plain(Exchange):
    """A request that asks for no more than a picture to be read."""

    front: "Front"
    origin: str
    content_type: str
    take_long_way: Callable[[RequestResponseCycle], None]
    """Hands it to the app after all, with the body that came."""
    started: float = field(default_factory=perf_counter)

    def submit(self) -> None:
        """Have it answered with all others of this turn."""
        self.front.submit(self)


class Front:
    """Answers plain requests, one turn of the event loop at a time. Everything else hangs on the app."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self.most_bytes = min(MOST_BYTES, held.settings.max_buffered_bytes // held.settings.max_connections)
        """All connections together then hold here no more than bodies elsewhere may."""
        self._waiting: list[Plain] = []

    @cached_property
    def traced(self) -> bool:
        """Whether spans are wanted: the app makes the request's own."""
        return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)

    def take(
        self,
        method: bytes,
        url: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        origin: str,
        take_long_way: Callable[[RequestResponseCycle], None],
    ) -> Exchange | None:
        """Take a request whose head is plain; None where it is not."""
        if url not in PATHS or method != b"POST" or self.traced:
            return None
        found = dict(headers)
        if len(found) < len(headers) or not is_short(found, self.most_bytes):
            return None
        if b"origin" in found and self.held.settings.cors_origins:
            return None
        key = self.held.settings.api_key
        if key and not is_authorized(headers, key.get_secret_value()):
            return None
        return Plain(self, origin, found.get(b"content-type", b"").decode("latin-1"), take_long_way)

    def turn_away(self, headers: dict[bytes, bytes]) -> Exchange | None:
        """Tell a short request to come back later; None where it takes more than that."""
        if not is_short(headers, self.most_bytes) or self.held.readiness.state == "draining":
            return None
        return Busy(self.held.admission.busy(), self.held.observers)

    def submit(self, exchange: Plain) -> None:
        """Answer a request whose body has arrived, together with all others of this turn."""
        admission = self.held.admission
        if not admission.in_work.admits(exchange.origin):  # there was a slot when its head came
            busy = Busy(admission.busy(), self.held.observers)
            busy.cycle = exchange.cycle
            busy.submit()
            return
        admission.in_work.take(exchange.origin)
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._answer_turn)
        self._waiting.append(exchange)

    def _answer_turn(self) -> None:
        turn, self._waiting = self._waiting, []
        for exchange in turn:
            self.held.admission.in_work.give_back(exchange.origin)
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

    def _read(self, turn: Sequence[Plain]) -> list[Reading | None]:
        """Read the pictures of a turn; None stands for one that is not plain."""
        classifier = self.held.serving.classifier
        prepared = prepare_framed([plain_image(bytes(each.cycle.body), each.content_type) for each in turn])
        plain = [item for item in prepared if item is not None]
        start = perf_counter()
        predictions = iter(predict(plain, classifier))
        infer_seconds = (perf_counter() - start) / max(len(plain), 1)
        model = model_name(classifier)
        return [None if item is None else Reading(item, next(predictions), model, infer_seconds) for item in prepared]

    def _answer(self, exchange: Plain, reading: Reading) -> None:
        """Tell all who want to know of it, and write the answer."""
        cycle = exchange.cycle
        scope: Scope = cycle.scope  # type: ignore[assignment]  # uvicorn types it more narrowly
        name = request_id(scope)
        answer: Answer = {**reading.prediction, "model": reading.model, "request_id": name}
        body = to_json(answer)
        self.held.metrics.observe_predictions([reading.prediction])
        timing = tell_stages([reading.prepared], reading.infer_seconds, self.held.metrics)
        scope["state"]["prediction"] = reading.prediction
        seconds = perf_counter() - exchange.started
        finished = Finished(scope, "POST", scope["path"], HTTPStatus.OK, seconds, len(cycle.body))
        for observer in self.held.observers:
            observer(finished)
        if self.held.readiness.state == "draining":
            cycle.keep_alive = False
        write(cycle, HTTPStatus.OK, _HEADERS % (timing.encode(), len(body), name.encode(), POLICY), body)
