"""A platform that gives less than usual: no disk to write to, no free descriptors, no room for the log."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import numpy as np

from tests.conftest import ROOT, Server, free_port, png, running_server, wait_until_ready
from tests.torture.hostile import bad_input
from tests.torture.watched import Watched
from tests.wire import Wire, asked, get, post

PATHS = ("/", "/docs", "/openapi.json", "/metrics", "/readyz", "/v2", "/v1/model", "/nothing")
NOISE = png(np.random.default_rng(0).integers(0, 256, (2800, 2800), np.uint8))  # 8 MB


def form(content: bytes) -> bytes:
    """A request with a file in a form, as browsers send it."""
    head = b'--a\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    media_type = "Content-Type: multipart/form-data; boundary=a"
    return post("/predict", head + content + b"\r\n--a--\r\n", media_type)


def test_nothing_is_written_to_a_disk(monkeypatch):
    """Not a byte may be written to any file, and there is no folder for temporary ones; 8 MB come in a form.

    Fails where Starlette parses the form: it writes what is larger than 1 MB to a temporary file.
    """
    for name in ("HOME", "TMPDIR", "TMP", "TEMP"):
        monkeypatch.setenv(name, "/nonexistent")
    with running_server(limits={resource.RLIMIT_FSIZE: 0}) as server:
        assert asked(server.port, form(NOISE)).status == 200
        assert server.stop() == 0


def test_a_full_disk_takes_the_log_and_nothing_else(digit_png):
    """Each write of a line fails."""
    with open("/dev/full", "w") as full, running_server(stderr=full.fileno()) as server:
        assert {asked(server.port, post("/predict", digit_png)).status for _ in range(20)} == {200}
        assert server.stop() == 0


def test_a_disk_that_fills_takes_lines_and_gives_them_back_as_a_count(digit_png, tmp_path):
    """While not a byte more goes to the log all is answered; once there is room each line is whole, and none is missed.

    Fails where the thread that logs ends with a write that fails, where a write that was cut short counts as one, and
    where the next line is written behind the half one that was the last for which there was room.
    """
    path = tmp_path / "log"
    with path.open("wb") as file, running_server(stderr=file.fileno()) as server:
        pid, limit = server.process.pid, resource.RLIMIT_FSIZE
        hard = resource.prlimit(pid, limit)[1]
        while "/readyz" not in path.read_text():  # the last line that is still to be written
            time.sleep(0.05)
        full = path.stat().st_size + 50
        resource.prlimit(pid, limit, (full, hard))
        for _ in range(50):
            assert asked(server.port, post("/predict", digit_png)).status == 200
        while path.stat().st_size < full:
            time.sleep(0.05)
        time.sleep(0.5)
        assert path.stat().st_size == full
        resource.prlimit(pid, limit, (hard, hard))
        deadline = time.monotonic() + 20
        while "not written" not in path.read_text():
            assert time.monotonic() < deadline
            assert asked(server.port, get("/v2")).status == 200
            time.sleep(0.2)
        assert server.stop() == 0
    half, *lines = path.read_bytes()[full:].decode().splitlines()
    assert half == ""
    events = [json.loads(line) for line in [*path.read_bytes()[:full].decode().splitlines()[:-1], *lines]]
    lost = sum(event["count"] for event in events if event["event"] == "events were not written")
    assert lost + sum(event.get("route") == "/predict" for event in events) >= 50


def test_without_free_descriptors_it_serves_whom_it_knows(digit_png, capfd):
    """Those who come meanwhile are turned away or wait; the loop does not spin, and the log does not fill.

    Fails on asyncio's own loop, which logs a traceback for each attempt to accept.
    """
    with running_server(limits={resource.RLIMIT_NOFILE: 60}, access_log=False) as server, ExitStack() as stack:
        known = stack.enter_context(Wire(server.port))
        known.send(get())
        assert known.answer().status == 200
        with ExitStack() as crowd:
            for _ in range(100):
                crowd.enter_context(Wire(server.port))
            watched = Watched(server.process.pid)
            before = watched.cpu_seconds()
            for _ in range(20):
                known.send(post("/predict", digit_png))
                assert known.answer().status == 200
                time.sleep(0.1)
            assert watched.cpu_seconds() - before < 1
        deadline = time.monotonic() + 10
        while not serves(server):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert server.stop() == 0
    assert len(capfd.readouterr().err.splitlines()) < 10


def serves(server: Server) -> bool:
    """Whether a new connection is answered."""
    try:
        return asked(server.port, get()).status == 200
    except OSError:
        return False


AUDITED = """
import os, runpy, signal, sys

FORBIDDEN = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "os.system", "socket.connect",
             "socket.getaddrinfo", "pickle.find_class", "os.remove", "os.mkdir", "os.rename", "os.putenv"}
watching = False

def audit(event, arguments):
    if watching and (event in FORBIDDEN or event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
        os.write(2, f"forbidden: {event} {arguments}\\n".encode())
        os._exit(99)

def watch(*_):
    global watching
    watching = True

signal.signal(signal.SIGUSR1, watch)
sys.addaudithook(audit)
runpy.run_module("service", run_name="__main__", alter_sys=True)
"""


def test_it_starts_nothing_writes_nothing_and_asks_nobody(digit_png):
    """Once it serves: no process, no pickle, no connection of its own, no file but to read. Python's own audit tells.

    Fails where any of these is done: a temporary file for an upload, say, or Ghostscript for a picture.
    """
    port = free_port()
    command = [sys.executable, "-c", AUDITED, "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", lambda: process.poll() is None)
            process.send_signal(signal.SIGUSR1)
            for each in [post("/predict", digit_png), form(NOISE), *map(get, PATHS)]:
                assert asked(port, each).status in (200, 404)
            for seed in range(200):
                given = bad_input(random.Random(seed))
                asked(port, post(given.path, given.content, f"Content-Type: {given.media_type}"))
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_onnxruntime_reports_to_nobody(digit_png, tmp_path):
    """From the start to the end: where its telemetry is on it keeps the device's number and its events in files.

    It is off by itself where CI is set, which would hide it here.
    """
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    port = free_port()
    command = [sys.executable, "-m", "service", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment | home) as process:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", lambda: process.poll() is None)
            assert asked(port, post("/predict", digit_png)).status == 200
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()
    assert not list(tmp_path.rglob("*"))


def test_where_memory_runs_out_requests_are_put_off_and_small_ones_answered(digit_png):
    """5 MB more than it has: a large picture is told 503, over and over, and the process lives.

    Fails where a decoder's lack of memory counts as damage of the picture: 422.
    """
    large = post("/predict", png(np.zeros((5000, 5000), np.uint8)))
    with running_server(threads=1) as server:
        for known in (large, post("/predict", digit_png)):  # their threads and OpenBLAS have what they keep
            assert asked(server.port, known).status == 200
        time.sleep(2)  # the thread lets go of the picture when it next has the interpreter
        pid, kind = server.process.pid, resource.RLIMIT_AS
        resource.prlimit(pid, kind, (Watched(pid).address_space() + 5_000_000, resource.prlimit(pid, kind)[1]))
        for _ in range(5):
            assert asked(server.port, large).status == 503
            assert asked(server.port, post("/predict", digit_png)).status == 200
        assert server.stop() == 0


def test_descriptors_suffice_for_twice_the_connections():
    """As many as fair shares let in. Fails where room is made for the limit only: the others could not be accepted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))  # as shells start programs
    try:
        with running_server(max_connections=1500) as server:
            raised, _ = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert raised >= min(3000, hard)
