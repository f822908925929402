"""What each stage of a request took, as the standard header tells it."""

from collections.abc import Sequence

from service.pipeline import Prepared


def server_timing(prepared: Sequence[Prepared], infer_seconds: float) -> str:
    """The value of Server-Timing, in milliseconds: `decode` and `frame` of all pictures together, `infer`."""
    stages = {
        "decode": sum(item.decode_seconds for item in prepared),
        "frame": sum(item.frame_seconds for item in prepared),
        "infer": infer_seconds,
    }
    return ", ".join(f"{stage};dur={seconds * 1e3:.3f}" for stage, seconds in stages.items())
