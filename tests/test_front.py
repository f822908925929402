"""What the front takes, and that nobody suffers from another's request. Its answers: see test_surfaces_agree."""

import asyncio
import gc
import json
import signal
import sys
import time
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from service import front as module
from service.busy import Busy
from service.front import Front
from service.fronted import FrontedProtocol
from service.protocol import GuardedProtocol
from service.refusal import Refused
from service.upload import plain_image
from tests.conftest import png, running_server
from tests.samples import IMAGES
from tests.slow import SLOW
from tests.wire import Wire, asked, get, post

PICTURE = png(IMAGES[0])
LENGTH = f"Content-Length: {len(PICTURE)}"


@pytest.fixture
def front(unstarted):
    return Front(unstarted.app.state.held)


def arrived(*headers, line="POST /predict HTTP/1.1"):
    return "\r\n".join((line, "Host: localhost", *headers, "", "")).encode() + PICTURE


def connection(**said):
    """What the front sees of one."""
    flow, state = SimpleNamespace(write_paused=False), SimpleNamespace(default_headers=[])
    parts = {"client": ("127.0.0.1", 1), "origin": "127.0.0.1", "flow": flow, "server_state": state}
    return SimpleNamespace(**parts, **said)


def taken(front, *headers, **line):
    return front.take(arrived(*headers, **line), connection())


def test_plain_requests_are_taken(front):
    """By either name, with any content type."""
    assert taken(front, LENGTH)
    assert taken(front, LENGTH, line="POST /v1/predict HTTP/1.1")
    assert taken(front, LENGTH, "Content-Type: application/json")
    assert taken(front, LENGTH, "Connection: Keep-Alive", "User-Agent: a b/c (d)", "accept:*/*")


@pytest.mark.parametrize(
    ("headers", "line"),
    [
        ((LENGTH,), "PUT /predict HTTP/1.1"),
        ((LENGTH,), "POST /predict?include=input HTTP/1.1"),
        ((LENGTH,), "POST /predict/batch HTTP/1.1"),
        ((LENGTH,), "POST /%70redict HTTP/1.1"),
        ((LENGTH,), "POST /predict HTTP/1.0"),
        ((LENGTH,), "POST  /predict HTTP/1.1"),
        ((), ""),
        (("Content-Length: 0",), ""),
        (("Content-Length: 10485761",), ""),
        (("Content-Length: 262145", "Content-Type: application/json"), ""),
        (("Content-Length: +5",), ""),
        (("Content-Length: 1_0",), ""),
        ((LENGTH, LENGTH), ""),
        (("Transfer-Encoding: chunked",), ""),
        ((LENGTH, "Host: other"), ""),
        ((LENGTH, "Content-Encoding: gzip"), ""),
        ((LENGTH, "Expect: 100-continue"), ""),
        ((LENGTH, "Upgrade: websocket"), ""),
        ((LENGTH, "Connection: close"), ""),
        ((LENGTH, "Content-Type: image/png", "Content-Type: text/plain"), ""),
        ((LENGTH, "X-Folded: a", " b"), ""),
        ((LENGTH, "X-Spaced : a"), ""),
        ((LENGTH, "X-Tab: a\tb"), ""),
        ((LENGTH, "X-Latin: \u00e9"), ""),
        ((LENGTH, "X-Empty:"), ""),
        ((LENGTH, *(f"X-{number}: a" for number in range(63))), ""),
        ((LENGTH, f"X-Long: {'a' * 16_384}"), ""),
    ],
)
def test_others_are_left_to_the_app(front, headers, line):
    """It alone knows queries, codings, and what to say of the odd."""
    assert taken(front, *headers, line=line or "POST /predict HTTP/1.1") is None


def test_it_takes_nothing_where_spans_are_recorded(front, monkeypatch):
    """The app makes the request's own."""
    monkeypatch.setattr(module.trace, "get_tracer_provider", lambda: object())
    assert taken(front, LENGTH) is None


