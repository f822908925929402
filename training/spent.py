"""What a training costs in time."""

import os
import time
from typing import NamedTuple


class Spent(NamedTuple):
    """Time that work took, in seconds."""

    seconds: float
    cpu_seconds: float
    """Of every core together."""

    def __add__(self, other: "Spent") -> "Spent":  # type: ignore[override]
        return Spent(self.seconds + other.seconds, self.cpu_seconds + other.cpu_seconds)

    def __sub__(self, other: "Spent") -> "Spent":
        return Spent(self.seconds - other.seconds, self.cpu_seconds - other.cpu_seconds)


NO_TIME = Spent(0, 0)


def spent() -> Spent:
    """Up to now, by this process and those it waited for."""
    times = os.times()
    return Spent(time.perf_counter(), times.user + times.system + times.children_user + times.children_system)
