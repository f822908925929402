"""What the stages of a request took, told to all who ask: the client, Prometheus and OpenTelemetry."""

from collections.abc import Sequence

from service.metrics import Metrics
from service.pipeline import Prepared
from service.stages import Stages
from service.tracing import trace_stages


def tell_stages(prepared: Sequence[Prepared], infer_seconds: float, metrics: Metrics) -> str:
    """Count and trace them. Returns the value of Server-Timing."""
    decode = sum(item.decode_seconds for item in prepared)
    stages = Stages(decode, sum(item.frame_seconds for item in prepared), infer_seconds, len(prepared))
    metrics.observe_stages(stages)
    trace_stages(prepared, infer_seconds)
    return stages.server_timing