def test_the_slots_are_counted_again_once_bodies_are_there():
    """Heads that came while there was room may be followed by more bodies in one turn than there are slots."""
    with running_server(max_inflight=2) as server:
        lines = [Wire(server.port) for _ in range(12)]
        for line in lines:
            line.send(post("/predict", PICTURE)[: -len(PICTURE)])
        assert asked(server.port, get("/livez")).status == 200  # so all heads were read
        server.process.send_signal(signal.SIGSTOP)
        for line in lines:
            line.send(PICTURE)
        server.process.send_signal(signal.SIGCONT)
        answers = [line.answer() for line in lines]
        for line in lines:
            line.close()
    assert {answer.status for answer in answers} == {200, 503}
    refused = [answer for answer in answers if answer.status == 503]
    assert not any(answer.closes for answer in answers)
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert all(answer.headers["x-request-id"] == json.loads(answer.body)["request_id"] for answer in refused)


def test_what_comes_behind_the_body_goes_the_long_way_with_it(server):
    """The front waits for the body alone; with a request behind it both are the parser's, in order."""
    first = post("/predict", PICTURE, "X-Request-ID: first")
    with Wire(server.port) as line:
        line.send(first[:-10])
        assert asked(server.port, get("/livez")).status == 200  # so that much was read
        line.send(first[-10:] + post("/predict", PICTURE, "X-Request-ID: second"))
        answers = [line.answer(), line.answer()]
        line.send(post("/predict", PICTURE, "X-Request-ID: third"))
        answers.append(line.answer())
    assert [(answer.status, answer.headers["x-request-id"]) for answer in answers] == [
        (200, "first"),
        (200, "second"),
        (200, "third"),
    ]


def test_a_body_may_come_byte_by_byte(server):
    """And is answered as if it had come at once."""
    whole = post("/predict", PICTURE, "X-Request-ID: whole")
    with Wire(server.port) as line:
        for at in range(len(whole)):
            line.send(whole[at : at + 1])
        assert line.answer().headers["x-request-id"] == "whole"


def test_a_failure_of_a_turn_is_met_by_each_alone(front, monkeypatch):
    """Whatever it was, the app is asked, and no slot stays taken."""
    handed_over = []

    def submit(number):
        front.submit(front.take(arrived(LENGTH), connection(take_long_way=lambda: handed_over.append(number))))

    def fail(*_):
        raise RuntimeError("a bug")

    async def turn():
        for number in range(3):
            submit(number)
        assert front.held.admission.in_flight == 3
        await asyncio.sleep(0.01)

    monkeypatch.setattr(module, "predict", fail)
    asyncio.run(turn())
    assert handed_over == [0, 1, 2]
    assert front.held.admission.in_flight == 0


@pytest.fixture
def full(front, monkeypatch):
    """A connection on which the head of a request has come while no slot is free, and what is done about it."""
    monkeypatch.setattr(front.held.admission, "admits", lambda *_: False)
    monkeypatch.setattr(front.held.admission.in_work, "admits", lambda *_: False)

    def turned_away():
        raise Refused(503, "")

    def made(method="POST", *, unread=False, origins=(), **headers):
        return SimpleNamespace(
            admission=front.held.admission,
            flow=SimpleNamespace(write_paused=unread),
            front=front,
            headers=[(name.encode(), value.encode()) for name, value in ({"content-length": "1"} | headers).items()],
            parser=SimpleNamespace(get_method=method.encode),
            scope={"client": ("127.0.0.1", 1), "headers": []},
            service="the app",
            settings=SimpleNamespace(cors_origins=origins),
            turn_away=turned_away,
            url_path="/predict",
        )

    return made


