"""What the connection enforces, seen from the other end of a raw socket."""

import threading
import time

import pytest

from tests.conftest import running_server
from tests.wire import Wire, asked, get, request

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
    """The parser would hold it back for ever. What comes after the answer is thrown away, up to a bound."""
    with Wire(port) as wire:
        wire.send(b"GET / HTTP/1.1\r\nX: " + b"a" * 1_000_000)
        assert wire.answer().status == 431
        with pytest.raises(ConnectionError):
            wire.send(b"a" * 200_000_000)


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


def test_bytes_after_an_upgrade_are_not_taken_for_a_request(port):
    """They would be the other protocol's."""
    with Wire(port) as wire:
        wire.send(get("/livez", "Connection: Upgrade", "Upgrade: h2c") + get("/nowhere"))
        assert wire.answer().status == 200
        assert wire.ended()


# Deadlines


def seconds_until_end(wire: Wire) -> float:
    """How long the server keeps a connection that we leave alone."""
    began = time.monotonic()
    assert wire.ended()
    return time.monotonic() - began


def test_a_connection_that_says_nothing_is_closed_in_silence(port):
    with Wire(port) as wire:
        assert seconds_until_end(wire) > 0.3


def test_half_a_head_times_out(port):
    assert refused(port, b"GET /livez HTTP/1.1\r\nHost: local") == 408


def test_a_head_that_trickles_times_out(port):
    """Each byte is progress; only the whole counts."""
    with Wire(port) as wire:
        assert trickled(wire, b"GET /livez HTTP/1.1\r\nX: ", 0.05) == 408


@pytest.mark.parametrize("lead", [b"", b"\r\n"], ids=["nothing", "a blank line"])
def test_an_idle_connection_is_closed(port, lead):
    """A blank line begins no request for the parser, yet it disarms uvicorn's own keep-alive timer."""
    with Wire(port) as wire:
        wire.send(get())
        assert wire.answer().status == 200
        wire.send(lead)
        if lead:
            assert wire.answer().status == 408
        assert seconds_until_end(wire) < 3


def test_half_a_second_request_times_out(port):
    with Wire(port) as wire:
        wire.send(get() + b"GET /li")
        assert wire.answer().status == 200
        assert wire.answer().status == 408
        assert wire.ended()


@pytest.mark.parametrize(
    "data",
    [
        request("POST", "/predict", "Content-Length: 1000", body=b"half"),
        request("POST", "/predict", "Content-Length: 1000"),
        request("POST", "/predict", "Transfer-Encoding: chunked", body=b"4\r\nhalf\r\n"),
        request("POST", "/predict", "Transfer-Encoding: chunked", body=b"0\r\nX: a"),
    ],
    ids=["half", "none of it", "chunked", "trailers"],
)
def test_a_body_that_does_not_come_times_out(port, data):
    assert refused(port, data) == 408


def test_a_body_that_trickles_times_out(port):
    """1 byte in 0.1 s."""
    with Wire(port) as wire:
        assert trickled(wire, request("POST", "/predict", "Content-Length: 1000"), 0.1) == 408


def trickled(wire: Wire, head: bytes, pause: float) -> int:
    """The status of the answer to a head that is followed by a byte at a time, as long as nothing is answered."""
    answers: list[int] = []
    reader = threading.Thread(target=lambda: answers.append(wire.answer().status))
    reader.start()
    wire.send(head)
    while reader.is_alive():
        wire.send(b"a")
        time.sleep(pause)
    return answers[0]


def test_a_slow_but_steady_body_is_served(port):
    """300 kB in 2 s: longer than the body's timeout alone, and faster than the least rate."""
    body = b"no picture" * 30_000
    with Wire(port) as wire:
        wire.send(request("POST", "/predict", f"Content-Length: {len(body)}"))
        for start in range(0, len(body), 15_000):
            wire.send(body[start : start + 15_000])
            time.sleep(0.1)
        assert wire.answer().status == 415


# Answers that are not read


def rss_kilobytes(pid: int) -> int:
    """What a process holds in memory."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
