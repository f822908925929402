"""Where big pictures and batches are worked on: a few threads of their own, so that nothing waits behind them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from PIL import Image

from model.contract import SIZE
from service.errors import DeadlineExceeded

S = TypeVar("S")
T = TypeVar("T")

SMALL = SIZE * SIZE
"""Pixels of a picture that is most often framed already: it takes less than the hop to a thread. Others take
milliseconds to frame, and a hundred of them in one turn of the loop would hold up the probes."""


SMALL_BODY = 256 * 1024
"""Bytes of a body whose pictures are taken out within a fraction of a millisecond."""


def is_small(image: Image.Image) -> bool:
    """Whether an opened, not yet decoded picture may be worked on in the event loop."""
    return image.width * image.height <= SMALL


class Workers:
    """A bounded pool of threads with a deadline."""

    def __init__(self, threads: int, timeout_seconds: float) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="worker")
        self._timeout_seconds = timeout_seconds

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Bound all that is run within. Raises DeadlineExceeded; what has not begun by then never does."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                yield
        except TimeoutError:
            raise DeadlineExceeded("This could not be read in time; try again, or send less at a time.") from None

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def map(self, work: Callable[[S], T], items: Iterable[S]) -> list[T]:
        """Run `work` on each item, in order. Each is a task of its own: a thread is never held for a whole batch."""
        return list(await asyncio.gather(*(self.run(partial(work, item)) for item in items)))

    def close(self) -> None:
        """Forget what has not begun and let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
