"""The front of POST /predict: plain requests are answered before parser, router and the app's layers.

Most pictures that programs send are framed already, as grey PNGs of 28 x 28. Reading one takes some 30 µs, a request's
way through parser and app more than ten times that. So the connection shows what arrives to the front first. All that
arrives within one turn of the event loop is read together, and answered with the bytes that the route would have sent.
Other pictures are read one by one, as the route reads them, in a thread where they are large.

What is not plain goes the long way, through the app: other queries, and forms and JSON that are large or written in
other ways. `tests/test_surfaces_agree.py` holds the two to each other.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import closing
from functools import cached_property
from time import perf_counter

from opentelemetry import trace

from service.admission import BIG_BODY, Arrival, held
from service.auth import is_authorized
from service.busy import Busy
from service.classifier import Classifier
from service.deps import Held
from service.errors import ServiceError
from service.exchange import MOST_BYTES, is_short
from service.expected import Expected
from service.halt_polling import HaltPolling
from service.observe import Finished
from service.pipeline import model_name, predict, prepare_framed
from service.plain import Connection, Plain, read_plain
from service.replies import Replies
from service.schemas import Prediction
from service.single import Ask, read_picture
from service.stages import Stages
from service.timing import stages_of
from service.upload import is_taken_out_fast, plain_image
from service.workers import SMALL_BYTES

logger = logging.getLogger(__name__)

_Looked = tuple[bytes | None, Prediction | None]
"""A picture, where its request is plain, and what the network says of it, where it is framed."""

_Answered = tuple[Sequence[Finished], Sequence[Prediction], Stages]
"""Requests that are answered and not yet counted, what was said, and what the stages of each took."""


class Front:
    """Answers plain requests, one turn of the event loop at a time. Everything else hangs on the app."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self._replies = Replies(held)
        self.most_bytes = min(MOST_BYTES, held.settings.max_buffered_bytes // held.settings.max_connections)
        """Of a short body. All connections together then hold no more than bodies elsewhere may."""
        self._waiting: list[Plain] = []
        self._polling = HaltPolling(
            held.settings.halt_poll_microseconds / 1e6, is_idle=lambda: not held.admission.in_flight
        )

    @cached_property
    def traced(self) -> bool:
        """Whether spans are wanted: the app makes the request's own."""
        return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)

    def take(self, data: bytes, connection: Connection) -> Plain | None:
        """Take the request that these bytes begin with; None where it is not plain."""
        plain = read_plain(data, connection, self.held.settings.max_header_bytes)
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
        return self._with_room(plain)

    def _with_room(self, plain: Plain) -> Plain | None:
        """Count the bytes of a body that is waited for, and keep a large picture its place; None where there is none.

        Short bodies are not counted: all connections together hold no more than bodies may.
        """
        admission = self.held.admission
        if plain.missing <= 0 or plain.body_bytes <= self.most_bytes:
            return plain
        if not admission.admits(plain.origin, plain.body_bytes):
            return None
        come, plain.body = plain.body, b""
        plain.arrival = plain.keep(closing(Arrival(admission, plain.origin)))
        if not plain.add(come):
            return None
        if plain.body_bytes > BIG_BODY:
            place = admission.kept_place(plain.origin, plain.body_bytes)
            plain.expected = plain.keep(closing(Expected(place, lambda: len(plain.body))))
        return plain

    def _is_within_limits(self, plain: Plain) -> bool:
        settings = self.held.settings
        return (
            0 < plain.body_bytes <= settings.max_body_bytes
            and is_taken_out_fast(plain.body_bytes, plain.content_type)
            and len(plain.headers) <= settings.max_header_count
            and len(plain.path) <= settings.max_url_bytes
        )

    def turn_away(self, headers: dict[bytes, bytes]) -> Busy | None:
        """Tell a short request to come back later; None where it takes more than that."""
        if not is_short(headers, self.most_bytes) or self._replies.are_last:
            return None
        return Busy(self.held.admission.busy(), self.held.observers)

    def submit(self, plain: Plain) -> None:
        """Answer a request whose body has arrived, together with all others of this turn."""
        admission = self.held.admission
        plain.arrived()
        if not admission.admits(plain.origin, 0 if plain.expected else plain.body_bytes):
            self._turn_away(plain)
            return
        admission.in_work.take(plain.origin)
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._answer_turn)
        self._waiting.append(plain)

    def _turn_away(self, plain: Plain) -> None:
        """Tell it to come back later; there may be as many of these as answers, and they must cost far less."""
        if plain.connection.flow.write_paused:  # what is said to it would pile up
            plain.connection.take_long_way()
        else:
            self._replies.tell(plain, self.held.admission.busy(), read_bytes=0)

    def _answer_turn(self) -> None:
        began, turn, classifier = perf_counter(), self._end_wait(), self.held.serving.classifier
        if not turn:
            return
        read, stages = self._read_together(turn, classifier)
        model = model_name(classifier)
        head = self._replies.head(stages.server_timing, turn[0].connection) if stages else b""
        answered: list[Finished] = []
        for plain, (raw, prediction) in zip(turn, read, strict=True):
            if prediction is not None:
                answered.append(self._replies.answer(plain, prediction, model, head))
            elif raw is not None:
                self._begin_alone(plain, raw, classifier)
            else:
                plain.connection.take_long_way()
        if stages:
            self._count(answered, [prediction for _, prediction in read if prediction], stages)
            self._polling.answered(began)

    def _count(self, answered: Sequence[Finished], predictions: Sequence[Prediction], stages: Stages) -> None:
        """Tell who counts: now that nobody waits for it, and still before anybody else is heard.

        So whoever has an answer finds it counted.
        """
        self.held.metrics.observe_stages(stages, len(predictions))
        self.held.metrics.observe_predictions(predictions)
        for finished in answered:
            for observer in self.held.observers:
                observer(finished)

    def _end_wait(self) -> list[Plain]:
        """The requests of a turn that are still to be answered here."""
        waited, self._waiting = self._waiting, []
        for plain in waited:
            self.held.admission.in_work.give_back(plain.origin)
            if not plain.left and plain.connection.flow.write_paused:  # the app waits until answers are read
                plain.connection.take_long_way()
        return [plain for plain in waited if not plain.left]

    def _read_together(self, turn: Sequence[Plain], classifier: Classifier) -> tuple[Sequence[_Looked], Stages | None]:
        """What there is in each request; and what the stages took of each that is read, where any is."""
        try:
            raws = [plain_image(bytes(plain.body), plain.content_type) for plain in turn]
            return self._read(raws, classifier)
        except Exception:  # a bug in one must not cost the others: each meets it again alone, and has its own 500
            logger.exception("%d requests could not be read together", len(turn))
            return [(None, None)] * len(turn), None

    def _read(self, raws: Sequence[bytes | None], classifier: Classifier) -> tuple[Sequence[_Looked], Stages | None]:
        prepared = prepare_framed([raw if raw and len(raw) <= SMALL_BYTES else None for raw in raws])
        framed = [item for item in prepared if item is not None]
        if not framed:
            return [(raw, None) for raw in raws], None
        start = perf_counter()
        predictions = predict(framed, classifier)
        stages = stages_of(framed[:1], (perf_counter() - start) / len(framed))
        left = iter(predictions)
        return [(raw, next(left) if item else None) for raw, item in zip(raws, prepared, strict=True)], stages

    def _begin_alone(self, plain: Plain, raw: bytes, classifier: Classifier) -> None:
        """Read a picture that is not framed yet. Its request holds a slot meanwhile."""
        plain.keep(held(self.held.admission.in_work, plain.origin, 1))
        plain.reading = asyncio.create_task(self._read_alone(plain, raw, classifier))

    async def _read_alone(self, plain: Plain, raw: bytes, classifier: Classifier) -> None:
        try:
            answered = await self._answer_alone(plain, raw, classifier)
        except Exception:
            logger.exception("a picture could not be read")
        else:
            if answered:
                self._count(*answered)
            return
        plain.connection.take_long_way()  # the bug is met again, and has its 500

    async def _answer_alone(self, plain: Plain, raw: bytes, classifier: Classifier) -> _Answered | None:
        """Answer it as the route does. Returns what is to be counted; None where errors have told it already."""
        try:
            async with self.held.workers.deadline():
                read = await read_picture(raw, Ask(classifier), self.held, plain.origin, plain.expected)
        except ServiceError as error:
            self._replies.tell(plain, error, plain.body_bytes)
            return None
        stages = stages_of([read.prepared], read.infer_seconds)
        head = self._replies.head(stages.server_timing, plain.connection)
        finished = self._replies.answer(plain, read.prediction, model_name(classifier), head)
        return [finished], [read.prediction], stages
