"""What the stages of a request took, told to all who ask: the client, Prometheus and OpenTelemetry."""

from collections.abc import Sequence

from service.metrics import Metrics
from service.pipeline import Prepared
from service.tracing import trace_stages


def tell_stages(prepared: Sequence[Prepared], infer_seconds: float, metrics: Metrics, requests: int = 1) -> str:
    """Count and trace them, for so many requests alike.

    Returns the value of Server-Timing: ms of `decode` and `frame` of all pictures, and of `infer`.
    """
    decode_seconds = sum(item.decode_seconds for item in prepared)
    frame_seconds = sum(item.frame_seconds for item in prepared)
    if prepared:
        metrics.decode.observe(decode_seconds, requests)
        metrics.frame.observe(frame_seconds, requests)
    metrics.infer.observe(infer_seconds, requests)
    trace_stages(prepared, infer_seconds)
    decode, frame, infer = decode_seconds * 1e3, frame_seconds * 1e3, infer_seconds * 1e3
    return f"decode;dur={decode:.3f}, frame;dur={frame:.3f}, infer;dur={infer:.3f}"
