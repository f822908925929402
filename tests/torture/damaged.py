"""Row `damaged`: a model file that is not what its record says, in many ways; none is served."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from model.contract import ARTIFACTS, MODEL_FILE, RECORD_FILE
from service.classifier import Classifier, ModelError
from tests.conftest import ROOT


def damage(draw: random.Random, content: bytes) -> tuple[str, bytes]:
    """What was done to the bytes, and what is left of them."""
    at = draw.randrange(len(content))
    match draw.choice(("bit", "cut", "zeros", "hole", "doubled", "longer", "swapped")):
        case "bit":
            return f"bit flipped at {at}", content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[
                at + 1 :
            ]
        case "cut":
            return f"cut at {at}", content[:at]
        case "zeros":
            return f"zeros at {at}", content[:at] + bytes(len(content[at : at + 4096])) + content[at + 4096 :]
        case "hole":
            return f"bytes missing at {at}", content[:at] + content[at + draw.randint(1, 4096) :]
        case "doubled":
            return f"bytes doubled at {at}", content[: at + 64] + content[at:]
        case "longer":
            return "something appended", content + draw.randbytes(draw.randint(1, 100))
        case _:
            return f"halves swapped at {at}", content[at:] + content[:at]


def damaged(count: int, started: int) -> str:
    """Refuse so many damaged models; some of them by the whole service, which says why in a line and exits with 1."""
    content = (ARTIFACTS / MODEL_FILE).read_bytes()
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL_FILE
        shutil.copy(ARTIFACTS / RECORD_FILE, folder)
        for number in range(count):
            how, changed = damage(random.Random(number), content)
            if changed == content:  # zeros where there were zeros
                continue
            path.write_bytes(changed)
            with pytest.raises(ModelError) as raised:
                Classifier.load(path)
            assert "\n" not in str(raised.value), how
            refused += 1
            if refused <= started:
                check_start(path)
    return f"{refused:,} damaged models refused, {min(started, refused)} of them by a service that was started"


def check_start(path: Path) -> None:
    """The service does not start with it."""
    environment = os.environ | {"LENET_MODEL_PATH": str(path)}
    command = [sys.executable, "-m", "service", "--port", "0"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