def test_who_reads_no_answer_is_cut_off_where_there_is_no_slot(full, front):
    """Else what it is told would pile up. Fails where it is told, on and on."""
    assert isinstance(GuardedProtocol.chosen_app(full()), Busy)
    with pytest.raises(Refused):
        GuardedProtocol.chosen_app(full(unread=True))
    handed_over = []
    reader = connection(take_long_way=lambda: handed_over.append(1), answer=lambda *_, **__: handed_over.append(2))
    reader.flow.write_paused = True
    front.submit(front.take(arrived(LENGTH), reader))
    assert handed_over == [1]


def test_what_is_no_work_needs_no_slot(full):
    """A HEAD would be told in a body, which its client takes for the next answer; a preflight asks for nothing."""
    assert GuardedProtocol.chosen_app(full("HEAD")) == GuardedProtocol.chosen_app(full("OPTIONS")) == "the app"


def test_a_page_may_read_why_it_is_refused(full):
    """Only the app knows which origins may."""
    assert GuardedProtocol.chosen_app(full(origins=("https://a.example",), origin="https://a.example")) == "the app"
    assert isinstance(GuardedProtocol.chosen_app(full(origin="https://a.example")), Busy)


def test_what_the_parser_has_refused_is_not_refused_again():
    """Fails where a second last word is written behind the end: no deadline of any connection is met from then on."""

    class Refusing(FrontedProtocol):
        def __init__(self):
            self.phase, self.refusals = "body", 0

        def take_long_way(self):
            self.phase = "ended"

        @property
        def silent(self):
            self.refusals += 1
            return True

        @silent.setter
        def silent(self, _):
            pass

    refusing = Refusing()
    refusing.refuse(Refused(408, ""))
    assert refusing.refusals == 0


def test_json_is_read_as_the_app_reads_it(front):
    """White space is what JSON takes for it."""
    for space, is_read in ((b" \t\r\n", True), (b"\f", False), (b"\v", False)):
        body = b'{%b"image": "aGk="}' % space
        assert (plain_image(body, "application/json") == b"hi") == is_read


def counted(front):
    """What is held for requests: slots, bytes of bodies, pixels of pictures."""
    admission = front.held.admission
    return admission.in_work.used, admission.arriving.used, admission.waiting.used


LARGE = 200_000
BEGINNING = arrived(f"Content-Length: {LARGE}", "Content-Type: image/jpeg")


def test_a_large_body_is_waited_for(front):
    """Its bytes are counted as they come, and its picture has a place. Fails where any of it is never given back."""

    async def wait():
        held = []
        for ending in ("end", "leave"):
            plain = front.take(BEGINNING, connection())
            held.append(counted(front))
            plain.add(bytes(1_000))
            held.append(counted(front))
            getattr(plain, ending)()
            held.append(counted(front))
        return held

    come = len(PICTURE)
    first, more, left = (0, come, 2 * LARGE), (0, come + 1_000, 2 * LARGE), (0, 0, 0)
    assert asyncio.run(wait()) == [first, more, left] * 2


@pytest.mark.parametrize("full", ["arriving", "waiting", "in_work"])
def test_no_large_body_is_waited_for_where_there_is_no_room(front, full):
    """The app says so: as soon as the head is there, where it can."""
    shares = getattr(front.held.admission, full)
    shares.take("somebody else", 2 * shares.limit)

    async def take():
        return front.take(BEGINNING, connection())

    assert asyncio.run(take()) is None
    shares.give_back("somebody else", 2 * shares.limit)
    assert counted(front) == (0, 0, 0)


def read_alone(front, meanwhile=lambda plain: None, picture=None):
    """What is said to the client of a picture that is not framed yet, or "long way"; and what was held meanwhile."""
    body = picture or png(np.kron(IMAGES[0], np.ones((10, 10), np.uint8)))
    said, held = [], []

    async def read():
        def take_long_way():
            assert sys.exc_info()[1] is None  # the parser would take what it raises for what led to it
            plain.leave()
            said.append(b"long way")

        def answer(data, *, last):
            plain.end()
            said.append(data)

        head = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
        plain = front.take(head + body, connection(answer=answer, take_long_way=take_long_way))
        front.submit(plain)
        await asyncio.sleep(0)
        held.append(counted(front)[0])
        reading = plain.reading
        meanwhile(plain)
        await asyncio.wait([reading])

    asyncio.run(read())
    return said, *held


