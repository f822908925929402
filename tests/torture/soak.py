"""Row `soak`: very many requests of every kind; memory and descriptors stay."""

import gc
import json
import random
import subprocess
import sys
import time
from itertools import cycle

from tests.conftest import ROOT, Server, png, running_server
from tests.samples import IMAGES
from tests.torture.hostile import bad_input
from tests.torture.watched import Watched
from tests.wire import Wire, get, post, request

CONNECTIONS = 16
LOOKS = 10


def requests() -> list[bytes]:
    """A mixture: digits for the front, others for the app, bad ones, probes and metrics."""
    good = [post("/predict", png(image)) for image in IMAGES]
    long_way = [post("/predict?polarity=auto", png(image)) for image in IMAGES[:10]]
    bad = [bad_input(random.Random(seed)) for seed in range(40)]
    others = [post(each.path, each.content, f"Content-Type: {each.media_type}") for each in bad]
    others += [get("/livez"), get("/readyz"), get("/metrics"), get("/nothing"), request("BREW", "/predict")]
    return good * 5 + long_way + others


def soak(count: int, most_bytes: int) -> str:
    """Send so many, after half as many to warm up, and look in between.

    Memory goes up and down by a megabyte or two with what is in work, so the floor is what counts: the least of the
    looks at the second half, beside the least of those at the first. A leak raises it.
    """
    with running_server(access_log=False) as server:
        watched = Watched(server.process.pid)
        send(server, count // 2)
        descriptors, looks = watched.descriptors(), []
        for _ in range(LOOKS):
            send(server, count // LOOKS)
            looks.append(watched.resident())
        left = watched.descriptors()
        assert server.stop() == 0
    grown = min(looks[LOOKS // 2 :]) - min(looks[: LOOKS // 2])
    said = f"{count:,} requests, floor {grown / 1e6:+.2f} MB, {descriptors} descriptors before and {left} after"
    assert grown <= most_bytes, said
    assert left == descriptors, said
    return said


def send(server: Server, count: int) -> None:
    """Send so many from a process of its own; every answer must be of the contract."""
    command = [sys.executable, "-m", __name__, str(server.port), str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    time.sleep(0.5)  # its connections are closed, and the server's threads have nothing to do
    statuses = json.loads(done.stdout)
    assert set(statuses) <= {"200", "400", "404", "405", "413", "415", "422"}, statuses


def main(port: int, count: int) -> None:
    """Send and read on a few connections in turn; print how often each status came."""
    gc.disable()
    statuses: dict[str, int] = {}
    messages = cycle(requests())
    wires = [Wire(port) for _ in range(CONNECTIONS)]
    for _ in range(count // CONNECTIONS):
        for wire in wires:
            wire.send(next(messages))
        for number, wire in enumerate(wires):
            answer = wire.answer()
            statuses[str(answer.status)] = statuses.get(str(answer.status), 0) + 1
            if answer.closes:
                wire.close()
                wires[number] = Wire(port)
    print(json.dumps(statuses))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
