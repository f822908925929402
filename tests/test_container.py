"""The image and the compose file, built and run by a real engine. What is started here is removed here.

Where neither podman nor docker can get the base image, these tests are skipped; in CI they fail instead.
"""

import json
import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import httpx2 as httpx
import numpy as np
import pytest
import yaml
from PIL import Image

from service.settings import Settings, unknown_variables
from tests.conftest import ROOT, encoded, free_port, png

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]  # the first of them builds the image

BASE = "docker.io/library/python:3.13-slim"
ADDED = 200_000_000
"""Bytes that the image may add to its base."""
STOP = 12
"""Seconds that a stop may take beyond the drain."""

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["lenet5"]
LIMITS = COMPOSE["deploy"]["resources"]["limits"]
RESTRICTIONS = [
    "--read-only",
    *(f"--tmpfs={path}" for path in COMPOSE["tmpfs"]),
    *(f"--cap-drop={name}" for name in COMPOSE["cap_drop"]),
    *(f"--security-opt={option}" for option in COMPOSE["security_opt"]),
    f"--memory={LIMITS['memory']}",
    f"--cpus={LIMITS['cpus']}",
    f"--pids-limit={LIMITS['pids']}",
    f"--env=LENET_THREADS={COMPOSE['environment']['LENET_THREADS']}",
]
"""What the compose file asks for, as an engine's options."""


