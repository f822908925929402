"""Kubernetes manifests as `kubectl kustomize` renders them, found by kind."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.containers import unavailable

KUBERNETES = ROOT / "deploy" / "kubernetes"

Manifest = dict[str, Any]


def render(folder: Path) -> list[Manifest]:
    """The manifests of a kustomization. Skips where kubectl is too old for its fields, as Debian 12's own is."""
    if shutil.which("kubectl") is None:
        unavailable("kubectl is not installed")
    version = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True).stdout
    if "Kustomize Version: v5" not in version:
        pytest.skip("this kubectl is too old for our kustomizations")
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(manifests: list[Manifest], kind: str) -> Manifest:
    """The only manifest of a kind."""
    [found] = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def pod_template(manifest: Manifest) -> Manifest | None:
    """What a manifest makes pods of: metadata and spec; None where it makes none."""
    match manifest["kind"]:
        case "Deployment" | "Job":
            return manifest["spec"]["template"]
        case "ServingRuntime":
            return {"spec": {name: manifest["spec"][name] for name in ("containers", "volumes")}}
    return None


def variables(container: Manifest) -> dict[str, Manifest]:
    """Of a container: name -> where its value comes from."""
    return {variable["name"]: variable for variable in container["env"]}


def amount(quantity: str) -> float:
    """A quantity as Kubernetes writes it, as a number: bytes or CPUs."""
    units = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "m": 1e-3}
    for unit, factor in units.items():
        if quantity.endswith(unit):
            return float(quantity.removesuffix(unit)) * factor
    return float(quantity)
