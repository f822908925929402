"""Whether traffic should come here: a different question from whether the process lives."""

from typing import Literal

State = Literal["starting", "ready", "draining"]


class Readiness:
    """starting → ready → draining, and never back. Overload does not change it: that would only make it flap."""

    def __init__(self) -> None:
        self.state: State = "starting"

    def ready(self) -> None:
        """The model has answered its golden sample rightly; who is told to stop meanwhile does not become ready."""
        if self.state == "starting":
            self.state = "ready"

    def drain(self) -> None:
        """The process is about to stop: balancers should look elsewhere, who comes all the same is served."""
        self.state = "draining"
