"""A stop loses no request that was accepted, ends in time whatever the clients do, and is no failure."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from service.signals import on_signals
from tests.conftest import ROOT, Server, free_port, heed_hangups, png, running_server
from tests.wire import Wire, asked, get, post, request

MODES = pytest.mark.parametrize("mode", ["keep-alive", "new-connections"])


def stop_under_load(mode: str, module: str = "service", after: float = 0.1) -> tuple[int, int]:
    """Stop a server amid the load of 32 connections. Returns how many requests were answered, and how many lost."""
    with running_server(module, access_log=False) as server:
        command = [sys.executable, "-m", "tests.load", str(server.port), mode]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as load:
            assert load.stdout.readline() == "under way\n"
            time.sleep(after)
            assert server.stop() == 0
            answered, lost = load.communicate(timeout=60)[0].split()
    return int(answered), int(lost)


@MODES
def test_a_stop_under_load_loses_nothing(mode):
    """Three times: while the clients are still connecting, and later."""
    for after in (0, 0.1, 0.3):
        answered, lost = stop_under_load(mode, after=after)
        assert answered > 0
        assert lost == 0


@pytest.mark.torture
@pytest.mark.timeout(600)
@MODES
def test_many_stops_under_load_lose_nothing(mode):
    """By hand: the figures are printed."""
    results = [stop_under_load(mode, after=number / 80) for number in range(40)]
    answered, lost = map(sum, zip(*results, strict=True))
    print(f"{mode}: {len(results)} stops, {answered} requests answered, {lost} lost")
    assert lost == 0


def test_without_the_guards_requests_are_lost():
    """The control: the same load sees uvicorn's own shutdown lose requests, at nearly every stop.

    By hand, with the service itself, 8 stops in each mode, answered and lost: 587 and 500 with uvicorn's shutdown; 608
    and 463 with handshakes refused but nobody in the queue waited for; 12,347 and 484 with the queue waited for but no
    handshake refused. 80 stops with a filter that dropped every packet, not only each SYN: 15,569 and 5, all of them
    in handshakes that were under way. With all of it 330 stops: 54,535 and 0.
    """
    losses = (stop_under_load("new-connections", "tests.careless")[1] for _ in range(10))
    assert any(losses)


# What is answered, and for how long


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_is_no_failure(signum):
    """Exit code 0; an idle connection holds it up for a second at most."""
    with running_server() as server, Wire(server.port) as wire:
        wire.send(get())
        assert wire.answer().status == 200
        server.process.send_signal(signum)
        assert server.process.wait(5) == 0
        assert wire.ended()


def test_a_draining_service_is_not_ready_and_still_serves(digit_png):
    """On old connections and on new ones, and each answer asks the client to leave."""
    with running_server(drain_seconds=1.5) as server, Wire(server.port) as wire:
        wire.send(get())
        assert not wire.answer().closes
        server.process.terminate()
        wait_until_not_ready(server)
        time.sleep(0.7)  # a stop without the drain would have closed the listener by now
        for answer in (asked(server.port, post("/predict", digit_png)), ask(wire, post("/predict", digit_png))):
            assert (answer.status, answer.closes) == (200, True)
        assert server.process.poll() is None
        assert server.process.wait(10) == 0


def wait_until_not_ready(server: Server) -> None:
    """Signals are handled between two turns of the loop, so very soon, but not at once."""
    for _ in range(100):
        if asked(server.port, get("/readyz")).status == 503:
            return
        time.sleep(0.005)
    raise AssertionError("the service is still ready")


def ask(wire: Wire, data: bytes):
    wire.send(data)
    return wire.answer()


def test_what_is_in_work_or_arriving_or_on_its_way_is_answered():
    """After the listener was closed: the second half of a body, and a request on a connection that was idle."""
    with running_server("tests.standin") as server, ExitStack() as stack:
        held, half, idle = (stack.enter_context(Wire(server.port)) for _ in range(3))
        held.send(post("/predict?milliseconds=1500", b"held"))
        half.send(request("POST", "/predict?milliseconds=1", "Content-Length: 8", body=b"half"))
        assert ask(idle, get()).status == 200
        server.process.terminate()
        wait_until_closed(server.port)
        idle.send(post("/predict?milliseconds=1", b"on its way"))
        half.send(b"half")
        for wire, body in ((idle, b"10 bytes"), (half, b"8 bytes"), (held, b"4 bytes")):
            answer = wire.answer()
            assert (answer.body, answer.closes) == (body, True)
        assert server.process.wait(5) == 0


def wait_until_closed(port: int) -> None:
    """Wait until nobody listens on a port any more."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.1).close()
        except TimeoutError:
            continue  # the filter
        except ConnectionRefusedError:
            return
    raise AssertionError("somebody listens still")


