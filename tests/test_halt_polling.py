"""The event loop does not sleep between requests that follow one another closely, and does between all others."""

import asyncio
import time
from itertools import count
from time import perf_counter

import pytest

from service.halt_polling import HaltPolling
from tests.conftest import png, running_server
from tests.samples import IMAGES
from tests.torture.watched import Watched
from tests.wire import Wire, post

TURNS = 50


def polled(seconds, apart, idle=lambda: True, wait=0.0):
    """How often of so many turns of the loop it is polled, some time after two requests that came so far apart."""

    async def turns():
        asked = count()
        polling = HaltPolling(seconds, lambda: next(asked) >= 0 and idle())
        polling.answered(perf_counter())
        polling.answered(perf_counter() + apart)
        await asyncio.sleep(wait)
        before = next(asked)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return next(asked) - before - 1

    return asyncio.run(turns())


def test_it_is_awake_after_requests_that_follow_one_another_closely():
    """In every turn of the loop."""
    assert polled(seconds=60, apart=0) == TURNS


def test_it_sleeps_after_others():
    """Also where they are a little too far apart, and where the setting is 0."""
    assert polled(seconds=60, apart=61) == 0
    assert polled(seconds=0, apart=0) == 0


def test_it_sleeps_where_one_is_in_work():
    """A thread that reads a photo wants the interpreter."""
    assert polled(seconds=60, apart=0, idle=lambda: False) == 0


def test_it_sleeps_once_none_has_come_in_time():
    """However closely those before it had followed one another."""
    assert polled(seconds=0.05, apart=0, wait=0.2) == 0


def test_the_first_request_of_all_follows_none():
    """Whatever the clock says when it comes."""

    async def first():
        HaltPolling(1e9, is_idle=pytest.fail).answered(perf_counter())

    asyncio.run(first())


def used(seconds_of_polling: float, long_enough: float) -> float:
    """Seconds of the processor that a real server takes, after two requests, in so many; less where 0.2 are used up."""
    picture = post("/predict", png(IMAGES[0]))
    with running_server(halt_poll_microseconds=int(seconds_of_polling * 1e6)) as server, Wire(server.port) as wire:
        watched = Watched(server.process.pid)
        for _ in range(2):
            wire.send(picture)
            assert wire.answer().status == 200
        before, deadline = watched.cpu_seconds(), time.monotonic() + long_enough
        while watched.cpu_seconds() - before < 0.2 and time.monotonic() < deadline:
            time.sleep(0.01)
        return watched.cpu_seconds() - before


def test_a_server_waits_as_it_is_told():
    """Awake or asleep; the setting is long, so that what it costs is seen."""
    assert used(20, long_enough=20) >= 0.2
    assert used(0, long_enough=0.7) < 0.2
