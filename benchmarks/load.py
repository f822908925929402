"""Load by wrk, which costs so little that it is never what is measured."""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.asks import Ask

TIMEOUT_SECONDS = 30
"""From which on a request has failed."""
SCRIPT = Path(__file__).with_name("post.lua")


@dataclass(frozen=True, slots=True)
class Load:
    """What came of asking for some seconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def check_tools() -> None:
    """Raises SystemExit, with what to install."""
    missing = [name for name in ("wrk", "taskset") if not shutil.which(name)]
    if missing:
        raise SystemExit(f"bench: {' and '.join(missing)} missing; on Debian: apt-get install wrk util-linux")


def load(port: int, ask: Ask, connections: int, seconds: int, core: int) -> Load:
    """Ask on so many connections, each as soon as it is answered. Raises RuntimeError where one request failed."""
    with tempfile.NamedTemporaryFile() as body:
        body.write(ask.body)
        body.flush()
        wrk = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s"]
        wrk += [f"--timeout={TIMEOUT_SECONDS}s", f"--script={SCRIPT}"]
        url = f"http://127.0.0.1:{port}{ask.path}"
        command = ["taskset", "--cpu-list", str(core), *wrk, url, "--", body.name, ask.content_type]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    if errors := told.pop("errors"):
        raise RuntimeError(f"{errors} of {told['requests']} requests to {ask.path} failed")
    return Load(**told)
