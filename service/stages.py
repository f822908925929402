"""What the stages of a request took: to decode, to frame, to infer."""

from dataclasses import dataclass


@dataclass(slots=True)  # not frozen, which makes making one four times as dear
class Stages:
    """Seconds of each stage, of all the pictures of a request together."""

    decode: float
    frame: float
    infer: float
    pictures: int
    """0 where ready tensors came."""

    @property
    def server_timing(self) -> str:
        """The value of Server-Timing, in ms."""
        decode, frame, infer = self.decode * 1e3, self.frame * 1e3, self.infer * 1e3
        return f"decode;dur={decode:.3f}, frame;dur={frame:.3f}, infer;dur={infer:.3f}"
