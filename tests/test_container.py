"""The image and the compose file, built and run by a real engine. What is started here is removed here.

Where neither podman nor docker can get the base image, these tests are skipped; in CI they fail instead.
"""

import json
import math
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import numpy as np
import pytest
from PIL import Image

from service.settings import Settings, unknown_variables
from tests.conftest import encoded, free_port, png
from tests.containers import BASE, COMPOSE, LIMITS, RELEASE, RESTRICTIONS, STALE, Container, output, read

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]  # the first of them builds the image

ADDED = 200_000_000
"""Bytes that the image may add to its base."""
STOP = 12
"""Seconds that a stop may take beyond the drain."""


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

        # on a slow machine: too long a wait, or a time
        assert {answer.status_code for answer in answers} <= {200, 503, 504}
        assert read(container.url(8000), digit_png) == golden.digit
        deadline = time.monotonic() + 30  # what ran into the deadline may still be at work
        while (kilobytes := int(container.status()["VmRSS"].removesuffix(" kB"))) > 200_000:
            assert time.monotonic() < deadline, f"it keeps {kilobytes} kB"
            time.sleep(0.5)


def test_it_writes_nothing(built, digit_png):
    """Not even as root on a writable root, nor big uploads to /tmp; so its bytecode is complete too."""
    noise = png(np.random.default_rng(0).integers(0, 256, (1500, 1500), np.uint8))
    with built.running("--user=0") as container:
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
