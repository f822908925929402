"""What the connection enforces, seen from the other end of a raw socket."""

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress

import numpy as np
import pytest

from service.boundary import POLICY
from service.linger import LINGER_SECONDS
from tests.conftest import Server, png, running_server
from tests.wire import Wire, asked, get, post, request

HASTY = {"header_timeout_seconds": 0.5, "body_timeout_seconds": 0.8, "keep_alive_seconds": 0.5}


@pytest.fixture(scope="module")
def hasty():
    """A server whose deadlines are short."""
    with running_server(**HASTY, write_timeout_seconds=0.7) as server:
        yield server


@pytest.fixture
def port(hasty):
    """The port of that server."""
    return hasty.port


@pytest.fixture(scope="module")
def standin():
    """The stand-in with one slot and little patience."""
    with running_server("tests.standin", max_inflight=1, write_timeout_seconds=0.7, keep_alive_seconds=1.5) as server:
        yield server


@pytest.fixture
def one_slot(standin):
    """The port of an app whose POST /predict keeps the only slot until GET /release."""
    yield standin.port
    asked(standin.port, get("/release"))


def refused(port: int, data: bytes) -> int:
    """The status of the plain answer to `data`, after which the connection must end."""
    with Wire(port) as wire:
        wire.send(data)
        answer = wire.answer()
        assert answer.closes
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == POLICY
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
        wire.send(get("/livez", "Connection: Upgrade", "Upgrade: h2c"))
        wire.send(get("/nowhere"))
        answer = wire.answer()
        assert (answer.status, answer.closes) == (200, True)
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
    """A blank line begins no request for the parser, yet it disarms uvicorn's own keep-alive timer.

    Fails without the deadline of idle connections.
    """
    with Wire(port) as wire:
        wire.send(get())
        assert wire.answer().status == 200
        wire.send(lead)
        if lead:
            assert wire.answer().status == 408
        assert seconds_until_end(wire) < 3


def test_idleness_begins_with_the_end_of_an_answer(standin):
    """Not with the end of its request, which was longer ago than an idle connection is kept.

    Fails where the end of an answer is not noted.
    """
    with Wire(standin.port) as wire:
        wire.send(post("/predict?milliseconds=2000", b"a"))
        assert wire.answer().status == 200
        time.sleep(0.7)  # longer than from one look at the deadlines to the next
        wire.send(get())
        assert wire.answer().status == 200


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


def test_an_early_answer_is_not_followed_by_another(port):
    """The body that is waited for after a 404 does not come; there is nothing to say about that."""
    with Wire(port) as wire:
        wire.send(request("POST", "/nowhere", "Content-Length: 1000"))
        assert wire.answer().status == 404
        assert wire.ended()


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


def test_who_trickles_on_after_a_408_is_gone_at_the_next_sweep(port):
    """Nothing of worth is on the way. Fails where it has as long as others to read why: 5 s more."""
    with Wire(port) as wire:
        assert trickled(wire, request("POST", "/predict", "Content-Length: 1000"), 0.1) == 408
        began = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - began < 10:
                wire.send(b"a")
                time.sleep(0.05)
        assert time.monotonic() - began < 4


def test_a_slow_but_steady_body_is_served(port):
    """300 kB in 2 s: longer than the body's timeout alone, and faster than the least rate."""
    body = b"no picture" * 30_000
    with Wire(port) as wire:
        wire.send(request("POST", "/predict", f"Content-Length: {len(body)}"))
        for start in range(0, len(body), 15_000):
            wire.send(body[start : start + 15_000])
            time.sleep(0.1)
        assert wire.answer().status == 415


def test_a_body_that_is_not_read_is_not_blamed_for_it():
    """Of a request that waits behind another little more than 64 kB is read: the rest cannot come in time."""
    with running_server("tests.standin", body_timeout_seconds=0.4) as server, Wire(server.port) as wire:
        wire.send(post("/predict?milliseconds=2500", b"a"))
        wire.send(request("POST", "/predict?milliseconds=1", "Content-Length: 80000", body=b"a" * 66_000))
        time.sleep(0.2)
        wire.send(b"a" * 1000)
        assert wire.answer().body == b"1 bytes"
        wire.send(b"a" * 13_000)
        assert wire.answer().body == b"80000 bytes"


def test_who_was_refused_and_stays_is_cut_off(standin):
    """Half-closing leaves the other half to the client, for a while."""
    with Wire(standin.port) as wire:
        wire.send(b"nonsense\r\n\r\n")
        assert wire.answer().status == 400
        assert wire.ended()
        with pytest.raises(ConnectionError):
            send_for_seconds(wire, LINGER_SECONDS + 2)


def send_for_seconds(wire: Wire, seconds: float) -> None:
    """A byte at a time."""
    for _ in range(int(seconds / 0.05)):
        wire.send(b"a")
        time.sleep(0.05)


# Answers that are not read

ASSET = "/docs/assets/swagger-ui-bundle.js"  # the largest answer there is: 1.5 MB


def megabytes(server: Server) -> int:
    """What the server holds in memory."""
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS"))


