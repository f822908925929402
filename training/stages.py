"""Work that is done once: what a stage of training made is kept until the whole is finished."""

import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import platformdirs
import torch

from training.spent import NO_TIME, Spent, spent


class Stages:
    """Finished stages in a folder, each found again by its name, the seed, the version of what is made and whatever
    else its result depends on. What was begun for another version is not gone on with.

    Each draws its random numbers from a seed of its own, so that going on later gives what going through would.
    """

    def __init__(self, seed: int, version: str, folder: Path | None = None) -> None:
        self._seed, self._version = seed, version
        self._folder = folder or platformdirs.user_cache_path("lenet5") / "stages"
        self._kept: list[Path] = []
        self.spent_earlier = NO_TIME
        """On stages that were found finished."""

    def run(self, name: str, depends_on: Mapping[str, Any], make: Callable[[int], Mapping[str, Any]]) -> dict[str, Any]:
        """What the stage made earlier, or else `make(seed)`: tensors and plain values by name."""
        key = json.dumps([name, self._seed, self._version, depends_on], sort_keys=True)
        path = self._folder / f"{name}-{_digest(key).hex()[:16]}.pt"
        self._kept.append(path)
        if kept := _kept(path):
            self.spent_earlier += Spent(*kept["spent"])
            made: dict[str, Any] = kept["made"]
            return made
        seed = int.from_bytes(_digest(f"{self._seed} {name}")[:4], "big")
        torch.manual_seed(seed)
        before = spent()
        made = dict(make(seed))
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")  # another training may be making the same
        content = io.BytesIO()
        torch.save({"made": made, "spent": tuple(spent() - before)}, content)
        try:
            partial.write_bytes(content.getbuffer())  # torch itself does not say that a disk is full
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return made

    def forget(self) -> None:
        """Remove what was asked for: it is finished, nothing is left to go on with."""
        for path in self._kept:
            path.unlink(missing_ok=True)


def _kept(path: Path) -> dict[str, Any] | None:
    """What a file of a stage holds; None where there is none, or what a power cut left of one."""
    try:
        kept: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except OSError:
        raise
    except Exception:  # damage leads torch's unpickler to errors of any kind
        return None
    return kept


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
