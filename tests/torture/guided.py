"""Row `atheris`: inputs that the coverage of Pillow, the parser of forms and the service leads to."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory

from tests.conftest import ROOT
from tests.torture.bytewise import MOST_BYTES, seeds

FINDINGS = ROOT / "build" / "atheris"
READ = "tests.torture.generated:read"
HANG_SECONDS = 30
"""By the clock, for what spends no CPU; a busy machine is no hang."""
MOST_MEMORY_MB = 1_000
"""Of the whole process, with the corpus that grows in it, beyond what the process that starts it ever had."""

ABSENT = "" if find_spec("atheris") else "atheris is not installed; it has wheels for CPython on Linux, x86-64, only"


def guided(count: int, seed: int, target: str = READ, findings: Path = FINDINGS) -> str:
    """Have a function read so many inputs. A finding is an AssertionError that names the file with its input."""
    if ABSENT:
        raise SystemExit(ABSENT)
    findings.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds()):
            Path(corpus, f"{number:03}").write_bytes(data)
        options = {
            "atheris_runs": count,  # as -runs, but Python ends as it should, and can say what it saw
            "seed": seed,
            "max_len": MOST_BYTES,
            "timeout": HANG_SECONDS,
            "rss_limit_mb": getrusage(RUSAGE_SELF).ru_maxrss // 1024 + MOST_MEMORY_MB,  # a child inherits our highest
            "artifact_prefix": f"{findings}/",
        }
        command = [sys.executable, "-m", "tests.torture.target", target]
        fuzzed = subprocess.run(
            [*command, *(f"-{name}={value}" for name, value in options.items()), corpus],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    assert fuzzed.returncode == 0, f"{target}, seed {seed}, exit {fuzzed.returncode}: {_finding(fuzzed.stdout)}"
    return f"{count:,} inputs from seed {seed}: {_statistics(fuzzed.stdout)}"


def _finding(said: str) -> str:
    """What was found, and where its input is."""
    saved = re.search(r"Test unit written to (\S+)", said)
    return f"{saved[1] if saved else 'no input was saved'}\n{said[-3_000:]}"


def _statistics(said: str) -> str:
    """Its last ones."""
    began, ended = (re.findall(r"^#\d+\s+.*cov: (\d+) .*corp: (\d+)", said, re.MULTILINE)[at] for at in (0, -1))
    outcomes = re.findall(r"(\S+)=(\d+)", re.search(r"^outcomes:(.*)$", said, re.MULTILINE)[1])
    counts = ", ".join(f"{int(found):,} × {name}" for name, found in outcomes)
    edges = f"{int(began[0]):,} edges covered by the seeds, {int(ended[0]):,} by the {int(ended[1]):,} inputs kept"
    return f"{counts}; {edges}"
