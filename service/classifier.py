"""The network in memory: loaded from verified bytes, proved on its golden sample, and run. Knows onnxruntime."""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from model.contract import (
    EVIDENCE,
    INPUT_NAME,
    KERNELS,
    LABELS,
    LAYERS,
    LAYERS_FILE,
    LOGITS,
    PROBABILITIES,
    RECORD_FILE,
    SIZE,
    Frames,
    Tensor,
    to_tensor,
)
from model.record import Acceptance, Golden, Record, RecordError
from model.scores import Floats, energy

CHUNK = 16
"""Images of one run. Larger runs are no faster an image, and their buffers are large ones to service/heap.py."""

GOLDEN_TOLERANCE = 1e-3
"""How far the golden sample's probabilities may be off: room for another CPU's arithmetic, not for another model."""

NO_THRESHOLDS = Acceptance(0.0, -math.inf)
"""Of a model without a record: only what framing refuses is refused."""


class ModelError(Exception):
    """The model cannot be served; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What the network says of N images."""

    probabilities: Tensor
    """(N, 10), calibrated; each row sums to 1."""
    logits: Tensor
    """(N, 10), whose softmax is `probabilities`."""
    evidence: Floats
    """(N,): how much speaks for a digit at all, low where nothing in the image looks like one."""