def test_other_pictures_are_read_too(front):
    """Each by itself, holding a slot."""
    [answer], held = read_alone(front)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert held == 1
    assert counted(front) == (0, 0, 0)


def test_what_is_no_picture_is_told(front):
    """By the front itself: to go the long way would do the same work twice."""
    [answer], _ = read_alone(front, picture=b"no picture, however it is looked at")
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert counted(front) == (0, 0, 0)


def test_a_full_line_is_told(front):
    """A picture can be larger than its bytes let expect."""
    front.held.admission.waiting.take("somebody else", 2 * front.held.admission.waiting.limit)
    [answer], _ = read_alone(front)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert counted(front)[0] == 0


def test_a_bug_in_one_picture_is_met_again(front, monkeypatch):
    """In the app, which has a 500 for it."""
    monkeypatch.setattr("service.pipeline.prepare", lambda *_: 1 / 0)
    assert read_alone(front)[0] == [b"long way"]
    assert counted(front) == (0, 0, 0)


def test_nobody_waits_for_what_has_left(front):
    """Its slot is free again, though a thread may still be at it."""
    assert read_alone(front, meanwhile=lambda plain: plain.leave()) == ([], 1)
    assert counted(front) == (0, 0, 0)


def test_a_deadline_is_met_once(front, monkeypatch):
    """Fails where the app is asked after that: the client would wait for another."""
    monkeypatch.setattr(front.held.workers, "_timeout_seconds", 0.01)
    monkeypatch.setattr("service.single._read", lambda *_: time.sleep(0.1))
    [answer], _ = read_alone(front)
    assert answer.startswith(b"HTTP/1.1 504 ")
    assert counted(front) == (0, 0, 0)


def test_nothing_of_a_request_outlives_it(front):
    """Bodies are large, and collections of garbage seldom. Fails where what is kept for a request keeps the request."""
    gone = []

    async def leave():
        for ending in ("end", "leave"):
            plain = front.take(BEGINNING, connection())
            gone.append(weakref.ref(plain.expected))
            getattr(plain, ending)()
            del plain

    gc.disable()
    try:
        asyncio.run(leave())
        read_alone(front, meanwhile=lambda plain: (gone.append(weakref.ref(plain.reading)), plain.leave()))
        assert [each() for each in gone] == [None] * 3
    finally:
        gc.enable()


@pytest.fixture(scope="module")
def narrow():
    """A service with one slot, and one thread, that is busy with each large picture for a while."""
    with running_server(max_inflight=1, threads=1) as server:
        yield server


