"""From weights to ONNX files that carry nothing of the machine they were made on."""

import base64
import contextlib
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.contract import EVIDENCE, INPUT_NAME, KERNELS, LAYERS, LOGITS, PROBABILITIES, SIZE, Frames, to_tensor
from training.neighbours import take_neighbours_together
from training.network import Network

OPSET = 20
TOLERANCE = 1e-4
"""The most that torch and onnxruntime may differ. They add up float32 in different orders, which in a network with
large weights has come to 1.3e-5 of a layer's greatest value; a wrong file is off by far more."""

_BATCH = 500
_OUTPUTS = (PROBABILITIES, LOGITS, EVIDENCE)


class ExportError(Exception):
    """The file does not compute what the network computes; the message says by how much."""


class Calibrated(nn.Module):
    """What is served: the network, its logits divided by the temperature, their softmax, and the evidence."""

    def __init__(self, net: Network, temperature: float) -> None:
        super().__init__()
        self.net = net
        self.temperature = temperature

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Probabilities and calibrated logits, each (N, 10), and evidence, (N,)."""
        logits, evidence = self.net.answer(image)
        logits = logits / self.temperature
        probabilities = logits.softmax(dim=1)
        if evidence is None:
            return probabilities, logits, logits.logsumexp(dim=1)
        return probabilities, logits, evidence + self.net.confidence_weight * probabilities.amax(dim=1).log()


class Layers(nn.Module):
    """What can be looked at: every layer before the last, in the order of `model.contract.LAYERS`."""

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """See Network.activations."""
        return self.net.activations(image)


@dataclass(frozen=True)
class Answers:
    """What the file says about N images."""

    probabilities: NDArray[np.float32]
    """(N, 10)."""
    logits: NDArray[np.float32]
    """(N, 10), calibrated."""
    evidence: NDArray[np.float32]
    """(N,)."""


def export_calibrated(net: Network, temperature: float, path: Path) -> None:
    """Write `lenet5.onnx`."""
    _export(Calibrated(net, temperature), _OUTPUTS, path, take_neighbours_together)


def export_layers(net: Network, path: Path) -> None:
    """Write `lenet5-layers.onnx`."""
    _export(Layers(net), LAYERS, path)
    write_metadata(path, {KERNELS: describe_kernels(net)})


def run_file(path: Path, frames: Frames) -> Answers:
    """Ask a model file through onnxruntime, as the service does: one thread, on the CPU."""
    outputs = _run(path, _OUTPUTS, frames)
    return Answers(*outputs)


def verify_export(net: Network, temperature: float, path: Path, frames: Frames) -> float:
    """How far torch and the file are apart on these frames. Raises ExportError above TOLERANCE."""
    return _compare(Calibrated(net, temperature), path, _OUTPUTS, frames)


def verify_layers(net: Network, path: Path, frames: Frames) -> float:
    """The same for the layers file."""
    return _compare(Layers(net), path, LAYERS, frames)


def describe_kernels(net: Network) -> str:
    """What the layers file says of its kernels, as JSON: of each layer the shape, and float32 numbers in base64."""
    kernels = {name: weights.detach().cpu().numpy().astype("<f4") for name, weights in net.kernels().items()}
    return json.dumps(
        {
            name: {"shape": list(weights.shape), "data": base64.b64encode(weights.tobytes()).decode()}
            for name, weights in kernels.items()
        }
    )


def write_metadata(path: Path, metadata: Mapping[str, str]) -> None:
    """Write properties into a model file, beside those it has, and leave what it computes alone."""
    model = onnx.load(path)
    graph = model.graph.SerializeToString(deterministic=True)
    onnx.helper.set_model_props(model, {entry.key: entry.value for entry in model.metadata_props} | dict(metadata))
    onnx.save(model, path)
    assert onnx.load(path).graph.SerializeToString(deterministic=True) == graph


def _export(
    module: nn.Module, outputs: Sequence[str], path: Path, rewrite: Callable[[onnx.ModelProto], None] | None = None
) -> None:
    # Two images, because the exporter takes a dimension of one for a constant.
    example = torch.zeros(2, 1, SIZE, SIZE)
    with _quiet_exporter():
        torch.onnx.export(
            module.eval(),
            (example,),
            path,
            input_names=[INPUT_NAME],
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=False,
        )
    model = onnx.load(path)
    _strip(model)
    if rewrite:
        rewrite(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _strip(model: onnx.ModelProto) -> None:
    """Remove what the exporter noted down about its own work: stack traces with local paths, names of modules."""
    model.doc_string = ""
    del model.metadata_props[:]
    graph = model.graph
    graph.doc_string = ""
    del graph.metadata_props[:]
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]


def _run(path: Path, outputs: Sequence[str], frames: Frames) -> list[NDArray[np.float32]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    batches = [frames[start : start + _BATCH] for start in range(0, len(frames), _BATCH)]
    answers = [session.run(list(outputs), {INPUT_NAME: to_tensor(batch)}) for batch in batches]
    return [np.concatenate(parts) for parts in zip(*answers, strict=True)]


@torch.no_grad()
def _compare(module: nn.Module, path: Path, outputs: Sequence[str], frames: Frames) -> float:
    """The worst difference, relative to the largest value of its output, or to 1 where that is less."""
    batches = torch.split(torch.from_numpy(to_tensor(frames)), _BATCH)  # a thousand images take 90 MB
    answers = zip(*map(module, batches), strict=True)
    expected = [torch.cat(answer).numpy() for answer in answers]
    pairs = zip(expected, _run(path, outputs, frames), strict=True)
    worst = max(float(np.abs(a - b).max() / max(1, np.abs(a).max())) for a, b in pairs)
    if not worst <= TOLERANCE:
        raise ExportError(f"{path.name} and torch differ by {worst:.1e}, more than {TOLERANCE:.0e}")
    return worst


@contextlib.contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Keep from the user what torch's exporter says to its authors.

    It reports its steps on stdout, logs that packages it has no use for here are missing, and calls a function of
    torch's own that torch 2.13 deprecates.
    """
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
            yield
    finally:
        logger.setLevel(level)
