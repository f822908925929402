"""The log: one line for each event, whatever is in it, and nothing waits for it."""

import io
import json
import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx2 as httpx
import pytest

from service.access import MOST_A_SECOND, AccessLog
from service.logs import MOST_WAITING, LogWriter, ToWriter
from service.observe import Finished
from tests.conftest import ROOT, free_port, png
from tests.samples import IMAGES, LABELS
from tests.tiffs import broken_tiff, odd_tiff
from tests.wire import asked

PICTURE = png(IMAGES[0])


@contextmanager
def logging_server(stderr: int, **settings: object):
    """A real server whose standard error goes elsewhere; its process, and its address."""
    port = free_port()
    environment = os.environ | {f"LENET_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "service", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=stderr) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    httpx.get(f"{url}/livez")
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            yield process, url
        finally:
            process.kill()


def logged(*requests: tuple, **settings: object) -> list[dict]:
    """What a server says of some requests, probes at the start left out, and its last word."""
    with logging_server(subprocess.PIPE, **settings) as (process, url):
        for method, path, options in requests:
            httpx.request(method, url + path, **options)
        process.terminate()
        _, said = process.communicate(timeout=20)
    assert process.returncode == 0
    *events, last = (json.loads(line) for line in said.decode().splitlines())
    assert last["event"] == "stopped"
    return [event for event in events if event.get("route") != "/livez"]


def test_a_request_is_one_line_of_json():
    """With its id, its digit and no picture; a batch says how many it had."""
    headers = {"X-Request-ID": "seventeen"}
    files = [("files", ("a.png", PICTURE))] * 2
    started, single, batch, broken = logged(
        ("POST", "/predict", {"content": PICTURE, "headers": headers}),
        ("POST", "/predict/batch", {"files": files}),
        ("POST", "/predict", {"content": b"no picture"}),
    )
    assert "is served on" in started["event"]
    assert single.pop("timestamp").endswith("Z")
    assert 0 < single.pop("ms") < 5000
    assert 0.5 < single.pop("confidence") <= 1
    assert single == {
        "level": "info",
        "event": "request",
        "request_id": "seventeen",
        "method": "POST",
        "route": "/predict",
        "status": 200,
        "bytes": len(PICTURE),
        "digit": int(LABELS[0]),
        "accepted": True,
    }
    assert batch["pictures"] == 2
    assert (broken["status"], broken.get("digit")) == (415, None)


@pytest.mark.parametrize("path", ["/a%0a{}%0d%1b[2J", "/%E2%80%A8%22%5c", "/" + "x" * 3000])
def test_no_path_can_forge_a_line(path):
    """New lines, escapes for terminals and quotes arrive percent-encoded, and the length is bounded."""
    _, event = logged(("GET", path, {}))
    assert event["route"] == "unmatched"
    assert event["path"].isascii()
    assert event["path"].isprintable()
    assert len(event["path"]) <= 200
    assert not set(event["path"]) & set('\n\r\x1b"\\ ')


def test_nothing_can_forge_a_line_for_people_either():
    """Colours are not escaped as JSON is: method, path, id and query are as harmless before."""
    hostile = (
        b"GET /%0a%1b[2J%0d%e2%80%a8x HTTP/1.1\r\nHost: x\r\nX-Request-ID: a\tb\xe2\x80\xa8[31m\r\n\r\n",
        b"REPORT /predict?a=%0a%1b[2J HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nX-Request-ID: %0a\r\nContent-Length: 7\r\n\r\n\n\x1b[2J\r\n",
    )
    with logging_server(subprocess.PIPE, log_format="console") as (process, url):
        for data in hostile:
            asked(httpx.URL(url).port, data)
        process.terminate()
        _, said = process.communicate(timeout=20)
    lines = [line for line in said.decode().split("\n")[:-1] if "route=/livez" not in line]
    assert len(lines) == 1 + len(hostile) + 1  # where it listens, and that it stopped
    assert all(line.isascii() and line.isprintable() for line in lines)


def test_the_access_log_can_be_turned_off():
    """What else there is to say is still said."""
    [started] = logged(("POST", "/predict", {"content": PICTURE}), access_log=False)
    assert "is served on" in started["event"]


def test_nobody_reads_the_log_and_requests_are_answered():
    """A full pipe would hold up whoever writes to it; that is a thread of its own."""
    reading, writing = os.pipe()
    try:
        with logging_server(writing, log_format="json") as (_, url), httpx.Client(base_url=url, timeout=5) as client:
            for _ in range(600):  # some 200 bytes each, where a pipe holds 65,536
                assert client.get("/v1/nothing").status_code == 404
            assert client.post("/predict", content=PICTURE).json()["digit"] == LABELS[0]
    finally:
        os.close(reading)
        os.close(writing)


def test_a_closed_log_is_lived_with():
    """Nobody is left to read it."""
    reading, writing = os.pipe()
    with logging_server(writing, log_format="json") as (_, url):
        os.close(reading)
        os.close(writing)
        for _ in range(3):
            assert httpx.post(f"{url}/predict", content=PICTURE).status_code == 200


@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-", "</dev/null >&- 2>&-"])
def test_closed_streams_are_lived_with(closed):
    """From the start, as some that start services do; the end is as good as ever."""
    port = free_port()
    command = f"exec {sys.executable} -m service --host 127.0.0.1 --port {port} {closed}"
    with subprocess.Popen(["sh", "-c", command], cwd=ROOT) as process:
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and process.poll() is None:
                try:
                    assert httpx.post(f"http://127.0.0.1:{port}/predict", content=PICTURE).json()["digit"] == LABELS[0]
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            else:
                pytest.fail("the service did not answer")
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()


class Slow(io.StringIO):
    """A stream that takes nothing until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may = threading.Event()

    def write(self, text: str) -> int:
        self.may.wait(10)
        return super().write(text)


def test_what_cannot_be_written_in_time_is_counted():
    """And the count is told once there is somebody to tell."""
    stream = Slow()
    writer = LogWriter(stream, "json")
    for number in range(MOST_WAITING + 50):
        writer.write({"event": number})
    stream.may.set()
    writer.close()
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    [told] = [event for event in events if event["event"] == "events were not written"]
    written = [event["event"] for event in events if isinstance(event["event"], int)]
    assert told["count"] + len(written) == MOST_WAITING + 50
    assert written == sorted(written)


def test_people_get_colours_and_machines_json():
    """By whether a terminal reads it; both can be asked for."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def said(stream: io.StringIO, layout: str) -> str:
        writer = LogWriter(stream, layout)
        writer.write({"level": "info", "event": "hello", "digit": 7})
        writer.close()
        return stream.getvalue()

    assert "\x1b[" in said(Terminal(), "auto")
    assert json.loads(said(io.StringIO(), "auto"))["digit"] == 7
    plain = said(io.StringIO(), "console")
    assert "digit=7" in plain
    assert "\x1b[" not in plain
    assert json.loads(said(Terminal(), "json"))["event"] == "hello"


def test_an_exception_is_one_line_of_json():
    """Its traceback too."""
    stream = io.StringIO()
    writer = LogWriter(stream, "json")
    logger = logging.Logger("any")
    logger.addHandler(ToWriter(writer))
    try:
        raise ValueError("a\nb")
    except ValueError:
        logger.exception("it %s", "failed")
    writer.close()
    [line] = stream.getvalue().splitlines()
    assert json.loads(line)["event"] == "it failed"
    assert "ValueError: a\nb" in json.loads(line)["exception"]


@pytest.mark.parametrize("ordinary", [200, 503])
def test_beyond_a_thousand_a_second_ordinary_answers_are_counted(monkeypatch, ordinary):
    """A flood of refusals must not cost more than the work that they spare. Other failures have their lines."""
    now, written = [100.0], []
    monkeypatch.setattr("service.access.monotonic", lambda: now[0])
    log = AccessLog(written.append)
    scope = {"type": "http", "path": "/predict", "headers": [], "state": {"request_id": "x"}}
    for status in [ordinary] * (MOST_A_SECOND + 30) + [415] * 5:
        log(Finished(scope, "POST", "/predict", status, 0.001, 10))
    assert len(written) == MOST_A_SECOND + 5
    now[0] += 1
    log(Finished(scope, "POST", "/predict", 200, 0.001, 10))
    told, last = written[-2:]
    assert (told["level"], told["count"]) == ("info", 30)
    assert last["event"] == "request"


def test_what_a_library_finds_odd_in_an_input_is_not_written():
    """Fails without the filters: a warning, or a line of python-multipart's or libtiff's, for each of them."""
    broken = broken_tiff()
    form = "multipart/form-data; boundary=a"
    with logging_server(subprocess.PIPE, access_log=False) as (process, url):
        for number in range(10):
            assert httpx.post(f"{url}/predict", content=odd_tiff(40_000 + number)).status_code == 200
            assert httpx.post(f"{url}/predict", content=broken).status_code == 422
            odd = b"--a\r\nX" + b"(" * (number + 1) + b": 1\r\n\r\n--a--"
            assert httpx.post(f"{url}/predict", content=odd, headers={"Content-Type": form}).status_code == 400
        process.terminate()
        _, said = process.communicate(timeout=20)
    assert len(said.splitlines()) == 2  # where it listens, and that it stopped
