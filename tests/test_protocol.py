"""What the connection enforces, seen from the other end of a raw socket."""

import threading
import time

import pytest

from tests.conftest import running_server
from tests.wire import Wire, asked, get, post, request

HASTY = {"header_timeout_seconds": 0.5, "body_timeout_seconds": 0.8, "keep_alive_seconds": 0.5}


@pytest.fixture(scope="module")
def port():
    """The port of a server whose deadlines are short."""
    with running_server(**HASTY, write_timeout_seconds=0.7) as server:
        yield server.port


def refused(port: int, data: bytes) -> int:
    """The status of the plain answer to `data`, after which the connection must end."""
    with Wire(port) as wire:
        wire.send(data)
        answer = wire.answer()
        assert answer.closes
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert wire.ended()
    return answer.status


# The size of a head


@pytest.mark.parametrize(
    "headers",
    [
        ["X: " + "a" * 17_000],
        [f"X-{number}: a" for number in range(64)],
        [f"X-{number}: {'a' * 600}" for number in range(30)],
    ],
    ids=["one long header", "many headers", "many bytes in all"],
)
def test_a_head_that_is_too_large_is_refused(port, headers):
    """Sent in one piece, so that the parser has it whole before anybody could count what is held back."""
    assert refused(port, get("/livez", *headers)) == 431


def test_a_head_within_the_limits_is_served(port):
    """63 headers beside Host, 16,000 bytes."""
    assert asked(port, get("/livez", *[f"X-{number}: {'a' * 240}" for number in range(63)])).status == 200


def test_a_header_that_never_ends_is_refused(port):
    """The parser would hold it back for ever; a few reads beyond the limit are all it gets."""
    with Wire(port) as wire:
        wire.send(b"GET / HTTP/1.1\r\nX: ")
        with pytest.raises(ConnectionError):
            for _ in range(2000):
                wire.send(b"a" * 65_536)
        assert wire.answer().status == 431


def test_a_url_that_is_too_long_is_refused(port):
    assert refused(port, get("/" + "a" * 4096)) == 414
    assert asked(port, get("/livez?" + "a" * 4000)).status == 200


def test_a_long_url_in_pieces_is_refused(port):
    """Before it has ended."""
    with Wire(port) as wire:
        wire.send(b"GET /")
        for _ in range(9):
            wire.send(b"a" * 500)
            time.sleep(0.01)
        assert wire.answer().status == 414


# What is no HTTP, or not ours

MALFORMED = {
    "no Host": b"GET /livez HTTP/1.1\r\n\r\n",
    "two Hosts": get("/livez", "Host: elsewhere"),
    "HTTP/0.9": b"GET /livez\r\n\r\n",
    "HTTP/0.9 in full": b"GET /livez HTTP/0.9\r\n\r\n",
    "HTTP/2.0": b"GET /livez HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/9.9": b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS hello": bytes.fromhex("1603010200010001fc0303") + bytes(range(256)) * 2,
    "garbage": b"\x00\xff" * 100,
    "words": b"good morning\r\n\r\n",
    "unknown method": b"DANCE /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "length and chunks": request(
        "POST", "/predict", "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "two lengths": request("POST", "/predict", "Content-Length: 5", "Content-Length: 6", body=b"hello"),
    "two equal lengths": request("POST", "/predict", "Content-Length: 5", "Content-Length: 5", body=b"hello"),
    "negative length": request("POST", "/predict", "Content-Length: -1"),
    "signed length": request("POST", "/predict", "Content-Length: +5", body=b"hello"),
    "huge length": request("POST", "/predict", "Content-Length: 99999999999999999999"),
    "unknown coding": request("POST", "/predict", "Transfer-Encoding: gzip"),
    "bad chunk size": request("POST", "/predict", "Transfer-Encoding: chunked", body=b"x\r\n"),
    "negative chunk size": request("POST", "/predict", "Transfer-Encoding: chunked", body=b"-1\r\n"),
    "space before the colon": get("/livez", "X : a"),
    "folded header": get("/livez", "X: a", " b"),
    "NUL in a header": get("/livez", "X: a\0b"),
    "bare CR in a header": get("/livez", "X: a\rb"),
    "no path": get("nowhere"),
    "space in the path": get("/livez now"),
    "host without a path": get("http://localhost"),
    "CONNECT": request("CONNECT", "localhost:443"),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_http_is_refused(port, data):
    assert refused(port, data) == 400


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request("TRACE", "/livez"), 405),
        (request("OPTIONS", "/livez"), 405),
        (get("/livez", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: a"), 200),
        (get("/livez", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAAA"), 200),
        (request("POST", "/nowhere", "Connection: Upgrade", "Upgrade: h2c", "Content-Length: 5", body=b"hello"), 404),
        (get("http://localhost/livez"), 200),
        (b"GET /livez HTTP/1.0\r\n\r\n", 200),
        (b"\r\n\r\n" + get("/livez"), 200),
    ],
    ids=["TRACE", "OPTIONS", "websocket", "h2c", "h2c with a body", "absolute URL", "HTTP/1.0", "blank lines before"],
)
def test_what_is_unusual_is_answered(port, data, status):
    """An upgrade is not offered, so the request is answered as if it had not asked for one."""
    assert asked(port, data).status == status
