"""What a route may ask for. All of it hangs on the app, put there by create_app."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from model.framing import Polarity
from service.admission import Admission
from service.classifier import Classifier
from service.errors import InvalidRequest
from service.metrics import Metrics
from service.pipeline import Include
from service.readiness import Readiness
from service.reload import Serving
from service.schemas import FieldError
from service.settings import Settings
from service.workers import Workers


def _held(name: str) -> Callable[[Request], Coroutine[Any, Any, Any]]:
    """A dependency that gives what the app holds under a name; a coroutine, since FastAPI runs others in a thread."""

    async def dependency(request: Request) -> Any:
        return getattr(request.app.state, name)

    return dependency


async def _classifier(request: Request) -> Classifier:
    """The one that answers this request, also where another takes its place meanwhile."""
    serving: Serving = request.app.state.serving
    return serving.classifier


SettingsDep = Annotated[Settings, Depends(_held("settings"))]
ClassifierDep = Annotated[Classifier, Depends(_classifier)]
AdmissionDep = Annotated[Admission, Depends(_held("admission"))]
ReadinessDep = Annotated[Readiness, Depends(_held("readiness"))]
MetricsDep = Annotated[Metrics, Depends(_held("metrics"))]
WorkersDep = Annotated[Workers, Depends(_held("workers"))]

PolarityQuery = Annotated[Polarity, Query(description="Whether the ink is darker or lighter than its ground.")]


async def _include(
    include: Annotated[
        list[str],
        Query(description="`input` adds what the network saw, `layers` what its layers said; or `input,layers`."),
    ] = [],  # noqa: B006  FastAPI copies it
) -> frozenset[Include]:
    names = frozenset(name for value in include for name in value.split(",") if value)
    if not names <= {"input", "layers"}:
        message = "Input should be 'input', 'layers' or both, comma-separated"
        raise InvalidRequest(
            f"Mend query.include: {message}.", fields=[FieldError(loc=["query", "include"], msg=message)]
        )
    return names  # type: ignore[return-value]


IncludeQuery = Annotated[frozenset[Include], Depends(_include)]
