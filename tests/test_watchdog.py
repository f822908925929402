"""A stuck event loop ends the process."""

import os
import signal
import time

from tests.conftest import running_server
from tests.wire import Wire, asked, get


def test_a_stuck_loop_ends_the_process(capfd):
    """Within seconds, with one line that says where. Fails without the watchdog: it would go on for a minute."""
    with running_server("tests.standin") as server, Wire(server.port) as wire:
        began = time.monotonic()
        wire.send(get("/blocked"))
        assert server.process.wait(30) == os.EX_SOFTWARE
        assert 5 < time.monotonic() - began < 20
    [line] = [line for line in capfd.readouterr().err.splitlines() if not line.startswith("INFO")]
    assert line.startswith("lenet5: the event loop is stuck at ")
    assert "standin.py" in line


def test_nobody_reads_what_it_says_and_the_process_ends():
    """Its log is full. Fails where the line is written without a look: the write would never return."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    with running_server("tests.standin", stderr=writing) as server, Wire(server.port) as wire:
        wire.send(get("/blocked"))
        assert server.process.wait(30) == os.EX_SOFTWARE
    os.close(reading)
    os.close(writing)


def test_a_paused_process_goes_on():
    """Paused for longer than a loop may be stuck; what was asked meanwhile is answered.

    Fails where the watchdog reads a clock instead of counting.
    """
    with running_server() as server:
        os.kill(server.process.pid, signal.SIGSTOP)
        time.sleep(9)
        os.kill(server.process.pid, signal.SIGCONT)
        assert asked(server.port, get()).status == 200
        time.sleep(1)
        assert asked(server.port, get()).status == 200
        assert server.stop() == 0
