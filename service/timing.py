"""What the stages of a request took, told to all who ask: the client, Prometheus and OpenTelemetry."""

from collections.abc import Sequence

from service.metrics import Metrics
from service.pipeline import Prepared
from service.tracing import trace_stages


def tell_stages(prepared: Sequence[Prepared], infer_seconds: float, metrics: Metrics) -> str:
    """Count and trace them. Returns the value of Server-Timing: ms of `decode` and `frame` of all pictures, `infer`."""
    decode_seconds = sum(item.decode_seconds for item in prepared)
    frame_seconds = sum(item.frame_seconds for item in prepared)
    if prepared:
        metrics.decode.observe(decode_seconds)
        metrics.frame.observe(frame_seconds)
    metrics.infer.observe(infer_seconds)
    trace_stages(prepared, infer_seconds)
    stages = {"decode": decode_seconds, "frame": frame_seconds, "infer": infer_seconds}
    return ", ".join(f"{stage};dur={seconds * 1e3:.3f}" for stage, seconds in stages.items())