def test_stuck_clients_and_stuck_work_hold_a_stop_up_for_twelve_seconds_at_most(capfd):
    """What is unfinished then is cut off, which one line tells."""
    with running_server("tests.standin") as server, ExitStack() as stack:
        for data in (
            b"",
            get(),
            b"GET /",
            request("POST", "/predict", "Content-Length: 8", body=b"half"),
            post("/predict", b"held for ever"),
            get("/stuck"),
            get("/big") * 3,
        ):
            wire = stack.enter_context(Wire(server.port, receive_buffer=4096))
            wire.send(data)
        assert asked(server.port, get()).status == 200
        began = time.monotonic()
        server.process.terminate()
        assert server.process.wait(20) == 0
        assert 5 < time.monotonic() - began < 12.5
    [line] = [line for line in capfd.readouterr().err.splitlines() if not line.startswith("INFO")]
    assert "are cut off unfinished" in line


def test_a_second_signal_ends_it_at_once(capfd):
    """The operator does not want to wait; no traceback is the answer to that."""
    with running_server("tests.standin") as server, Wire(server.port) as held, Wire(server.port) as stuck:
        held.send(post("/predict", b"held for ever"))
        stuck.send(get("/stuck"))
        assert asked(server.port, get()).status == 200
        server.process.terminate()
        wait_until_closed(server.port)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(5) == 0
    assert "Traceback" not in capfd.readouterr().err


def test_a_picture_that_is_being_decoded_does_not_hold_the_exit_up():
    """The client has had its 504; the thread goes on through 5 gigapixels, for which nobody waits."""
    bomb = png(np.zeros((5000, 5000), np.uint8))
    parts = b"".join(
        b'--a\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n' + bomb + b"\r\n"
        for _ in range(200)
    )
    with running_server(request_timeout_seconds=0.2) as server:
        batch = post("/predict/batch", parts + b"--a--\r\n", "Content-Type: multipart/form-data; boundary=a")
        assert asked(server.port, batch).status == 504
        server.process.terminate()
        assert server.process.wait(8) == 0


# The start


@contextmanager
def starting(model: Path | None = None, port: int | None = None) -> Iterator[Server]:
    """`python -m service` that has only just been started; what it says can be read from its process."""
    port = port or free_port()
    environment = os.environ | ({"LENET_MODEL_PATH": str(model)} if model else {})
    command = [sys.executable, "-m", "service", "--host", "127.0.0.1", "--port", str(port)]
    streams = {"stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=environment, preexec_fn=heed_hangups, **streams) as process:
        try:
            yield Server(process, port)
        finally:
            process.kill()


@pytest.fixture
def piped_model(tiny_model):
    """A model file that is a pipe, so that the service waits in the middle of its start; and what belongs in it."""
    content = tiny_model.read_bytes()
    tiny_model.unlink()
    os.mkfifo(tiny_model)
    return tiny_model, content


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_while_the_model_is_loaded_ends_the_start(piped_model, signum):
    """Without a handler the first process of a container would not even get it."""
    path, _ = piped_model
    with starting(path) as server, path.open("wb"):  # which waits until the service opens it too
        server.process.send_signal(signum)
        assert server.process.wait(5) == 0
        assert server.process.stderr.read() == ""


def test_who_connects_at_the_first_moment_is_answered_although_it_stops():
    """The signal comes before the loop has run, as likely as not."""
    for _ in range(2):
        with starting() as server, first_connection(server.port) as wire:
            server.process.terminate()
            wire.send(get())
            assert wire.answer().status == 200
            assert server.process.wait(5) == 0


def first_connection(port: int) -> Wire:
    """A connection, as soon as the server listens."""
    while True:
        try:
            return Wire(port)
        except ConnectionRefusedError:
            time.sleep(0.001)


def fails_in_one_line(server: Server) -> bool:
    """Whether it exits with 1, and says of a port in use no more than that."""
    line = f"lenet5: cannot listen on 127.0.0.1:{server.port}: Address already in use\n"
    return server.process.wait(20) == 1 and server.process.stderr.read() == line


def test_a_port_in_use_is_told_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as other, starting(port=other.getsockname()[1]) as server:
        assert fails_in_one_line(server)


def test_a_port_that_another_service_takes_meanwhile_is_told_in_one_line(piped_model):
    """Two that start at once can both bind; only one can listen."""
    path, content = piped_model
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        with starting(path, other.getsockname()[1]) as server:
            with path.open("wb") as pipe:
                other.listen()
                pipe.write(content)
            assert fails_in_one_line(server)


def test_a_signal_while_modules_are_imported_is_heard():
    """It comes at the worst moment: when the first large module is about to be imported. Unhandled it would be 143."""
    code = """
import importlib.abc, os, runpy, signal, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in ("fastapi", "pydantic"):
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Finder())
runpy.run_module("service", run_name="__main__", alter_sys=True)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=30).returncode == 0


def test_a_hang_up_that_is_ignored_stays_so(monkeypatch):
    """What nohup starts outlives its terminal. Fails where every signal is handled."""
    monkeypatch.setattr("service.signals.STOPPING", ())
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        on_signals(lambda *_: None)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
