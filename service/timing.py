"""What the stages of a request took, told to all who ask: the client, Prometheus and OpenTelemetry."""

from collections.abc import Sequence

from service.metrics import Metrics
from service.pipeline import Prepared
from service.stages import Stages
from service.tracing import trace_stages


def stages_of(prepared: Sequence[Prepared], infer_seconds: float) -> Stages:
    """Those of pictures over which the network was run in so many seconds."""
    decode = sum(item.decode_seconds for item in prepared)
    return Stages(decode, sum(item.frame_seconds for item in prepared), infer_seconds, len(prepared))


def tell_stages(prepared: Sequence[Prepared], infer_seconds: float, metrics: Metrics) -> str:
    """Count and trace them. Returns the value of Server-Timing."""
    stages = stages_of(prepared, infer_seconds)
    metrics.observe_stages(stages)
    trace_stages(prepared, infer_seconds)
    return stages.server_timing