class Classifier:
    """A model file and its record, ready to classify. Threads may share it."""

    def __init__(self, session: ort.InferenceSession, record: Record, layers: ort.InferenceSession | None) -> None:
        self.record = record
        self._session = session
        # The public `run` first makes three checks of inputs and devices that cannot fail here; of an image that comes
        # alone they take a tenth. The session beneath is no interface: an onnxruntime without it runs the public way.
        self._compute = getattr(session, "_sess", session).run
        given = {node.name for node in session.get_outputs()}
        self._outputs = [PROBABILITIES, LOGITS, *({EVIDENCE} & given)]
        self._layers = layers

    @classmethod
    def load(cls, path: Path) -> "Classifier":
        """Verify, load and prove a model file with `record.json` beside it. Raises ModelError."""
        if not path.name:
            raise ModelError(f"{path} is no model file")
        try:
            record = Record.read(path.with_name(RECORD_FILE))
        except RecordError as error:
            raise ModelError(str(error)) from None
        session = _load_session(path, record.sha256)
        _check_contract(session, path)
        layers_path = path.with_name(LAYERS_FILE)  # read now: later another model may lie there
        layers = _load_session(layers_path, record.layers_sha256) if layers_path.exists() else None
        classifier = cls(session, record, layers)
        classifier.prove()
        return classifier

    @classmethod
    def unrecorded(cls, path: Path) -> "Classifier":
        """Load a model file that has no record, to score it, never to serve it. Raises ModelError."""
        content = _read(path)
        session = _start_session(content, path)
        _check_contract(session, path)
        classifier = cls(session, _empty_record(path, content), None)
        classifier._try_out(path)
        return classifier

    @property
    def recorded(self) -> bool:
        """Whether a record vouches for the model and gives its thresholds of acceptance."""
        return self.record.acceptance is not NO_THRESHOLDS

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the file gives of an image, by the names of its outputs."""
        return tuple(self._outputs)

    def classify(self, frames: Frames) -> Scores:
        """uint8 (N, 28, 28), light ink on dark ground -> Scores of N rows. N may be 0."""
        return self.infer(to_tensor(frames))

    def infer(self, tensor: Tensor) -> Scores:
        """float32 (N, 1, 28, 28) in [0, 1], light ink on dark ground -> Scores of N rows. N may be 0."""
        if len(tensor) <= CHUNK:
            return self._run(tensor)
        chunks = [self._run(tensor[start : start + CHUNK]) for start in range(0, len(tensor), CHUNK)]
        return Scores(
            np.concatenate([chunk.probabilities for chunk in chunks]),
            np.concatenate([chunk.logits for chunk in chunks]),
            np.concatenate([chunk.evidence for chunk in chunks]),
        )

    def layers(self, frame: Frames) -> dict[str, Tensor]:
        """uint8 (28, 28) -> the activations of each layer, without the batch axis. Raises ModelError."""
        if self._layers is None:
            raise ModelError(f"the model came without {LAYERS_FILE}")
        activations = self._layers.run(list(LAYERS), {INPUT_NAME: to_tensor(frame[np.newaxis])})
        return {name: activation[0] for name, activation in zip(LAYERS, activations, strict=True)}

    def kernels(self) -> dict[str, Any]:
        """The kernels of C1 and C3, by layer: their `shape` and `data`. Raises ModelError."""
        told = self._layers.get_modelmeta().custom_metadata_map if self._layers else {}
        if KERNELS not in told:
            raise ModelError("the model came without its kernels")
        kernels: dict[str, Any] = json.loads(told[KERNELS])
        return kernels

    def prove(self) -> None:
        """Classify the golden sample, which also warms the session up. Raises ModelError."""
        golden = self.record.golden
        try:
            [probabilities] = self.classify(golden.frame()[np.newaxis]).probabilities
        except Exception as error:  # onnxruntime's exceptions share no base class of their own
            raise ModelError(f"the model cannot be run: {str(error).splitlines()[0]}") from None
        if not np.allclose(probabilities, golden.probabilities, rtol=0, atol=GOLDEN_TOLERANCE):
            raise ModelError(f"the model does not give the golden sample, a {golden.digit}, its known probabilities")

    def _try_out(self, path: Path) -> None:
        """Run two blank images: no golden sample is known. Raises ModelError."""
        try:
            probabilities = self.classify(np.zeros((2, SIZE, SIZE), np.uint8)).probabilities
        except Exception as error:  # onnxruntime's exceptions share no base class of their own
            raise ModelError(f"{path} cannot be run on two images: {str(error).splitlines()[0]}") from None
        if not np.allclose(probabilities.sum(axis=1), 1, atol=GOLDEN_TOLERANCE):
            raise ModelError(f"{path} gives {PROBABILITIES} that do not sum to 1")

    def _run(self, tensor: Tensor) -> Scores:
        answers = self._compute(self._outputs, {INPUT_NAME: tensor}, None)
        probabilities, logits, *evidence = answers
        return Scores(probabilities, logits, evidence[0] if evidence else energy(logits))


def _load_session(path: Path, sha256: str) -> ort.InferenceSession:
    """Load exactly the bytes that were verified: the file may change under us. Raises ModelError."""
    content = _read(path)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ModelError(f"{path} is not the file that its record knows: sha256 is {found}, expected {sha256}")
    return _start_session(content, path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"no readable model at {path} ({error.strerror})") from None


def _start_session(content: bytes, path: Path) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(content, _session_options(), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base class of their own
        raise ModelError(f"{path} cannot be loaded: {str(error).splitlines()[0]}") from None


def _session_options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    # One image takes 20 µs: a second thread costs more than it gives, and would spin while idle.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # it would keep the largest batch's memory for ever
    options.log_severity_level = 3
    return options


def _check_contract(session: ort.InferenceSession, path: Path) -> None:
    """Raises ModelError where the file does not speak the contract of model/contract.py."""
    inputs = [(node.name, node.type, node.shape[1:]) for node in session.get_inputs()]
    if inputs != [(INPUT_NAME, "tensor(float)", [1, SIZE, SIZE])]:
        raise ModelError(f"{path} must have one input, {INPUT_NAME}: float32 [batch, 1, {SIZE}, {SIZE}]")
    outputs = {node.name: node.shape[1:] for node in session.get_outputs()}
    if any(outputs.get(name) != [10] for name in (PROBABILITIES, LOGITS)):
        raise ModelError(f"{path} must have the outputs {PROBABILITIES} and {LOGITS}: float32 [batch, 10]")


def _empty_record(path: Path, content: bytes) -> Record:
    """All that is known about a model file without a record: its name and its digest."""
    return Record(
        name=path.name,
        version="without a record",
        sha256=hashlib.sha256(content).hexdigest(),
        layers_sha256="",
        labels=list(LABELS),
        input={},
        outputs={},
        data={},
        training={},
        evaluation={},
        calibration={},
        acceptance=NO_THRESHOLDS,
        limits=[],
        golden=Golden("", 0, []),
    )
