"""What the stages of a request took: decode, frame, infer."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.pipeline import Prepared


@dataclass(slots=True)  # not frozen, which makes making one four times as dear
class Stages:
    """Seconds of each stage, of all pictures together."""

    decode: float
    frame: float
    infer: float
    pictures: int

    @classmethod
    def of(cls, prepared: Sequence[Prepared], infer_seconds: float) -> "Stages":
        """Those of pictures over which the network was run in so many seconds."""
        decode = sum(item.decode_seconds for item in prepared)
        return cls(decode, sum(item.frame_seconds for item in prepared), infer_seconds, len(prepared))

    @property
    def server_timing(self) -> str:
        """The value of Server-Timing, in ms."""
        decode, frame, infer = self.decode * 1e3, self.frame * 1e3, self.infer * 1e3
        return f"decode;dur={decode:.3f}, frame;dur={frame:.3f}, infer;dur={infer:.3f}"
