"""How much work is taken on: a request is refused early and cheaply rather than late.

Nothing here knows of ASGI: the connection asks as well as the routes do.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from model.contract import NAME
from service.errors import Overloaded
from service.expected import Expected
from service.origin import origin_of
from service.settings import Settings
from service.shares import Shares

ONE_PICTURE = frozenset({"/predict", "/v1/predict"})
WORK = (
    ONE_PICTURE
    | {"/predict/batch", "/v1/predict/batch"}
    | {f"/v2/models/{NAME}{version}/infer" for version in ("", "/versions/1")}
)
"""Paths that need a slot. All else is cheap, and probes must be answered most of all under load."""

BIG_BODY = 64 * 1024
"""Bytes of a body whose picture will have to wait for a thread."""
PIXELS_A_BYTE = 2
"""Of the pictures that large bodies are, at least so many: photos have more, scans as PNG about as many."""
MEMORY = 0.9
"""How much of what was expected of a large picture still is, after one that was different."""


class Admission:
    """Counts what is in work and what waits, by client, and refuses beyond the limits.

    A body still arriving is not yet in work: a slow client costs bytes, not a slot.
    """

    def __init__(self, settings: Settings) -> None:
        self.in_work = Shares(settings.max_inflight)
        """Requests."""
        self.waiting = Shares(settings.max_waiting_pixels)
        """Pixels of pictures that wait for a thread, or are on their way to."""
        self.arriving = Shares(settings.max_buffered_bytes)
        """Bytes of bodies that are not complete."""
        self.connections = Shares(settings.max_connections)
        self.most_pixels = settings.max_pixels
        self.expected_pixels = 0.0
        """Of the picture in a large body, as those were of late: to be refused late costs most of what work costs."""
        self.trusted_proxies = settings.trusted_proxies
        self.shed = 0
        """Requests told to come back later."""

    @property
    def in_flight(self) -> int:
        """Requests in work."""
        return self.in_work.used

    @staticmethod
    def guards(path: str) -> bool:
        """Whether a path needs a slot, so that it may be refused as soon as its headers are there."""
        return path in WORK

    def origin(self, scope: Mapping[str, Any]) -> str:
        """The client of a request, by its ASGI scope or what has the same `client` and `headers`."""
        return self.origin_of(scope["client"], scope["headers"])

    def origin_of(self, peer: tuple[str, int] | None, headers: Iterable[tuple[bytes, bytes]] = ()) -> str:
        """The client of a request, by its connection's other end and its headers."""
        return origin_of(peer[0] if peer else "", headers, self.trusted_proxies)

    def admits(self, origin: str, body_bytes: int) -> bool:
        """Whether a request whose head is there would be admitted if its body came now."""
        if body_bytes > BIG_BODY and not self.waiting.admits(origin, self._expected(body_bytes)):
            return False
        return self.in_work.admits(origin)

    def kept_place(self, origin: str, body_bytes: int) -> AbstractContextManager[None]:
        """A place in the line for a large body that is on its way."""
        return held(self.waiting, origin, self._expected(body_bytes))

    def _expected(self, body_bytes: int) -> int:
        """Pixels of the picture that a large body is; never more than are read at all, whatever a head claims."""
        return min(max(body_bytes * PIXELS_A_BYTE, int(self.expected_pixels)), self.most_pixels)

    def busy(self, detail: str = "As many requests as can be are in work; try again in a second.") -> Overloaded:
        """What a client beyond the limits is told; counted."""
        self.shed += 1
        return Overloaded(detail)

    @contextmanager
    def slot(self, origin: str) -> Iterator[None]:
        """Hold one slot while the request is in work. Raises Overloaded."""
        if not self.in_work.admits(origin):
            raise self.busy()
        with held(self.in_work, origin, 1):
            yield

    @contextmanager
    def place(self, origin: str, pixels: int, expected: Expected | None = None) -> Iterator[None]:
        """Hold a place in the line of those who wait for a thread, in exchange for that which was kept, if any.

        Raises Overloaded.
        """
        if expected:
            expected.close()
        self.expected_pixels = MEMORY * self.expected_pixels + (1 - MEMORY) * pixels
        if not self.waiting.admits(origin, pixels):
            raise self.busy("Too many large pictures are waiting; try again in a second.")
        with held(self.waiting, origin, pixels):
            yield


@contextmanager
def held(shares: Shares, origin: str, amount: int) -> Iterator[None]:
    """Hold so much of something for a while."""
    shares.take(origin, amount)
    try:
        yield
    finally:
        shares.give_back(origin, amount)


class Arrival:
    """The bytes of one body that have come so far, counted until it is closed."""

    def __init__(self, admission: Admission, origin: str) -> None:
        self.admission = admission
        self.origin = origin
        self.bytes = 0

    def admits(self, count: int) -> bool:
        """Whether there is room for so many more."""
        return self.admission.arriving.admits(self.origin, count)

    def add(self, count: int) -> None:
        """Count bytes that came. Raises Overloaded where all bodies together hold too many."""
        if not count:
            return
        if not self.admits(count):
            raise self.admission.busy("Too many bodies are arriving at once; try again in a second.")
        self.bytes += count
        self.admission.arriving.take(self.origin, count)

    def close(self) -> None:
        """They are there, or will not come. Once is enough, and more does no harm."""
        if self.bytes:
            self.admission.arriving.give_back(self.origin, self.bytes)
            self.bytes = 0
