"""Polling before sleeping: where requests follow one another closely, the event loop is awake when the next one comes.

A process that sleeps has to be woken, which takes tens of microseconds, most of all in a virtual machine, and costs
what it had in the nearest caches. So after an answer the loop looks for requests for a moment before it sleeps, if the
request just answered had come as soon after the answer before it. For everybody else the loop sleeps at once. Linux
does this for its guests, and calls it guest halt polling.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter


class HaltPolling:
    """Keeps the event loop awake between requests that are less than `seconds` apart; 0: never."""

    def __init__(self, seconds: float, is_idle: Callable[[], bool]) -> None:
        """`is_idle`: whether no request is in work. Where one is, it may be a thread's, which wants the interpreter."""
        self._seconds = seconds
        self._is_idle = is_idle
        self._answered = float("-inf")

    def answered(self, came: float) -> None:
        """What came at this time of `perf_counter` is answered now."""
        soon = came - self._answered < self._seconds
        self._answered = perf_counter()
        if soon:
            self._poll()

    def _poll(self) -> None:
        """Have the loop take another turn, which looks for requests and does not wait for any.

        The turn in which one comes ends this: it is in work before it is answered.
        """
        if self._is_idle() and perf_counter() - self._answered < self._seconds:
            asyncio.get_running_loop().call_soon(self._poll)
