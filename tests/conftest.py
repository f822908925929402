"""What tests share: a tiny model that honours the contract, real digits, a real server process."""

import base64
import hashlib
import os
import resource
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx2 as httpx
import hypothesis
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from starlette.testclient import TestClient

from model.contract import INPUT_NAME, LOGITS, MODEL_FILE, PROBABILITIES, RECORD_FILE, SIZE
from model.record import Acceptance, Golden, Record
from service.app import create_app
from service.logs import Event
from service.reload import Serving
from service.settings import Settings

ROOT = Path(__file__).parent.parent

for _name in [name for name in os.environ if name.startswith("LENET_")]:  # which a person has set for their own service
    del os.environ[_name]

hypothesis.settings.register_profile("steady", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("steady")  # as where CI is set: the same examples each time, however slow the machine

pytest_plugins = ["tests.containers"]


@dataclass
class Server:
    """A real server process of our own."""

    process: subprocess.Popen
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(20)


_given: set[int] = set()


def free_port() -> int:
    """A port that was free a moment ago, given once, and to no outgoing connection: those begin at 32768 on Linux."""
    while True:
        port = 12_000 + secrets.randbelow(20_000)
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def heed_hangups() -> None:
    """In a child: as in a terminal. Where the tests run under nohup SIGHUP is ignored, and that is inherited."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextmanager
def running_server(
    module: str = "service", stderr: int | None = None, limits: dict[int, int] | None = None, **settings: object
) -> Iterator[Server]:
    """`python -m service` (or another module) on a free port, ready; settings become LENET_ variables.

    `limits` are of resources, as `resource.RLIMIT_FSIZE`, which the process cannot raise.
    """
    port = free_port()
    environment = os.environ | {f"LENET_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", module, "--host", "127.0.0.1", "--port", str(port)]

    def limit() -> None:
        heed_hangups()
        for kind, most in (limits or {}).items():
            resource.setrlimit(kind, (most, most))

    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=stderr, preexec_fn=limit)
    server = Server(process, port)
    try:
        wait_until_ready(server.url, lambda: process.poll() is None)
        yield server
    finally:
        process.kill()
        process.wait()


def wait_until_ready(url: str, alive: Callable[[], bool] = lambda: True) -> None:
    """Ask until /readyz says so, for 20 seconds and while it lives."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert alive(), "the server ended while starting"
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server did not become ready")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server with the model that is in the repository and the default settings."""
    with running_server() as running:
        yield running


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[httpx.Client]:
    """A client of that server."""
    with httpx.Client(base_url=server.url) as client:
        yield client


def unwritten(event: Event) -> None:
    """Takes the place of the log's writer."""


@pytest.fixture
def unstarted(tiny_model: Path) -> TestClient:
    """A client of an app in this process that has been built and not yet started."""
    settings = Settings(model_path=tiny_model)
    return TestClient(create_app(settings, Serving.load(tiny_model), unwritten))


def tiny_onnx(shift: int = 0) -> bytes:
    """One dense layer that honours the contract: logit k + shift is the mean of the rows 2k and 2k + 1."""
    weights = np.zeros((SIZE * SIZE, 10), np.float32)
    for digit in range(10):
        weights[2 * digit * SIZE : (2 * digit + 2) * SIZE, (digit + shift) % 10] = 10 / (2 * SIZE)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", [INPUT_NAME], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], [LOGITS]),
            helper.make_node("Softmax", [LOGITS], [PROBABILITIES]),
        ],
        "tiny",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, ["batch", 1, SIZE, SIZE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 10]) for name in (PROBABILITIES, LOGITS)],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def tiny_record(content: bytes, version: str = "0.0.1", digit: int = 7) -> Record:
    """The record of the tiny model. Its golden sample has ink in the rows 14 and 15, which it calls a 7 (+ shift)."""
    frame = np.zeros((SIZE, SIZE), np.uint8)
    frame[14:16] = 255
    logits = np.where(np.arange(10) == digit, 10.0, 0.0)
    probabilities = np.exp(logits) / np.exp(logits).sum()
    return Record(
        name="tiny",
        version=version,
        sha256=hashlib.sha256(content).hexdigest(),
        layers_sha256="0" * 64,
        labels=list("0123456789"),
        input={},
        outputs={},
        data={},
        training={},
        evaluation={},
        calibration={},
        acceptance=Acceptance(min_confidence=0.5, min_evidence=0.0),
        limits=["It is a stand-in."],
        golden=Golden(base64.b64encode(frame.tobytes()).decode(), digit, probabilities.tolist()),
    )


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    """The path of a tiny model file with its record beside it."""
    content = tiny_onnx()
    path = tmp_path / MODEL_FILE
    path.write_bytes(content)
    tiny_record(content).write(path.with_name(RECORD_FILE))
    return path


def png(pixels: np.ndarray, **options: object) -> bytes:
    """uint8 pixels -> the bytes of a PNG."""
    return encoded(Image.fromarray(pixels), "PNG", **options)


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    """A picture -> the bytes of a file."""
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def golden() -> Golden:
    """The golden sample of the model that is in the repository: a real digit and its answer."""
    return Record.read(ROOT / "model" / "artifacts" / RECORD_FILE).golden


@pytest.fixture(scope="session")
def digit_png(golden: Golden) -> bytes:
    """A real digit as MNIST frames it, as a PNG."""
    return png(golden.frame())
