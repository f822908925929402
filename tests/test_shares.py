"""Fair shares: nobody is held back while there is enough, and nobody is shut out when there is not."""

import asyncio
import gc
import threading
import weakref
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Overloaded
from service.line import Line
from service.shares import Shares
from service.workers import Workers


def test_alone_a_client_may_have_all():
    """There is no limit per client below the limit of all."""
    shares = Shares(10)
    for _ in range(10):
        assert shares.admits("greedy")
        shares.take("greedy")
    assert not shares.admits("greedy")


def test_a_greedy_client_does_not_shut_others_out():
    """Fails without the shares: the second would be told to come back for as long as the first goes on."""
    shares = Shares(10)
    shares.take("greedy", 10)
    for _ in range(5):
        assert shares.admits("polite")
        shares.take("polite")
    assert not shares.admits("polite")
    assert not shares.admits("greedy")
    shares.give_back("greedy", 8)
    assert shares.admits("greedy")


def test_something_too_large_is_admitted_alone():
    """A picture of more pixels than may wait can still wait."""
    assert Shares(10).admits("anybody", 100)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(1, 4)), max_size=200), st.data())
def test_never_more_than_twice_the_limit(wishes, data):
    """However many clients there are; and what everybody gave back leaves nothing behind."""
    shares, held = Shares(12), []
    for origin, amount in wishes:
        if shares.admits(origin, amount):
            shares.take(origin, amount)
            held.append((origin, amount))
        elif held and data.draw(st.booleans()):
            shares.give_back(*held.pop())
        assert shares.used == sum(amount for _, amount in held) <= 24
    for one in held:
        shares.give_back(*one)
    assert (shares.used, shares._by_origin) == (0, {})


def called(line: Line, turns: dict[asyncio.Future, str]) -> str:
    """Who is called next."""
    before = {turn for turn in turns if turn.done()}
    assert line.call()
    [turn] = {turn for turn in turns if turn.done()} - before
    return turns[turn]


def test_clients_take_turns_and_so_do_their_requests():
    """Fails where the line is a plain queue, and where a client or a request has two turns before another has one."""

    async def order() -> str:
        line, turns = Line(), {}
        for origin, request, name in ["gaA", "gaB", "gaC", "gbD", "pcE", "pcF"]:
            turn = asyncio.get_running_loop().create_future()
            turns[turn] = name
            line.join(origin, request, turn)
        said = "".join(called(line, turns) for _ in turns)
        assert not line.call()
        return said

    assert asyncio.run(order()) == "AEDFBC"


def test_whoever_went_away_is_passed_over():
    """A turn that is no longer wanted costs nobody a thread. Fails where it is told all the same."""

    async def scenario() -> None:
        line = Line()
        gone, here = (asyncio.get_running_loop().create_future() for _ in range(2))
        line.join("a", 1, gone)
        line.join("a", 2, here)
        gone.cancel()
        assert line.call()
        assert here.done()

    asyncio.run(scenario())


def test_a_polite_client_is_served_between_a_greedy_one_s_pictures():
    """One after each of the other's, with one thread. Fails without turns: it would be served last."""
    done = []

    async def scenario() -> None:
        workers = Workers(1, timeout_seconds=60, wait_seconds=60)
        await asyncio.gather(
            workers.map(lambda item: done.append("greedy"), range(20), "greedy"),
            *[workers.begin(lambda: done.append("polite"), "polite") for _ in range(5)],
        )
        workers.close()

    asyncio.run(scenario())
    assert Counter(done[:11])["polite"] == 5


def test_a_turn_that_comes_too_late_is_passed_on():
    """Cancelled in the moment it is called: the thread is free for the next."""

    async def scenario() -> None:
        workers = Workers(1, timeout_seconds=60, wait_seconds=60)
        for _ in range(50):
            first = asyncio.create_task(workers.begin(lambda: None, "a"))
            second = asyncio.create_task(workers.begin(lambda: None, "b"))
            await first
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)
        assert await asyncio.wait_for(workers.begin(lambda: 7, "c"), 5) == 7
        workers.close()

    asyncio.run(scenario())


def test_who_waits_too_long_is_told_and_not_worked_for():
    """Fails without the limit: it would be worked on when its client has long given up."""
    done = []

    async def scenario() -> None:
        workers, over = Workers(1, timeout_seconds=60, wait_seconds=0.1), threading.Event()
        first = asyncio.create_task(workers.begin(over.wait, "a"))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await workers.begin(lambda: done.append("late"), "b")
        over.set()
        await first
        await workers.begin(lambda: done.append("next"), "c")
        workers.close()

    asyncio.run(scenario())
    assert done == ["next"]


def test_work_without_memory_is_put_off():
    """Wherever it runs out: a 503, not a 500. Fails where the error is let through."""

    def work() -> None:
        raise MemoryError

    async def scenario() -> None:
        workers = Workers(1, timeout_seconds=60, wait_seconds=60)
        with pytest.raises(Overloaded):
            await workers.begin(work, "a")
        workers.close()

    asyncio.run(scenario())


def test_where_one_item_fails_the_others_are_given_up():
    """Nobody waits for them any more. Fails where they are left in the line."""
    done = []

    def work(number: int) -> None:
        if number == 0:
            raise ValueError("damaged")
        done.append(number)

    async def scenario() -> None:
        workers = Workers(1, timeout_seconds=60, wait_seconds=60)
        with pytest.raises(ValueError, match="damaged"):
            await workers.map(work, range(50), "a")
        await workers.run(lambda: None, "a")  # the thread is free for others
        workers.close()

    asyncio.run(scenario())
    assert len(done) <= 1  # one may have begun


def test_a_thread_that_cannot_be_started_is_not_lost(monkeypatch):
    """Those who ask are told to come back. Fails where the pool forgets that it is idle, and refuses for ever."""

    def fail(*_):
        raise RuntimeError("can't start new thread")

    async def scenario() -> None:
        told = []
        workers = Workers(1, 60, 0.1, lambda detail: told.append(detail) or Overloaded(detail))
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", fail)
            for _ in range(3):
                with pytest.raises(Overloaded, match="thread"):
                    await workers.begin(lambda: 1, "a")
        assert len(told) == 3
        assert await workers.begin(lambda: 2, "a") == 2
        workers.close()

    asyncio.run(scenario())


def test_a_failure_keeps_nothing_in_memory():
    """A damaged picture is gone when its error is told. Fails where the error and what raised it hold each other."""

    class Picture:
        pass

    seen = []

    def work() -> None:
        picture = Picture()
        seen.append(weakref.ref(picture))
        raise ValueError

    async def scenario() -> None:
        workers = Workers(1, timeout_seconds=60, wait_seconds=60)
        with suppress(ValueError):
            await workers.begin(work, "a")
        await workers.begin(lambda: None, "a")  # the thread has put the last job down
        workers.close()

    gc.disable()
    try:
        asyncio.run(scenario())
        assert seen[0]() is None
    finally:
        gc.enable()


def test_whoever_waits_too_long_for_a_thread_is_counted_among_the_refused():
    """Fails where the error is made past what counts it."""
    told, release = [], threading.Event()

    async def scenario() -> None:
        workers = Workers(1, 60, 0.05, lambda detail: told.append(detail) or Overloaded(detail))
        first = asyncio.create_task(workers.begin(release.wait, "a"))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await workers.begin(lambda: None, "b")
        release.set()
        await first
        workers.close()

    asyncio.run(scenario())
    assert len(told) == 1
