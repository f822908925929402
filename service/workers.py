"""Where big pictures and batches are worked on: a few threads of their own, so that nothing waits behind them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from functools import partial
from typing import TypeVar

from model.contract import SIZE
from service.errors import DeadlineExceeded, Overloaded
from service.line import Line

S = TypeVar("S")
T = TypeVar("T")

NOWHERE: AbstractContextManager[None] = nullcontext()

SMALL = SIZE * SIZE
"""Pixels of a picture that is most often framed already: it takes less than the hop to a thread. Others take
milliseconds to frame, and a hundred of them in one turn of the loop would hold up the probes."""
SMALL_BYTES = 16 * 1024
"""Of such a picture: more are something else, and may take long to go through."""


def is_small(pixels: int, raw: bytes) -> bool:
    """Whether a picture of so many pixels and these bytes, not yet decoded, may be worked on in the event loop."""
    return pixels <= SMALL and len(raw) <= SMALL_BYTES


class Workers:
    """A bounded pool of threads with a deadline. Where all are at work, clients take turns."""

    def __init__(
        self,
        threads: int,
        timeout_seconds: float,
        wait_seconds: float,
        busy: Callable[[str], Overloaded] = Overloaded,
    ) -> None:
        """`busy` makes, and may count, what a client is told that has to come back later."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="worker")
        self._timeout_seconds = timeout_seconds
        self._wait_seconds = wait_seconds
        self._busy = busy
        self._idle = threads
        self._line = Line()

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Bound all that is run within. Raises DeadlineExceeded; what has not begun by then never does."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                yield
        except TimeoutError:
            raise DeadlineExceeded("This could not be read in time; try again, or send less at a time.") from None

    async def begin(self, work: Callable[[], T], origin: str, place: AbstractContextManager[None] = NOWHERE) -> T:
        """Run a request's first work in a thread; `place` is held while it waits for one.

        Raises Overloaded where none is free for too long, and what `place` raises.
        """
        try:
            with place:
                async with asyncio.timeout(self._wait_seconds):
                    await self._turn(origin, object())
        except TimeoutError:
            raise self._busy("Others are served before; try again in a second.") from None
        return await self._run(work)

    async def run(self, work: Callable[[], T], origin: str) -> T:
        """Run what is left of a request in a thread."""
        [result] = await self.map(lambda _: work(), [None], origin)
        return result

    async def map(self, work: Callable[[S], T], items: Iterable[S], origin: str) -> list[T]:
        """Run `work` on each item, in order. Each waits for its turn: a thread is never held for a whole batch."""
        request = object()

        async def run(item: S) -> T:
            await self._turn(origin, request)
            return await self._run(partial(work, item))

        tasks = [asyncio.ensure_future(run(item)) for item in items]
        try:
            return list(await asyncio.gather(*tasks))
        finally:  # where one failed, nobody waits for the others
            for task in tasks:
                task.cancel()

    def close(self) -> None:
        """Forget what has not begun and let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, origin: str, request: object) -> None:
        """Wait until a thread is free for this request of this client."""
        if self._idle:
            self._idle -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._line.join(origin, request, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()  # it came too late
            raise

    async def _run(self, work: Callable[[], T]) -> T:
        """Run in the thread that is free. It is free again when the work ends, whoever still waits for it.

        Raises Overloaded where there is no memory for it, or for the thread.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[T] = loop.create_future()
        try:
            job = self._pool.submit(work)
        except RuntimeError:  # no thread can be started now
            self._next()
            raise self._busy("There is no thread for this now; try again in a second.") from None
        job.add_done_callback(partial(_tell, loop, partial(self._end, ended)))
        try:
            return await ended
        except MemoryError:
            raise self._busy("There is no memory for this now; try again in a second.") from None
        finally:
            del job, ended  # an error they hold would hold them, and the picture, until a collection of garbage

    def _end(self, ended: "asyncio.Future[T]", job: "Future[T]") -> None:
        """Let the next one begin, and whoever waits for this one know: a thread wakes the loop once for both."""
        self._next()
        if ended.done():  # cancelled: nobody waits
            return
        if job.cancelled():
            ended.cancel()
        elif error := job.exception():
            ended.set_exception(error)
        else:
            ended.set_result(job.result())

    def _next(self) -> None:
        if not self._line.call():
            self._idle += 1


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[["Future[T]"], None], job: "Future[T]") -> None:
    """Call back in the loop, if there still is one: a thread may outlive it."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(callback, job)
