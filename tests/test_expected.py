"""For how long a place is kept for a large body."""

import asyncio

from service.admission import Admission, held
from service.expected import FAST_RATE, LOOK_SECONDS, Expected
from service.settings import Settings
from service.shares import Shares


def test_a_place_is_kept_while_the_body_comes_fast():
    """Fails where it is kept for one look only, or for good."""

    async def watch() -> tuple[int, int]:
        line, come = Shares(10), 100 * FAST_RATE
        Expected(held(line, "anybody", 7), lambda: come)
        await asyncio.sleep(4 * LOOK_SECONDS)
        fast = line.used
        come = 0
        await asyncio.sleep(4 * LOOK_SECONDS)
        return fast, line.used

    assert asyncio.run(watch()) == (7, 0)


def test_a_place_is_kept_when_the_body_has_come():
    """Until its picture takes it over, however long that takes; and given back once, however often it is told."""

    async def watch() -> tuple[int, int]:
        line = Shares(10)
        expected = Expected(held(line, "anybody", 7), lambda: 0)
        expected.arrived()
        await asyncio.sleep(3 * LOOK_SECONDS)
        kept = line.used
        expected.close()
        expected.close()
        return kept, line.used

    assert asyncio.run(watch()) == (7, 0)


def test_no_picture_is_expected_to_be_larger_than_is_read():
    """However many bytes it has."""
    admission = Admission(Settings(max_pixels=1_000_000, max_waiting_pixels=2_000_000))
    with admission.kept_place("anybody", 10_000_000):
        assert admission.admits("anybody", 10_000_000)