def until(condition):
    """Wait for it, but not for ever."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline


def in_work(server):
    return b"\nlenet5_in_flight 1" in asked(server.port, get("/metrics")).body


def test_all_are_answered_before_any_is_counted(front):
    """Nobody waits for that. Fails where observers are told of one before the next has its answer."""
    told = []
    front.held.observers[0] = lambda finished: told.append(finished.status)

    async def answer():
        for _ in range(2):
            plain = front.take(arrived(LENGTH), connection(answer=lambda data, last: told.append("answered")))
            front.submit(plain)
        for _ in range(3):
            await asyncio.sleep(0)

    asyncio.run(answer())
    assert told == ["answered", "answered", 200, 200]


@pytest.mark.parametrize("closes", [False, True])
def test_what_came_behind_is_heard_once_the_answer_is_counted(closes):
    """In the next turn of the loop, unless the connection is closed by then: one cannot go on to read from that.

    Fails where it is heard while the first is still being answered.
    """

    class Answering(FrontedProtocol):
        def __init__(self):
            self.transport = SimpleNamespace(write=heard.append, is_closing=lambda: closes)
            self.flow = SimpleNamespace(resume_reading=lambda: None)
            self.loop = asyncio.get_running_loop()
            self.server_state = SimpleNamespace(total_requests=0)
            self.plain, self.behind = None, b"behind"

        def data_received(self, data):
            heard.append(data)

    heard = []

    async def answer():
        Answering().answer(b"answer", last=False)
        heard.append(b"counted")
        await asyncio.sleep(0)

    asyncio.run(answer())
    assert heard == [b"answer", b"counted"] + [b"behind"] * (not closes)


def test_each_answer_has_the_date_of_its_second(server):
    """Fails where the first lines that answers share are made once and for all."""

    def date():
        return asked(server.port, post("/predict", PICTURE)).headers["date"]

    before = date()
    until(lambda: date() != before)


def test_what_comes_while_a_picture_is_read_waits(narrow):
    """The request behind it, or what is none, does not have it read again, nor refused for want of its own slot."""
    with Wire(narrow.port) as line:
        line.send(post("/predict", SLOW, "X-Request-ID: large"))
        until(lambda: in_work(narrow))
        line.send(b"\r\n" + post("/predict", PICTURE, "X-Request-ID: small"))
        answers = [line.answer(), line.answer()]
    assert [(answer.status, answer.headers["x-request-id"]) for answer in answers] == [(200, "large"), (200, "small")]
    counts = asked(narrow.port, get("/metrics")).body.decode()
    assert 'lenet5_requests_total{method="POST",route="/predict",status="503"}' not in counts


def test_a_client_that_leaves_its_picture_is_not_refused(narrow):
    """It has left, which is what the counts say. Fails where its own slot is in its way."""

    def count(status):
        lines = asked(narrow.port, get("/metrics")).body.decode().splitlines()
        start = f'lenet5_requests_total{{method="POST",route="/predict",status="{status}"}} '
        return next((float(line.removeprefix(start)) for line in lines if line.startswith(start)), 0)

    before = count(499)
    with Wire(narrow.port) as line:
        line.send(post("/predict", SLOW))
        until(lambda: in_work(narrow))
    until(lambda: not in_work(narrow))
    until(lambda: count(499) > before)
    assert (count(499) - before, count(503)) == (1, 0)


def test_only_short_bodies_are_decoded_in_the_loop(front, monkeypatch):
    """A framed picture can be hidden in megabytes of nothing, which take a while to go through."""
    shown = []

    def look(raws):
        shown.extend(raws)
        return [None] * len(raws)

    monkeypatch.setattr(module, "prepare_framed", look)
    read_alone(front, picture=png(np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)))
    assert shown == [None]


def test_a_kept_place_is_not_in_its_own_way(front):
    """Fails where a large body, once it has come, is asked for room beside the place that was kept for it."""
    front.held.admission.waiting.limit = 2 * LARGE

    async def come():
        plain = front.take(BEGINNING, connection(answer=lambda *_, **__: None))
        plain.add(bytes(plain.missing))
        front.submit(plain)
        in_work = front.held.admission.in_work.used
        plain.leave()
        return in_work

    assert asyncio.run(come()) == 1


class Lost(FrontedProtocol):
    """A connection whose picture is read, that notes what is done about it."""

    def __init__(self, plain):
        self.plain, self.done = plain, []

    def take_long_way(self):
        self.done.append("long way")
        raise MemoryError


def test_a_stop_lets_a_picture_be_read_to_its_end():
    """It is answered as the last. Fails where it is read once more, with no time left."""
    lost = Lost(SimpleNamespace(reading=True))
    lost.shutdown()
    assert lost.done == []


def test_who_has_left_is_forgotten_whatever_happens(monkeypatch):
    """Else its share of the connections would stay taken."""
    lost = Lost(SimpleNamespace(reading=None))
    monkeypatch.setattr(GuardedProtocol, "connection_lost", lambda self, exc: self.done.append("forgotten"))
    with pytest.raises(MemoryError):
        lost.connection_lost(None)
    assert lost.done == ["long way", "forgotten"]
