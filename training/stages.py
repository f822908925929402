"""Work that is done once: what a stage of training made is kept until the whole is finished."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import platformdirs
import torch


class Stages:
    """A folder of finished stages, found again by everything that their results depend on.

    Each stage draws its random numbers from a seed of its own, so that going on later gives what going through would.
    """

    def __init__(self, seed: int, depends_on: Mapping[str, Any], folder: Path | None = None) -> None:
        text = json.dumps({"seed": seed, **depends_on}, sort_keys=True)
        folder = folder or platformdirs.user_cache_path("lenet5") / "stages"
        self._folder = folder / hashlib.sha256(text.encode()).hexdigest()[:16]
        self._seed = seed

    def run(self, name: str, make: Callable[[int], Mapping[str, Any]]) -> Mapping[str, Any]:
        """What the stage made earlier, or else `make(seed)`: tensors and plain values by name."""
        path = self._folder / f"{name}.pt"
        if path.exists():
            made: Mapping[str, Any] = torch.load(path, weights_only=True)
            return made
        seed = int.from_bytes(hashlib.sha256(f"{self._seed} {name}".encode()).digest()[:4], "big")
        torch.manual_seed(seed)
        made = make(seed)
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        torch.save(dict(made), partial)
        partial.replace(path)
        return made

    def forget(self) -> None:
        """Remove everything: the artifacts are written, nothing is left to go on with."""
        shutil.rmtree(self._folder, ignore_errors=True)
