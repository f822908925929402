"""How much work is taken on: a request is refused early and cheaply rather than late."""

from collections.abc import Iterator
from contextlib import contextmanager

from model.contract import NAME
from service.errors import Overloaded
from service.settings import Settings

WORK = frozenset(
    {"/predict", "/v1/predict", "/predict/batch", "/v1/predict/batch"}
    | {f"/v2/models/{NAME}{version}/infer" for version in ("", "/versions/1")}
)
"""Paths that need a slot. All else is cheap, and probes must be answered most of all under load."""


class Admission:
    """Counts requests in work and the bytes of bodies in arrival, and refuses beyond the limits.

    A body still arriving is not yet in work: a slow client costs bytes, not a slot.
    """

    def __init__(self, settings: Settings) -> None:
        self.max_inflight = settings.max_inflight
        self.max_buffered_bytes = settings.max_buffered_bytes
        self.in_flight = 0
        self.shed = 0
        """Requests told to come back later."""
        self.buffered_bytes = 0

    @property
    def full(self) -> bool:
        """Whether a request that came now would be refused."""
        return self.in_flight >= self.max_inflight

    @staticmethod
    def guards(path: str) -> bool:
        """Whether a path needs a slot, so that it may be refused as soon as its headers are there."""
        return path in WORK

    def busy(self) -> Overloaded:
        """What a client beyond the limit is told; counted."""
        self.shed += 1
        return Overloaded(f"{self.max_inflight} requests are in work; try again in a second.")

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one slot while the request is in work. Raises Overloaded."""
        if self.full:
            raise self.busy()
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    @contextmanager
    def arrival(self) -> Iterator["Arrival"]:
        """Count one body's bytes while it arrives."""
        arrival = Arrival(self)
        try:
            yield arrival
        finally:
            self.buffered_bytes -= arrival.bytes


class Arrival:
    """The bytes of one body that have come so far."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.bytes = 0

    def add(self, count: int) -> None:
        """Count bytes that came. Raises Overloaded where all bodies together hold too many."""
        self.bytes += count
        self.admission.buffered_bytes += count
        if self.admission.buffered_bytes > self.admission.max_buffered_bytes:
            self.admission.shed += 1
            raise Overloaded("Too many bodies are arriving at once; try again in a second.")
