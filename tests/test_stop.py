"""A stop loses no request that was accepted, ends in time whatever the clients do, and is no failure."""

import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT, running_server

MODES = pytest.mark.parametrize("mode", ["keep-alive", "new-connections"])


def stop_under_load(mode: str, module: str = "service", after: float = 0.6) -> tuple[int, int]:
    """Stop a server amid the load of 32 connections. Returns how many requests were answered, and how many lost."""
    with running_server(module, access_log=False) as server:
        command = [sys.executable, "-m", "tests.load", str(server.port), mode]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as load:
            time.sleep(after)
            assert server.stop() == 0
            answered, lost = load.communicate(timeout=60)[0].split()
    return int(answered), int(lost)


@MODES
def test_a_stop_under_load_loses_nothing(mode):
    """Three times, at different moments."""
    for after in (0.5, 0.63, 0.77):
        answered, lost = stop_under_load(mode, after=after)
        assert answered > 0
        assert lost == 0


@pytest.mark.torture
@pytest.mark.timeout(600)
@MODES
def test_many_stops_under_load_lose_nothing(mode):
    """By hand: the figures are printed."""
    results = [stop_under_load(mode, after=0.4 + number / 40) for number in range(40)]
    answered, lost = map(sum, zip(*results, strict=True))
    print(f"{mode}: {len(results)} stops, {answered} requests answered, {lost} lost")
    assert lost == 0


def test_without_the_guards_requests_are_lost():
    """The control: the same load sees uvicorn's own shutdown lose requests, at nearly every stop."""
    losses = (stop_under_load("new-connections", "tests.careless")[1] for _ in range(10))
    assert any(losses)
