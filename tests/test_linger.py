"""An answer that is given before the whole body has come reaches the client all the same."""

import asyncio
import http.client
import json
import shutil
import subprocess
import time

import httpx2 as httpx
import pytest

from service.linger import Linger
from tests.conftest import running_server
from tests.wire import Wire, asked, get, post, request

BIG = b"no picture " * 1_000_000  # 11 MB: more than the body's limit, and than any buffer on the way


@pytest.fixture(scope="module")
def port():
    """A server that asks for a key."""
    with running_server(api_key="secret") as server:
        yield server.port


KEY = {"Authorization": "Bearer secret"}
REFUSALS = pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/predict", KEY, 413), ("/nowhere", KEY, 404), ("/livez", {}, 405), ("/predict", {}, 401)],
)


def is_problem(content_type: str, body: bytes, status: int) -> bool:
    return content_type == "application/problem+json" and json.loads(body)["status"] == status


@REFUSALS
def test_http_client_reads_the_refusal_of_a_big_upload(port, path, headers, status):
    """It writes all before it reads: a connection that was closed meanwhile would be a broken pipe."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", path, BIG, headers)
    response = connection.getresponse()

    assert response.status == status
    assert is_problem(response.headers["Content-Type"], response.read(), status)
    connection.close()


@REFUSALS
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_httpx_reads_the_refusal_of_a_big_upload(port, path, headers, status, chunked):
    content = (BIG[start : start + 65_536] for start in range(0, len(BIG), 65_536)) if chunked else BIG
    response = httpx.post(f"http://127.0.0.1:{port}{path}", content=content, headers=headers)

    assert response.status_code == status
    assert response.headers["Connection"] == "close"
    assert is_problem(response.headers["Content-Type"], response.content, status)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("expect", ["Expect: 100-continue", "Expect:"])
def test_curl_reads_the_refusal_of_a_big_upload(port, expect):
    command = ["curl", "-sS", "--data-binary", "@-", "-H", expect, "-H", "Authorization: Bearer secret"]
    command += ["-w", "%{http_code}", f"http://127.0.0.1:{port}/predict"]
    result = subprocess.run(command, input=BIG, capture_output=True, timeout=20)

    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith(b"413")
    assert is_problem("application/problem+json", result.stdout[:-3], 413)


def test_the_early_503_of_a_big_upload_is_read_too():
    """It comes from before the app, and lingers all the same."""
    with running_server("tests.standin", max_inflight=1) as server, Wire(server.port) as holder:
        holder.send(post("/predict", b"held"))
        assert asked(server.port, get()).status == 200
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("POST", "/predict", BIG)
        response = connection.getresponse()
        assert is_problem(response.headers["Content-Type"], response.read(), 503)
        connection.close()


def test_a_plain_refusal_of_a_big_upload_is_read_too(port):
    """What the connection itself refuses lingers by half-closing."""
    with Wire(port) as wire:
        wire.send(request("POST", "/predict", "Host: elsewhere", f"Content-Length: {len(BIG)}", body=BIG))
        assert wire.answer().status == 400
        assert wire.ended()


def test_who_expects_a_continue_is_refused_without_one(port):
    """And is not waited for when it goes."""
    answer = asked(port, request("POST", "/predict", "Content-Length: 11000000", "Expect: 100-continue"))
    assert answer.status == 401


def test_an_upload_without_end_is_cut_off(port):
    """64 MiB after its answer. A reset, since the client never stops to listen."""
    with Wire(port) as wire:
        wire.send(
            request(
                "POST", "/nowhere", *[f"{name}: {value}" for name, value in KEY.items()], "Content-Length: 999999999"
            )
        )
        assert wire.answer().status == 404
        with pytest.raises(ConnectionError):
            wire.send(BIG * 30)


def test_with_the_whole_body_the_connection_stays(port, digit_png):
    """Whatever the status."""
    with Wire(port) as wire:
        for body, status in ((digit_png, 200), (b"no picture", 415), (b"", 400)):
            wire.send(post("/predict", body, "Authorization: Bearer secret"))
            answer = wire.answer()
            assert (answer.status, answer.closes) == (status, False)
        wire.send(get())
        assert wire.answer().status == 200


# The bounds, without a socket


def lingered(most_bytes: int, seconds: float, arriving: int) -> tuple[list[dict], int]:
    """What a refusing app behind Linger sends while `arriving` pieces of ten bytes come, and how many were read."""
    sent: list[dict] = []
    read = 0

    async def refuse(scope, receive, send):
        await send({"type": "http.response.start", "status": 413, "headers": []})
        await send({"type": "http.response.body", "body": b"too large"})

    async def receive():
        nonlocal read
        if read == arriving:
            await asyncio.Event().wait()  # nothing more comes
        read += 1
        return {"type": "http.request", "body": b"a" * 10, "more_body": True}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "headers": [(b"transfer-encoding", b"chunked")]}
    asyncio.run(Linger(refuse, seconds, most_bytes)(scope, receive, send))
    return sent, read


def test_no_more_bytes_are_read_than_the_bound():
    """The answer goes out first, and ends only then."""
    sent, read = lingered(most_bytes=100, seconds=10, arriving=1000)

    assert read == 10
    assert [message.get("more_body", False) for message in sent] == [False, True, False]
    assert [message.get("body", b"") for message in sent] == [b"", b"too large", b""]
    assert (b"connection", b"close") in sent[0]["headers"]


def test_no_more_time_is_spent_than_the_bound():
    """For a client that has stopped without a word."""
    began = time.monotonic()
    sent, read = lingered(most_bytes=100, seconds=0.1, arriving=3)

    assert 0.1 <= time.monotonic() - began < 5
    assert read == 3
    assert sent[-1] == {"type": "http.response.body"}
