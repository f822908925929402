"""Where big pictures and batches are worked on: a few threads of their own, so that nothing waits behind them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from PIL import Image

from model.contract import SIZE
from service.errors import DeadlineExceeded

T = TypeVar("T")

SMALL = SIZE * SIZE
"""Pixels of a picture that is most often framed already: it takes less than the hop to a thread. Others take
milliseconds to frame, and a hundred of them in one turn of the loop would hold up the probes."""


def is_small(image: Image.Image) -> bool:
    """Whether an opened, not yet decoded picture may be worked on in the event loop."""
    return image.width * image.height <= SMALL


class Workers:
    """A bounded pool of threads with a deadline."""

    def __init__(self, threads: int, timeout_seconds: float) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="worker")
        self._timeout_seconds = timeout_seconds

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread. Raises DeadlineExceeded where it has not finished, or not even begun, in time."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except TimeoutError:
            raise DeadlineExceeded("The picture could not be read in time; try again, or send a smaller one.") from None

    def close(self) -> None:
        """Forget what has not begun and let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
