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


def milliseconds_a_request(halt_poll_microseconds: int, tries: int) -> float:
    """Processor time of a real server that is asked with pauses of 3 ms: the most of some tries, up to 1.5."""
    picture, most = post("/predict", png(IMAGES[0])), 0.0
    with running_server(halt_poll_microseconds=halt_poll_microseconds) as server, Wire(server.port) as wire:
        watched = Watched(server.process.pid)
        while most < 1.5 and tries > 0:
            tries -= 1
            before = watched.cpu_seconds()
            for _ in range(50):
                wire.send(picture)
                assert wire.answer().status == 200
                time.sleep(0.003)
            most = max(most, 1e3 * (watched.cpu_seconds() - before) / 50)
    return most


def test_a_server_waits_as_it_is_told():
    """Awake, where the machine lets it, or asleep, which costs less than a fifth."""
    assert milliseconds_a_request(10_000, tries=50) >= 1.5
    assert milliseconds_a_request(0, tries=3) < 1.5
