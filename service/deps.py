"""What a route may ask for: what the app holds, and what a query may say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request

from model.framing import Polarity
from service.admission import Admission
from service.errors import InvalidRequest
from service.metrics import Metrics
from service.observe import Observer
from service.pipeline import Include
from service.readiness import Readiness
from service.reload import Serving
from service.schemas import FieldError
from service.settings import Settings
from service.workers import Workers


@dataclass(frozen=True, slots=True)
class Held:
    """The parts of the service that requests need; one of each."""

    settings: Settings
    serving: Serving
    readiness: Readiness
    admission: Admission
    workers: Workers
    metrics: Metrics
    observers: Sequence[Observer]


def held_for(request: Request) -> Held:
    """What the app of a request holds. Declared as dependencies, each part would cost every request 20 µs."""
    held: Held = request.app.state.held
    return held


PolarityQuery = Annotated[Polarity, Query(description="Whether the ink is darker or lighter than its ground.")]


IncludeQuery = Annotated[
    list[str],
    Query(description="`input` adds what the network saw, `layers` what its layers said; or `input,layers`."),
]


def included(values: Sequence[str]) -> frozenset[Include]:
    """The names in all values of the query `include`, each one or several with commas. Raises InvalidRequest."""
    names = frozenset(name for value in values for name in value.split(",") if value)
    if not names <= {"input", "layers"}:
        message = "Input should be 'input', 'layers' or both, comma-separated"
        raise InvalidRequest(
            f"Mend query.include: {message}.", fields=[FieldError(loc=["query", "include"], msg=message)]
        )
    return names  # type: ignore[return-value]
