"""What the image is made of: locked for two architectures, listed, and built the same twice."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import ROOT
from tests.containers import attempt, output, unavailable

BAKE = json.loads((ROOT / "docker-bake.json").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LOCKS = ["requirements.lock", "requirements-bulk.lock"]


def locked(lock: str) -> dict[str, str]:
    """Name -> version, of every package."""
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / lock).read_text(), re.MULTILINE))


def test_the_bulk_image_has_the_service_and_more():
    """The same versions of what both have: an answer does not depend on which of them gave it."""
    service, bulk = map(locked, LOCKS)
    assert service.items() < bulk.items()
    assert {"typer", "pyarrow"} <= bulk.keys() - service.keys()


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_there_is_a_wheel_of_every_package(lock, architecture, tmp_path):
    """For the image's Python, by the hashes that are locked; nothing is installed."""
    uv = str(Path(sys.executable).with_name("uv"))
    done = attempt(
        *(uv, "pip", "install", "--dry-run", "--require-hashes", "--only-binary=:all:", f"--target={tmp_path}"),
        *(f"--python-platform={architecture}-manylinux_2_28", "--python-version=3.13", f"--requirement={ROOT / lock}"),
        seconds=100,
    )
    if "error sending request" in done.stderr or "Could not connect" in done.stderr:
        unavailable("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    packages = [line for line in done.stderr.splitlines() if line.startswith(" + ")]
    windows_only = {"colorama"} & locked(lock).keys()
    assert len(packages) == len(locked(lock)) - len(windows_only)


def test_the_bake_file_builds_what_the_dockerfile_has():
    """Both images, for both architectures, with every argument that a release gives; and times that do not differ."""
    service, bulk = BAKE["target"]["service"], BAKE["target"]["bulk"]
    assert set(BAKE["group"]["default"]["targets"]) == set(BAKE["target"])
    assert service["platforms"] == ["linux/amd64", "linux/arm64"]
    assert bulk["inherits"] == ["service"]
    assert re.search(rf"^FROM \w+ AS {bulk['target']}$", DOCKERFILE, re.MULTILINE)
    arguments = set(re.findall(r"^ARG (\w+)", DOCKERFILE, re.MULTILINE)) - {"BASE"}
    assert set(service["args"]) == arguments | {"SOURCE_DATE_EPOCH"}
    used = set(re.findall(r"\$\{(\w+)\}", json.dumps(BAKE["target"])))
    assert used == set(BAKE["variable"])


def test_the_bill_of_materials_lists_what_is_locked():
    """As `make sbom` writes it, which CI does."""
    output("make", "-C", str(ROOT), "sbom", "DEVELOPMENT=", seconds=60)
    bill = json.loads((ROOT / "build" / "lenet5.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert {part["name"]: part["version"] for part in bill["components"]} == locked("requirements.lock")
    assert bill["metadata"]["component"]["name"] == "lenet5-service"


@pytest.mark.parametrize(
    ("told", "code", "said"),
    [
        ({"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]}, 1, "x.lock: a 1: CVE-1, CVE-2\n"),
        ({"name": "a", "version": "1", "vulns": []}, 0, "1 of 1 packages audited, 0 vulnerable"),
        ({"name": "a", "skip_reason": "not found"}, 0, "not audited, the index does not tell"),
        (None, 0, "not audited, no route to host"),
    ],
    ids=["vulnerable", "well", "unknown to the index", "no index"],
)
def test_the_audit_fails_for_what_is_known_to_be_vulnerable(capsys, told, code, said):
    """And for nothing else: where the index cannot be asked, it says so. Of what pip-audit tells."""
    report = runpy.run_path(str(ROOT / ".ci" / "audit.py"))["report"]
    answer = json.dumps({"dependencies": [told]}) if told else ""
    assert report("x.lock", answer, "Trace\nno route to host") == code
    assert said in capsys.readouterr().out


@pytest.mark.container
@pytest.mark.timeout(600)
def test_two_builds_give_the_same_layers(engine, tmp_path: Path):
    """To the byte, bytecode included; podman's image ids differ by a comment that names the stage before."""
    if engine != "podman":
        unavailable("docker needs buildx for it; podman has --timestamp")
    layers = []
    for _ in range(2):
        tag = f"localhost/lenet5-test-{uuid4().hex[:12]}"
        build = ("podman", "build", "--no-cache", "--layers=false", "--timestamp=1764115200", f"--tag={tag}", str(ROOT))
        try:
            output(*build, seconds=280)
            layers.append(json.loads(output("podman", "image", "inspect", tag))[0]["RootFS"]["Layers"])
        finally:
            subprocess.run(["podman", "image", "rm", "--force", tag], capture_output=True)
    assert layers[0] == layers[1]