def attempt(*command: str, seconds: float = 60, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever that is."""
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False, **options
    )


def output(*command: str, **options: Any) -> str:
    """Run a command that must succeed; what it printed."""
    done = attempt(*command, **options)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def unavailable(reason: str) -> NoReturn:
    """Skip on a desk; fail in CI, where a skipped test would go unnoticed."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass
class Container:
    """One container that runs."""

    engine: str
    name: str

    def exec(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside."""
        variables = [f"--env={name}={value}" for name, value in environment.items()]
        return attempt(self.engine, "exec", *variables, self.name, *command)

    def url(self, port: int) -> str:
        """Where the host reaches a port of the container."""
        published = output(self.engine, "port", self.name, str(port)).splitlines()[0]
        return f"http://127.0.0.1:{published.rpartition(':')[2]}"

    def wait_until_healthy(self) -> None:
        """By the image's own health check, which docker runs on a timer and podman, without systemd, when asked."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.engine == "podman":
                healthy = attempt("podman", "healthcheck", "run", self.name).returncode == 0
            else:
                healthy = self.inspect()["State"].get("Health", {}).get("Status") == "healthy"
            if healthy:
                return
            assert self.inspect()["State"]["Running"], attempt(self.engine, "logs", self.name).stderr
            time.sleep(0.1)
        raise AssertionError("the container did not become healthy")

    def inspect(self) -> dict[str, Any]:
        """All that the engine knows of it."""
        return json.loads(output(self.engine, "container", "inspect", self.name))[0]

    def status(self) -> dict[str, str]:
        """What the kernel says of the first process."""
        lines = output(self.engine, "exec", self.name, "cat", "/proc/1/status").splitlines()
        return dict(line.split(":\t") for line in lines)

    def terminate(self) -> None:
        """SIGTERM to the first process, and nothing after it."""
        output(self.engine, "kill", "--signal=TERM", self.name)

    def exit_code(self, seconds: float) -> int:
        """Of the first process, which ends by itself within so many seconds."""
        return int(output(self.engine, "wait", self.name, seconds=seconds))


@dataclass
class Built:
    """The image, the folder it was built of, and the compose that built it."""

    engine: str
    tag: str
    context: Path
    project: str
    compose: list[str]

    def inspect(self) -> dict[str, Any]:
        """All that the engine knows of it."""
        return json.loads(output(self.engine, "image", "inspect", self.tag))[0]

    def health_check(self) -> list[str]:
        """The command that checks it, run without a shell."""
        found = self.inspect()
        kind, *command = found.get("Healthcheck", found["Config"].get("Healthcheck"))["Test"]
        assert kind == "CMD"
        return command

    @contextmanager
    def running(self, *options: str, port: int = 8000) -> Iterator[Container]:
        """Run it on a free port of this machine until it is healthy."""
        name = f"lenet5-test-{uuid4().hex[:12]}"
        output(self.engine, "run", "--detach", f"--name={name}", f"--publish=127.0.0.1::{port}", *options, self.tag)
        try:
            container = Container(self.engine, name)
            container.wait_until_healthy()
            yield container
        finally:
            output(self.engine, "rm", "--force", "--volumes", name)

    def python(self, program: str) -> Any:
        """What a Python program prints inside the image, as JSON."""
        return json.loads(output(self.engine, "run", "--rm", "--network=none", self.tag, "python", "-c", program))


@pytest.fixture(scope="module")
def engine() -> str:
    """The name of an engine that has the base image."""
    reasons = []
    for name in ("podman", "docker"):
        if shutil.which(name) is None:
            reasons.append(f"{name} is not installed")
            continue
        if attempt(name, "image", "inspect", BASE).returncode == 0:
            return name
        pulled = attempt(name, "pull", "--quiet", BASE, seconds=300)
        if pulled.returncode == 0:
            return name
        reasons.append(f"{name} cannot get {BASE}: {pulled.stderr.strip().splitlines()[-1]}")
    unavailable("; ".join(reasons))


@pytest.fixture(scope="module")
def built(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The image, as compose builds it of a checkout made under a strict umask: only its owner may read it."""
    context = tmp_path_factory.mktemp("context") / "lenet5"
    shutil.copytree(ROOT, context, ignore=shutil.ignore_patterns(".*_cache", ".git", ".venv", "__pycache__"))
    (context / "service" / "__pycache__").mkdir()
    (context / "service" / "__pycache__" / STALE).touch()
    for path in context.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)

    project = f"lenet5-test-{uuid4().hex[:12]}"
    override = context.parent / "override.yml"  # so that nobody's image of the same name is replaced
    override.write_text(yaml.safe_dump({"services": {"lenet5": {"image": f"localhost/{project}"}}}))
    compose = compose_command(engine)
    compose += [f"--project-name={project}", f"--file={context}/docker-compose.yml", f"--file={override}"]
    arguments = [f"--build-arg={name}={value}" for name, value in RELEASE.items()]
    output(*compose, "build", "--no-cache", *arguments, seconds=500, env=os.environ | {"BUILDAH_FORMAT": "docker"})
    yield Built(engine, f"localhost/{project}", context, project, compose)
    output(engine, "image", "rm", "--force", f"localhost/{project}")


def compose_command(engine: str) -> list[str]:
    """The compose that goes with the engine, told to leave no layers behind."""
    if engine == "podman":
        command = [sys.executable, "-m", "podman_compose", "--podman-build-args=--layers=false"]
    else:
        command = ["docker", "compose"]
    version = attempt(*command, "version")
    if version.returncode:
        unavailable(f"{' '.join(command)}: {version.stderr.strip()}")
    return command


STALE = "app.cpython-39.pyc"
"""Left behind in the checkout by another Python."""

RELEASE = {"VERSION": "1.2.3", "REVISION": "c0ffee", "CREATED": "2026-11-24T06:00:00Z"}


def read(url: str, picture: bytes) -> int:
    """The digit that the service reads."""
    answer = httpx.post(f"{url}/predict", content=picture)
    assert answer.status_code == 200, answer.text
    return answer.json()["digit"]


@pytest.mark.parametrize("user", [[], ["--user=48213:0"], ["--user=31337:31337"]], ids=["own", "openshift", "any"])
def test_it_reads_a_digit_and_ends_with_0(built, digit_png, golden, user):
    """With all that the compose file takes away, as the image's own user and as two that no file knows."""
    with built.running(*RESTRICTIONS, *user) as container:
        assert read(container.url(8000), digit_png) == golden.digit
        container.terminate()
        assert container.exit_code(STOP) == 0


def test_the_largest_pictures_do_not_exhaust_it(built, digit_png, golden):
    """Several at once, of the kinds that need the most memory a pixel; nor does it keep what they needed."""
    side = math.isqrt(Settings.model_fields["max_pixels"].default)
    grey = np.add.outer(np.arange(side), np.arange(side)) % 256
    pictures = [
        png((grey * 256).astype(np.uint16)),
        png(np.repeat(grey.astype(np.uint8)[..., np.newaxis], 4, axis=2)),
        encoded(Image.fromarray(grey[:2800, :2800].astype(np.uint8)), "WEBP"),
    ]
    with built.running(*RESTRICTIONS) as container, ThreadPoolExecutor(6) as clients:
        url = f"{container.url(8000)}/predict"
        answers = list(clients.map(lambda picture: httpx.post(url, content=picture, timeout=60), pictures * 2))

        assert {answer.status_code for answer in answers} <= {200, 504}  # a slow machine may run into the deadline
        assert read(container.url(8000), digit_png) == golden.digit
        deadline = time.monotonic() + 30  # what ran into the deadline may still be at work
        while (kilobytes := int(container.status()["VmRSS"].removesuffix(" kB"))) > 200_000:
            assert time.monotonic() < deadline, f"it keeps {kilobytes} kB"
            time.sleep(0.5)


def test_it_writes_nothing(built, digit_png):
    """Not even as root on a writable root, big uploads aside, which go to /tmp: so its bytecode is complete."""
    noise = png(np.random.default_rng(0).integers(0, 256, (1500, 1500), np.uint8))
    with built.running("--user=0", "--tmpfs=/tmp") as container:
        read(container.url(8000), digit_png)
        httpx.post(f"{container.url(8000)}/predict", files={"file": noise}).raise_for_status()
        changed = {line.split()[1] for line in output(built.engine, "diff", container.name).splitlines()}

    assert changed <= {"/etc", "/etc/mtab", "/run"}, "more than what the engine itself puts there"


def test_the_health_check_asks_the_port_that_is_served(built):
    """$PORT moves the service; where nothing answers there the check fails, and it heeds no proxy."""
    with built.running("--env=PORT=9001", port=9001) as container:
        assert container.exec(*built.health_check(), http_proxy="http://127.0.0.1:1").returncode == 0
        assert container.exec(*built.health_check(), PORT="9002").returncode == 1


def test_the_health_check_fails_while_the_service_drains(built, digit_png, golden):
    """The answer of /readyz decides, not that there is one."""
    with built.running("--env=LENET_DRAIN_SECONDS=5") as container:
        url = container.url(8000)
        container.terminate()
        assert container.exec(*built.health_check()).returncode == 1
        assert read(url, digit_png) == golden.digit
        assert container.exit_code(5 + STOP) == 0


def test_it_holds_what_serving_needs_and_nothing_else(built):
    """No torch, no compiler, no pip beside the packages, no tests, no training; the code is the checkout's."""
    found = built.python(INVENTORY)

    expected = {
        str(path.relative_to(built.context))
        for folder in ("model", "service")
        for path in (built.context / folder).rglob("*")
        if path.is_file() and path.name != STALE
    }
    assert set(found["app"]) == expected | {"LICENSE"}
    assert found["modules"] == ["fastapi", "onnxruntime", "service"]
    assert found["commands"] == ["python"]
    assert found["tests"] == []


INVENTORY = """
import json, shutil, sys
from importlib.util import find_spec
from pathlib import Path

MODULES = "fastapi onnxruntime service torch onnx matplotlib typer pip setuptools pytest training tests".split()
COMMANDS = "python cc gcc c++ g++ clang ld make".split()
app = [path for path in Path("/app").rglob("*") if path.is_file()]
print(json.dumps({
    "modules": [name for name in MODULES if find_spec(name)],
    "commands": [name for name in COMMANDS if shutil.which(name)],
    "app": [str(path.relative_to("/app")) for path in app if ".cpython-313." not in path.name],
    "tests": [str(path) for entry in sys.path for path in Path(entry).rglob("tests") if "venv" in entry],
}))
"""


def test_it_adds_little_to_its_base(built):
    """The size that the README breaks down."""
    [base] = json.loads(output(built.engine, "image", "inspect", BASE))

    assert 0 < built.inspect()["Size"] - base["Size"] <= ADDED


def test_its_configuration_suits_any_orchestrator(built):
    """A numeric user that is not root, so that `runAsNonRoot` can tell; no shell between signal and service."""
    config = built.inspect()["Config"]

    assert re.fullmatch(r"[1-9]\d*:0", config["User"])
    assert config["Cmd"] == ["python", "-m", "service"]
    assert not config.get("Entrypoint")
    assert config["StopSignal"] == "SIGTERM"
    assert config["ExposedPorts"] == {"8000/tcp": {}}


def test_its_labels_say_what_it_is(built):
    """And a release says which it is."""
    prefix = "org.opencontainers.image."
    labels = built.inspect()["Config"]["Labels"]
    found = {name.removeprefix(prefix): value for name, value in labels.items() if name.startswith(prefix)}

    assert found.pop("description")
    assert found == {
        "title": "lenet5",
        "licenses": "MIT",
        "base.name": BASE,
        "version": RELEASE["VERSION"],
        "revision": RELEASE["REVISION"],
        "created": RELEASE["CREATED"],
    }


def test_compose_keeps_its_promises():
    """What the sentences of the README rest on."""
    assert COMPOSE["read_only"] is True
    assert COMPOSE["cap_drop"] == ["ALL"]
    assert COMPOSE["security_opt"] == ["no-new-privileges:true"]
    assert [path.partition(":")[0] for path in COMPOSE["tmpfs"]] == ["/tmp"]
    assert set(LIMITS) == {"cpus", "memory", "pids"}
    assert "healthcheck" not in COMPOSE, "the image has one, for every way to run it"
    assert "privileged" not in COMPOSE
    assert "user" not in COMPOSE


def test_compose_sets_settings_that_exist():
    """And gives a stop all the time that it may take."""
    environment = COMPOSE["environment"]
    drain = environment.get("LENET_DRAIN_SECONDS", Settings.model_fields["drain_seconds"].default)

    assert unknown_variables(environment) == []
    assert float(environment["LENET_THREADS"]) == float(LIMITS["cpus"])
    assert int(COMPOSE["stop_grace_period"].removesuffix("s")) >= float(drain) + STOP


def test_compose_serves(built, digit_png, golden):
    """Up, a digit, down; and the process really has lost its rights."""
    port = free_port()
    label = f"--filter=label=com.docker.compose.project={built.project}"
    try:
        output(*built.compose, "up", "--detach", env=os.environ | {"PORT": str(port)})
        container = Container(built.engine, output(built.engine, "ps", "--quiet", label))
        container.wait_until_healthy()
        assert read(f"http://127.0.0.1:{port}", digit_png) == golden.digit

        status = container.status()
        assert int(status["CapBnd"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        host = container.inspect()["HostConfig"]
        assert host["ReadonlyRootfs"] is True
        assert host["Memory"] == 1024**3
        assert host["NanoCpus"] == 1_000_000_000
        assert host["PidsLimit"] == LIMITS["pids"]
    finally:
        output(*built.compose, "down")
    assert output(built.engine, "ps", "--all", "--quiet", label) == ""