def test_an_answer_that_is_not_read_is_given_up(hasty):
    """And costs no more than a few of its chunks in memory meanwhile, of 75 MB that were asked for."""
    before = megabytes(hasty)
    with Wire(hasty.port, receive_buffer=4096) as wire:
        wire.send(get(ASSET) * 50)
        time.sleep(2.5)
        assert megabytes(hasty) < before + 20
        assert wire.everything() < 10_000_000


def test_an_answer_that_is_read_slowly_is_given(standin):
    """In three times the write timeout: progress is what counts."""
    with Wire(standin.port, receive_buffer=65_536) as wire:
        wire.send(get("/big"))
        left = int(wire.answer(head_only=True).headers["content-length"])
        for _ in range(21):
            left -= len(wire.reader.read(500_000))
            time.sleep(0.1)
        assert len(wire.reader.read(left)) == left


# Many at once


def test_pipelined_requests_are_answered_in_order(port):
    with Wire(port) as wire:
        wire.send(b"".join(get(f"/nowhere/{number}") for number in range(100)))
        asked = [json.loads(wire.answer().body)["instance"] for _ in range(100)]
    assert asked == [f"/nowhere/{number}" for number in range(100)]


def test_more_pipelined_requests_than_may_wait_are_refused(port):
    """After the answers to those before: thousands of short ones fit into one read."""
    with Wire(port) as wire:
        wire.send(get() * 5000)
        statuses = []
        while not statuses or statuses[-1] == 200:
            statuses.append(wire.answer().status)
        assert statuses == [200] * 101 + [503]
        assert wire.ended()


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        (get() + b"nonsense\r\n\r\n", [200, 400]),
        (get() + get("/nowhere") + get("/livez", "Host: elsewhere"), [200, 404, 400]),
        (get() + request("POST", "/predict", "Transfer-Encoding: chunked", body=b"x\r\n"), [200, 400]),
    ],
    ids=["garbage", "two Hosts", "bad chunk"],
)
def test_a_refusal_waits_for_its_turn(port, data, statuses):
    """What was asked before it is answered before it."""
    with Wire(port) as wire:
        wire.send(data)
        assert [wire.answer().status for _ in statuses] == statuses
        assert wire.ended()


def test_the_connection_that_is_one_too_many_is_turned_away():
    """The others are served on, and when one leaves, there is room again. Another client than theirs is let in."""
    with running_server(max_connections=3) as server, ExitStack() as stack:
        wires = [stack.enter_context(admitted(server.port)) for _ in range(3)]
        with Wire(server.port) as wire:
            answer = wire.answer()
            assert (answer.status, answer.closes, answer.headers["retry-after"]) == (503, True, "1")
            assert wire.ended()
        with Wire(server.port, source="127.0.0.2") as other:
            other.send(get("/metrics"))
            answer = other.answer()
            assert answer.status == 200
            assert b"\nlenet5_shed_total 1.0\n" in answer.body
        for wire in wires:
            wire.send(get())
            assert wire.answer().status == 200
        wires[0].close()
        admitted(server.port).close()


def admitted(port: int) -> Wire:
    """A connection on which a request was answered, as soon as the server has noticed that there is room."""
    while True:
        wire = Wire(port)
        wire.send(get())
        if wire.answer().status == 200:
            return wire
        wire.close()


# Chunks

CHUNKED = request("POST", "/predict", "Transfer-Encoding: chunked")


def test_a_million_chunks_of_one_byte_are_a_body(hasty):
    """And cost no more than one of as many bytes: a million small objects would take fifty megabytes."""
    before = megabytes(hasty)
    assert asked(hasty.port, CHUNKED + b"1\r\na\r\n" * 1_000_000 + b"0\r\n\r\n").status == 415
    assert megabytes(hasty) < before + 20


@pytest.mark.parametrize(
    "headers", [["Content-Length: 300000000"], ["Transfer-Encoding: chunked"]], ids=["length", "chunked"]
)
def test_a_body_without_end_is_not_kept(hasty, headers):
    """Of 300 MB no more is held than may be sent. Fails where the limit is looked at when all has come."""
    before = megabytes(hasty)
    with Wire(hasty.port) as wire:
        wire.send(request("POST", "/predict", *headers))
        piece = b"a" * 1_000_000
        framed = b"f4240\r\n" + piece + b"\r\n" if "chunked" in headers[0] else piece
        for _ in range(15):
            wire.send(framed)
        assert wire.answer().status == 413
        with pytest.raises(ConnectionError):
            wire.send(framed * 285)
        assert megabytes(hasty) < before + 20


@pytest.mark.parametrize(
    "data",
    [b"1;x=" + b"a" * 1_000_000, b"0\r\nX: " + b"a" * 1_000_000, b"0\r\n" + b"X: a\r\n" * 200_000],
    ids=["a chunk extension", "a trailer", "many trailers"],
)
def test_what_is_no_body_does_not_go_on_for_ever(port, data):
    assert refused(port, CHUNKED + data) == 400


def test_a_trailer_is_no_header(port):
    """It comes when every check of the headers is over."""
    answer = asked(port, CHUNKED + b"1\r\na\r\n0\r\nX-Request-ID: smuggled\r\n\r\n")
    assert answer.status == 415
    assert answer.headers["x-request-id"] != "smuggled"


