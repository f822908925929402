"""The spans under a request's. FastAPI makes that one by itself where an OpenTelemetry SDK is (extra `otel`)."""

from collections.abc import Sequence
from time import time_ns

from opentelemetry import trace

from service.pipeline import Prepared

_tracer = trace.get_tracer("lenet5")


def trace_stages(prepared: Sequence[Prepared], infer_seconds: float) -> None:
    """Add `decode` and `frame` of each picture, and `infer`, which has only just ended, to the span of the request.

    They are made once their times are known, so that a request that nobody traces pays for one question.
    """
    if not trace.get_current_span().is_recording():
        return
    for item in prepared:
        framing = item.started_ns + _nanoseconds(item.decode_seconds)
        _add("decode", item.started_ns, framing)
        _add("frame", framing, framing + _nanoseconds(item.frame_seconds))
    now = time_ns()
    _add("infer", now - _nanoseconds(infer_seconds), now)


def _add(name: str, start_ns: int, end_ns: int) -> None:
    _tracer.start_span(name, start_time=start_ns).end(end_ns)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
