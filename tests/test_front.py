"""What the front takes, and that nobody suffers from another's request. Its answers: see test_surfaces_agree."""

import asyncio
import signal
from types import SimpleNamespace

import pytest

from service import front as module
from service.front import Front
from tests.conftest import png, running_server
from tests.samples import IMAGES
from tests.wire import Wire, asked, get, post

PICTURE = png(IMAGES[0])
LENGTH = (b"content-length", str(len(PICTURE)).encode())
HOST = (b"host", b"localhost")


@pytest.fixture
def front(unstarted):
    return Front(unstarted.app.state.held)


def taken(front, *headers, method=b"POST", url=b"/predict"):
    return front.take(method, url, [HOST, *headers], "", lambda cycle: None)


def test_plain_requests_are_taken(front):
    """By either name, with any content type."""
    assert taken(front, LENGTH)
    assert taken(front, LENGTH, url=b"/v1/predict")
    assert taken(front, LENGTH, (b"content-type", b"application/json"))


@pytest.mark.parametrize(
    ("headers", "request_line"),
    [
        ((LENGTH,), {"method": b"PUT"}),
        ((LENGTH,), {"url": b"/predict?include=input"}),
        ((LENGTH,), {"url": b"/predict/batch"}),
        ((LENGTH,), {"url": b"/%70redict"}),
        ((), {}),
        (((b"content-length", b"0"),), {}),
        (((b"content-length", b"16385"),), {}),
        (((b"transfer-encoding", b"chunked"),), {}),
        ((LENGTH, (b"content-encoding", b"gzip")), {}),
        ((LENGTH, (b"expect", b"100-continue")), {}),
        ((LENGTH, (b"upgrade", b"websocket")), {}),
        ((LENGTH, (b"content-type", b"image/png"), (b"content-type", b"text/plain")), {}),
    ],
)
def test_others_are_left_to_the_app(front, headers, request_line):
    """It alone knows queries, codings, and what to say of the odd."""
    assert taken(front, *headers, **request_line) is None


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
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status == 503)


def test_a_failure_of_a_turn_is_met_by_each_alone(front, monkeypatch):
    """Whatever it was, the app is asked, and no slot stays taken."""
    handed_over = []

    def submit(number):
        exchange = front.take(b"POST", b"/predict", [HOST, LENGTH], "", handed_over.append)
        exchange.cycle = SimpleNamespace(
            number=number, body=bytearray(PICTURE), disconnected=False, flow=SimpleNamespace(write_paused=False)
        )
        exchange.submit()

    def fail(*_):
        raise RuntimeError("a bug")

    async def turn():
        for number in range(3):
            submit(number)
        assert front.held.admission.in_flight == 3
        await asyncio.sleep(0.01)

    monkeypatch.setattr(module, "predict", fail)
    asyncio.run(turn())
    assert [cycle.number for cycle in handed_over] == [0, 1, 2]
    assert front.held.admission.in_flight == 0