# Admission


@pytest.mark.parametrize(
    "headers",
    [["Content-Length: 1000000"], ["Transfer-Encoding: chunked"], ["Content-Length: 9", "Expect: 100-continue"]],
    ids=["length", "chunked", "expect"],
)
def test_beyond_the_slots_a_request_is_refused_at_its_headers(one_slot, headers):
    """None of its body has come, and none is asked for: the first answer is the 503, not a 100."""
    with Wire(one_slot) as holder:
        holder.send(post("/predict", b"held"))
        assert asked(one_slot, get()).status == 200
        answer = asked(one_slot, request("POST", "/predict", *headers))

        assert answer.status == 503
        assert answer.closes
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-request-id"] == json.loads(answer.body)["request_id"]
        assert asked(one_slot, get("/release")).body == b"1 in flight"
        assert holder.answer().body == b"4 bytes"
        assert asked(one_slot, post("/predict?milliseconds=1", b"later")).status == 200


# Clients that go away, and the log


def test_a_client_that_leaves_takes_no_slot_with_it_and_no_line_of_the_log(capfd, digit_png):
    """At whatever byte, by an end or by a reset; with one slot, the next request would be told 503.

    Or cut off in the middle of an answer while others wait behind it: it is not the last request whose app must know.
    """
    picture = png(np.zeros((3000, 3000), np.uint8))  # large enough for a thread
    settings = {"max_inflight": 1, "access_log": False, "write_timeout_seconds": 0.7}
    with running_server(**settings) as server, Wire(server.port, receive_buffer=4096) as unread:
        unread.send(get(ASSET) * 50)
        for data in (post("/predict", digit_png), post("/predict", picture), get(ASSET) * 3):
            for cut in (1, 10, 30, 60, len(data) // 2, len(data) - 1, len(data)):
                for reset in (False, True):
                    leave(server.port, data[:cut], reset)
        assert eventually(lambda: asked(server.port, post("/predict", digit_png)).status == 200)
        time.sleep(2)
        assert unread.everything() < 10_000_000
        assert server.stop() == 0
    assert len(capfd.readouterr().err.splitlines()) == 2  # where it listens, and that it stopped


def leave(port: int, data: bytes, reset: bool) -> None:
    """Send `data` and go."""
    with Wire(port) as wire:
        wire.send(data)
        if reset:
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_bad_clients_do_not_fill_the_log(capfd):
    """Hundreds of refusals, not a line."""
    with running_server(access_log=False) as server:
        for data in [*MALFORMED.values(), get("/" + "a" * 5000), get("/livez", "X: " + "a" * 20_000)] * 12:
            assert asked(server.port, data).status in (400, 414, 431)
        assert asked(server.port, get()).status == 200
    assert len(capfd.readouterr().err.splitlines()) == 1


# Large bodies on their way

LARGE = request("POST", "/predict", "Content-Length: 5000000", "Expect: 100-continue")
"""Of a picture of 10 megapixels at the least: of so many bytes it has as many."""


def test_a_place_is_kept_for_a_large_body():
    """Of thirty that are announced at once five are let in, and a few more if announcing takes long.

    Fails without it: all were let in, and most would have been refused when they had come.
    """
    with running_server() as server, ExitStack() as stack:
        wires = [stack.enter_context(Wire(server.port)) for _ in range(30)]
        for wire in wires:
            wire.send(LARGE)
        statuses = Counter(wire.answer().status for wire in wires)
    assert statuses[100] >= 5
    assert statuses[503] >= 15


def test_no_place_is_kept_for_a_body_that_is_too_large():
    """Who announces a gigabyte keeps nobody else out. Fails where places are kept whatever is announced."""
    with running_server() as server, ExitStack() as stack:
        liars = [stack.enter_context(Wire(server.port)) for _ in range(5)]
        for liar in liars:
            liar.send(request("POST", "/predict", "Content-Length: 1000000000"))
            assert liar.answer().status == 413
        other = stack.enter_context(Wire(server.port))
        other.send(LARGE)
        assert other.answer().status == 100


def test_a_place_is_given_back_whatever_comes_of_the_body():
    """It is no picture, or never comes in full. Fails where a place is kept for good: the sixth is told 503."""
    rubbish = request("POST", "/predict", "Content-Length: 5000000", body=b"rubbish!" * 625_000)
    with running_server() as server:
        for _ in range(8):
            with Wire(server.port) as wire:
                wire.send(rubbish)
                assert wire.answer().status == 415
            with Wire(server.port) as wire:
                wire.send(LARGE)
                assert wire.answer().status == 100


def test_a_place_is_not_kept_for_a_slow_body():
    """Whoever announces a picture and does not send it keeps nobody out for long."""
    with running_server() as server, ExitStack() as stack:
        for _ in range(3):
            wires = [stack.enter_context(Wire(server.port)) for _ in range(5)]
            for wire in wires:
                wire.send(LARGE)
            assert [wire.answer().status for wire in wires] == [100] * 5
            time.sleep(1)
