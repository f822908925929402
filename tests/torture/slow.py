"""Row `slow`: clients that are in no hurry, five kinds of them, many at once."""

import asyncio
import socket
import time

from tests.conftest import Server, png, running_server
from tests.samples import IMAGES
from tests.torture.watched import Watched, probed
from tests.wire import get, post, request

SECONDS = 2.0
"""Every deadline of the server under test."""
SWEEP = 0.5
LATE = 1.0
"""A deadline must be kept within so many seconds."""

ASSET = "/docs/assets/swagger-ui-bundle.js"  # 1.5 MB, far more than the kernel's buffers hold
KINDS = {
    "idle": b"",
    "half a head": b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-",
    "half a body": request("POST", "/predict", "Content-Length: 100000", body=b"\x89PNG"),
    "a trickle": request("POST", "/predict", "Content-Length: 100000"),
    "an answer unread": get(ASSET),
}


async def stay(port: int, kind: str, delay: float, over: asyncio.Event) -> None:
    """Come after a while, and be such a client until the server hangs up, or until it is over."""
    await asyncio.sleep(delay)
    connection = socket.socket()
    connection.setblocking(False)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # or the kernel would hold the whole answer
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
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
        return
    finally:
        writer.transport.abort()


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then, until the server says something."""
    answer = asyncio.ensure_future(reader.read(1024))
    while not answer.done():
        writer.write(b"x")
        await asyncio.wait([answer], timeout=0.3)
    answer.result()


async def crowd(server: Server, kind: str, count: int) -> float:
    """So many of a kind, who come within a second; when the server had closed the last, in seconds after it came.

    Its descriptors tell: who reads nothing is not told of the end.
    """
    watched = Watched(server.process.pid)
    before, over = watched.descriptors(), asyncio.Event()
    clients = asyncio.gather(*[stay(server.port, kind, number / count, over) for number in range(count)])
    await asyncio.sleep(SECONDS - SWEEP)
    there = watched.descriptors() - before
    assert there >= count / 2, f"{kind}: of {count} clients only {there} are there"
    came, waited = time.monotonic() - (SECONDS - SWEEP) + 1, watched.waited_seconds()
    while watched.descriptors() > before:
        seconds = time.monotonic() - came - (watched.waited_seconds() - waited)  # it had no core to do it earlier
        assert seconds < SECONDS + SWEEP + LATE, (kind, watched.descriptors() - before)
        await asyncio.sleep(0.05)
    over.set()
    await clients
    return time.monotonic() - came


def slow(clients: int, livez_ms: float) -> str:
    """So many clients of each kind: each is closed in time, and those who behave are served meanwhile."""
    timeouts = ("header_timeout", "body_timeout", "keep_alive", "write_timeout")
    settings = {f"{name}_seconds": SECONDS for name in timeouts}
    said = []
    with running_server(access_log=False, max_connections=clients + 100, **settings) as server:
        for kind in KINDS:
            with probed(server, post("/predict", png(IMAGES[0]))) as probing:
                seconds = asyncio.run(crowd(server, kind, clients))
            said.append(f"{kind} {seconds:.1f} s, {probing.check(livez_ms)}")
    return f"{clients:,} of each kind, deadline {SECONDS:.0f} s, the last closed after: {'; '.join(said)}"
