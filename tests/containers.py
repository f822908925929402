"""A container engine, and the image as it builds it. What is started here is removed here.

Where neither podman nor docker can get the base image, the tests are skipped; in CI they fail instead.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import httpx2 as httpx
import pytest
import yaml

from tests.conftest import ROOT, free_port

BASE = "docker.io/library/python:3.13-slim"
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

    def peak_memory(self) -> int:
        """Bytes that were counted against the container's limit at most, cached files among them."""
        places = "/sys/fs/cgroup/memory.peak", "/sys/fs/cgroup/memory/memory.max_usage_in_bytes"
        return int(attempt(self.engine, "exec", self.name, "cat", *places).stdout)

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
        publish = f"--publish=127.0.0.1:{free_port()}:{port}"  # podman itself may choose one of outgoing connections
        command = ["run", "--detach", f"--name={name}", publish, *options, self.tag]
        try:
            output(self.engine, *command, cwd=self.context.parent)  # podman leaves a file `oom` where it was called
            container = Container(self.engine, name)
            container.wait_until_healthy()
            yield container
        finally:
            output(self.engine, "rm", "--force", "--volumes", name)

    def python(self, program: str) -> Any:
        """What a Python program prints inside the image, as JSON."""
        return json.loads(output(self.engine, "run", "--rm", "--network=none", self.tag, "python", "-c", program))


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
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
