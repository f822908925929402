"""Row `slow`: clients that are in no hurry, five kinds of them, many at once."""

import asyncio
import os
import socket
import time

from tests.conftest import Server, png, running_server
from tests.samples import IMAGES
from tests.torture.watched import Watched, probed
from tests.wire import get, post, request

SECONDS = 2.0
"""Every deadline of the server under test."""
LATE = 1.0
"""A connection must be gone so many seconds after its deadline at most: one sweep finds it, the next ends it."""
LOOKING = 0.5
"""Seconds that it takes to see it: a second look, and a thousand clients in one process."""

ASSET = "/docs/assets/swagger-ui-bundle.js"  # 1.5 MB, far more than the kernel's buffers hold
KINDS = {
    "idle": b"",
    "half a head": b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-",
    "half a body": request("POST", "/predict", "Content-Length: 100000", body=b"\x89PNG"),
    "a trickle": request("POST", "/predict", "Content-Length: 100000"),
    "an answer unread": get(ASSET),
}


async def stay(port: int, kind: str, delay: float, came: list[float], over: asyncio.Event) -> float:
    """Come after a while, and be such a client until the server hangs up, or until it is over; for how many seconds."""
    await asyncio.sleep(delay)
    connection = socket.socket()
    connection.setblocking(False)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # or the kernel would hold the whole answer
    began = time.monotonic()
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
    came.append(time.monotonic())
    writer.write(KINDS[kind])
    try:
        if kind == "an answer unread":
            writer.transport.pause_reading()
            await over.wait()
        elif kind == "a trickle":
            await trickle(reader, writer)
        else:
            while await reader.read(1024):
                pass
    except OSError:  # the server did more than hang up
        pass
    finally:
        writer.transport.abort()
    return time.monotonic() - began


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then, until the server says something."""
    answer = asyncio.ensure_future(reader.read(1024))
    while not answer.done():
        writer.write(b"x")
        await asyncio.wait([answer], timeout=0.7)  # oftener, and clients would be late themselves
    answer.result()


async def crowd(server: Server, kind: str, count: int) -> float:
    """So many of a kind, who come within a second; when the server had closed the last, in seconds after it came.

    Its descriptors tell: who reads nothing is not told of the end.
    """
    watched, this = Watched(server.process.pid), Watched(os.getpid())
    before, over, came = watched.descriptors(), asyncio.Event(), []
    clients = asyncio.gather(*[stay(server.port, kind, number / count, came, over) for number in range(count)])
    while len(came) < count and not clients.done():  # noqa: ASYNC110  a clock is what is at stake here
        await asyncio.sleep(0.05)
    waited = watched.waited_seconds() + this.waited_seconds()
    while watched.descriptors() > before:
        late = watched.waited_seconds() + this.waited_seconds() - waited  # no core to close it, or to see it closed
        seconds = time.monotonic() - came[-1] - late
        assert seconds < SECONDS + LATE + LOOKING, (kind, watched.descriptors() - before)
        await asyncio.sleep(0.05)
    ended = time.monotonic()
    over.set()
    assert min(await clients) > SECONDS - LOOKING, f"{kind}: closed too early"
    return ended - came[-1]


def slow(clients: int, livez_ms: float) -> str:
    """So many clients of each kind: each is closed in time, and those who behave are served meanwhile."""
    timeouts = ("header_timeout", "body_timeout", "keep_alive", "write_timeout")
    settings = {f"{name}_seconds": SECONDS for name in timeouts}
    said = []
    # A slot and a place for each: a machine that stands still for a moment brings more heads in one turn than are let
    # in at a time.
    room = {"max_connections": clients + 100, "max_inflight": clients + 100, "max_waiting_pixels": clients * 10**6}
    with running_server(access_log=False, **room, **settings) as server:
        for kind in KINDS:
            with probed(server, post("/predict", png(IMAGES[0]))) as probing:
                seconds = asyncio.run(crowd(server, kind, clients))
            said.append(f"{kind} {seconds:.1f} s, {probing.check(livez_ms)}")
    return f"{clients:,} of each kind, deadline {SECONDS:.0f} s, the last closed after: {'; '.join(said)}"
