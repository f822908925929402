"""Replicas of the real image behind Debian's nginx, under a constant load: replaced, killed, stopped."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx2 as httpx
import numpy as np
import pytest

from tests.conftest import ROOT, free_port, wait_until_ready
from tests.containers import RESTRICTIONS, Built, Container, output, unavailable

pytestmark = [pytest.mark.container, pytest.mark.timeout(900)]  # the first of them builds the image

CONFIGURATION = (ROOT / "deploy" / "nginx" / "lenet5.conf").read_text()
RATE = 50
"""Requests a second."""


@dataclass
class Outcome:
    """What came of a load."""

    failed: list[str]
    seconds: list[float]

    def __str__(self) -> str:
        median, high = np.percentile(self.seconds, [50, 99]) * 1000
        figures = f"median {median:.1f} ms, p99 {high:.1f} ms, longest {max(self.seconds) * 1000:.0f} ms"
        return f"{len(self.seconds)} answered, {len(self.failed)} failed, {figures}"


@dataclass
class Fleet:
    """Three replicas at ports of their own, and nginx in front of them."""

    built: Built
    picture: bytes
    digit: int
    port: int = field(default_factory=free_port)
    ports: list[int] = field(default_factory=lambda: [free_port() for _ in range(3)])
    replicas: dict[int, Container] = field(default_factory=dict)

    def start(self, port: int) -> None:
        """Start a replica and wait until it is ready."""
        name = f"lenet5-test-{uuid4().hex[:12]}"
        options = [*RESTRICTIONS, "--env=LENET_DRAIN_SECONDS=1", f"--publish=127.0.0.1:{port}:8000"]
        output(self.built.engine, "run", "--detach", f"--name={name}", *options, self.built.tag)
        self.replicas[port] = Container(self.built.engine, name)
        wait_until_ready(f"http://127.0.0.1:{port}")

    def remove(self, port: int) -> None:
        output(self.built.engine, "rm", "--force", "--volumes", self.replicas.pop(port).name)

    def replace(self, port: int) -> None:
        """Stop a replica, as an orchestrator does, and start another in its place."""
        replica = self.replicas[port]
        replica.terminate()
        assert replica.exit_code(20) == 0
        self.remove(port)
        self.start(port)

    def process(self, port: int) -> int:
        """The replica's own process, as this machine numbers it."""
        return self.replicas[port].inspect()["State"]["Pid"]

    def predictions(self, port: int) -> float:
        """How many requests a replica has answered."""
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        counts = re.findall(r'^lenet5_requests_total\{.*route="/predict".*\} (.*)$', metrics, re.MULTILINE)
        return sum(map(float, counts))

    def await_more(self, port: int, than: float) -> None:
        """Wait until a replica has answered more requests: nginx asks one that failed again after some seconds."""
        deadline = time.monotonic() + 20
        while self.predictions(port) <= than:
            assert time.monotonic() < deadline
            time.sleep(0.2)

    @contextmanager
    def load(self, outcome: Outcome) -> Iterator[None]:
        """Asked by another process meanwhile, of which `outcome` tells afterwards."""
        command = [sys.executable, "-m", "tests.steady", str(self.port), str(RATE), str(self.digit)]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
            asking.stdin.write(self.picture)
            asking.stdin.close()
            asking.stdin = None
            try:
                assert asking.stdout.readline() == b"under way\n"
                time.sleep(1)
                yield
                time.sleep(1)
            finally:
                asking.terminate()
                told = asking.communicate(timeout=60)[0]
        for name, values in json.loads(told).items():
            getattr(outcome, name).extend(values)


@pytest.fixture
def fleet(built: Built, tmp_path: Path, digit_png: bytes, golden) -> Iterator[Fleet]:
    if shutil.which("nginx") is None:
        unavailable("nginx is not installed")
    fleet = Fleet(built, digit_png, golden.digit)
    site = CONFIGURATION.replace("listen 8000;", f"listen 127.0.0.1:{fleet.port};")
    for number, port in enumerate(fleet.ports, 8001):
        site = site.replace(f"127.0.0.1:{number} ", f"127.0.0.1:{port} ")
    places = "".join(f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.getuid() == 0 else ""
    (tmp_path / "nginx.conf").write_text(
        f"{user} pid nginx.pid; error_log error.log; events {{}} http {{ access_log off; {places} {site} }}"
    )
    nginx = subprocess.Popen(["nginx", "-p", tmp_path, "-c", "nginx.conf", "-e", "error.log", "-g", "daemon off;"])
    try:
        for port in fleet.ports:
            fleet.start(port)
        wait_until_ready(f"http://127.0.0.1:{fleet.port}")
        yield fleet
    finally:
        nginx.terminate()
        nginx.wait(10)
        for port in list(fleet.replicas):
            fleet.remove(port)


@pytest.fixture
def outcome(request, capsys) -> Iterator[Outcome]:
    """Filled by the load, and told."""
    outcome = Outcome([], [])
    yield outcome
    with capsys.disabled():
        print(f"\n{request.node.name}: {outcome}")


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.torture)])
def test_replacing_every_replica_fails_no_request(fleet, outcome, rounds):
    """One after the other, each as soon as the one before is there again."""
    with fleet.load(outcome):
        for _ in range(rounds):
            for port in fleet.ports:
                fleet.replace(port)
    assert outcome.failed == []
    assert len(outcome.seconds) > rounds * 3 * RATE


@pytest.mark.parametrize("times", [1, pytest.param(10, marks=pytest.mark.torture)])
def test_a_killed_replica_fails_no_request(fleet, outcome, times):
    """Not even those it had in work, which are asked elsewhere; it is replaced, and is asked again."""
    port = fleet.ports[1]
    with fleet.load(outcome):
        for _ in range(times):
            os.kill(fleet.process(port), signal.SIGKILL)
            assert fleet.replicas[port].exit_code(10) == 137
            time.sleep(1)
            fleet.remove(port)
            fleet.start(port)
            fleet.await_more(port, than=0)
    assert outcome.failed == []


def test_a_stopped_replica_is_routed_around(fleet, outcome):
    """It accepts, and never answers: unready to whoever asks. What it was asked is asked elsewhere; it comes back."""
    port = fleet.ports[2]
    with fleet.load(outcome):
        process = fleet.process(port)
        os.kill(process, signal.SIGSTOP)
        try:
            with pytest.raises(httpx.ReadTimeout):
                httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2)
            time.sleep(4)
        finally:
            os.kill(process, signal.SIGCONT)
        wait_until_ready(f"http://127.0.0.1:{port}")
        fleet.await_more(port, than=fleet.predictions(port))
    assert outcome.failed == []
    assert np.percentile(outcome.seconds, 75) < 1
