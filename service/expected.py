"""Places kept for large pictures that are on their way."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Self

from starlette.types import Scope

LOOK_SECONDS = 0.1
FAST_RATE = 4 * 1024 * 1024
"""Bytes a second. For bodies that come more slowly no place is kept: they would keep others out for nothing."""


class Expected:
    """A place in the line, kept for a large body for as long as it comes fast.

    Else all that come at once would be let in, and most of them refused when they have cost what reading them costs.
    """

    def __init__(self, place: AbstractContextManager[None], bytes_so_far: Callable[[], int]) -> None:
        """`bytes_so_far`: of the body, those that have come."""
        self._place = ExitStack()
        self._place.enter_context(place)
        self._bytes_so_far = bytes_so_far
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._wait()

    @classmethod
    def of(cls, scope: Scope) -> Self | None:
        """What is kept for a request, if anything is."""
        expected: Self | None = scope.get("state", {}).get("expected")
        return expected

    def arrived(self) -> None:
        """The body is there: its place is kept until its picture takes one in the line."""
        self._timer.cancel()

    def close(self) -> None:
        """Give the place back. Once is enough, and more does no harm."""
        self._timer.cancel()
        self._place.close()

    def _wait(self) -> None:
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        if self._bytes_so_far() < FAST_RATE * (self._loop.time() - self._began):
            self.close()
        else:
            self._wait()
