"""The file computes what the network computes, and carries nothing of the machine it was made on."""

import base64
import getpass
import json
import socket
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from model.contract import EVIDENCE, INPUT_NAME, KERNELS, LAYERS, LOGITS, PROBABILITIES, to_tensor
from tests.conftest import ROOT
from tests.synthetic import draw_digits
from training.export import (
    ExportError,
    export_calibrated,
    export_layers,
    run_file,
    verify_export,
    verify_layers,
    write_metadata,
)
from training.lenet import LeNet5
from training.neighbours import take_neighbours_together
from training.rejection import JudgedLeNet5

TEMPERATURE = 1.5


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return LeNet5()


@pytest.fixture(scope="module")
def exported(net, tmp_path_factory):
    """Both files of a network that knows nothing yet: what it computes matters here, not what it reads."""
    folder = tmp_path_factory.mktemp("exported")
    export_calibrated(net, TEMPERATURE, folder / "model.onnx")
    export_layers(net, folder / "layers.onnx")
    return folder


@pytest.fixture
def model(exported, tmp_path):
    """A copy that may be changed."""
    path = tmp_path / "model.onnx"
    path.write_bytes((exported / "model.onnx").read_bytes())
    return path


FRAMES = draw_digits(20, seed=5)[0]


def shape_of(value):
    return [dimension.dim_param or dimension.dim_value for dimension in value.type.tensor_type.shape.dim]


def test_the_contract_is_kept(exported):
    """Names, shapes, types and order of input and outputs; a dynamic batch; a recent opset."""
    model = onnx.load(exported / "model.onnx")
    assert [(value.name, shape_of(value)) for value in model.graph.input] == [(INPUT_NAME, ["batch", 1, 28, 28])]
    assert [(value.name, shape_of(value)) for value in model.graph.output] == [
        (PROBABILITIES, ["batch", 10]),
        (LOGITS, ["batch", 10]),
        (EVIDENCE, ["batch"]),
    ]
    values = (*model.graph.input, *model.graph.output)
    assert {value.type.tensor_type.elem_type for value in values} == {onnx.TensorProto.FLOAT}
    assert [entry.version >= 17 for entry in model.opset_import] == [True]
    assert sum(np.prod(weights.dims) for weights in model.graph.initializer if len(weights.dims) > 1) == 44_426 - 236


def test_evidence_counts_the_confidence(tmp_path):
    """What the judge says of F6, and the logarithm of the calibrated confidence as often as the network says."""
    torch.manual_seed(0)
    judged = JudgedLeNet5().eval()
    judged.confidence_weight = 3.0
    export_calibrated(judged, TEMPERATURE, tmp_path / "model.onnx")
    answers = run_file(tmp_path / "model.onnx", FRAMES)
    with torch.no_grad():
        said = judged.answer(torch.from_numpy(to_tensor(FRAMES)))[1].numpy()
    assert np.allclose(answers.evidence, said + 3 * np.log(answers.probabilities.max(axis=1)), atol=1e-5)
    assert not np.allclose(answers.evidence, said, atol=0.1)


def test_the_layers_have_their_names_and_shapes(exported):
    """As API.md and the contract list them."""
    outputs = onnx.load(exported / "layers.onnx").graph.output
    assert tuple(value.name for value in outputs) == LAYERS
    assert [shape_of(value) for value in outputs] == [
        ["batch", 6, 24, 24],
        ["batch", 6, 12, 12],
        ["batch", 16, 8, 8],
        ["batch", 16, 4, 4],
        ["batch", 120],
        ["batch", 84],
    ]


def test_torch_and_the_file_agree(net, exported):
    """To 1e-5, in both files."""
    assert verify_export(net, TEMPERATURE, exported / "model.onnx", FRAMES) <= 1e-5
    assert verify_layers(net, exported / "layers.onnx", FRAMES) <= 1e-5


def test_a_file_of_another_network_is_noticed(exported):
    """Verification can fail."""
    torch.manual_seed(1)
    with pytest.raises(ExportError, match=r"model.onnx and torch differ by"):
        verify_export(LeNet5(), TEMPERATURE, exported / "model.onnx", FRAMES)


def test_another_temperature_is_noticed(net, exported):
    """It is part of the file."""
    with pytest.raises(ExportError):
        verify_export(net, 1.0, exported / "model.onnx", FRAMES)


def test_probabilities_are_the_softmax_of_the_calibrated_logits(net, exported):
    """The logits that come out are already divided by the temperature."""
    answers = run_file(exported / "model.onnx", FRAMES)
    with torch.no_grad():
        logits = net(torch.from_numpy(to_tensor(FRAMES))) / TEMPERATURE
    assert np.allclose(answers.logits, logits, atol=1e-5)
    assert np.allclose(answers.probabilities, torch.from_numpy(answers.logits).softmax(1), atol=1e-6)
    assert np.allclose(answers.probabilities.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 7, 1001])
def test_the_size_of_the_batch_is_no_difference(exported, count):
    """Every image gets the same answer, alone and in company."""
    frames = np.resize(FRAMES, (count, 28, 28))
    alone = run_file(exported / "model.onnx", FRAMES).probabilities
    assert np.allclose(
        run_file(exported / "model.onnx", frames).probabilities, np.resize(alone, (count, 10)), atol=1e-6
    )


@pytest.mark.parametrize("name", ["model.onnx", "layers.onnx"])
def test_nothing_local_is_in_the_file(exported, name):
    """No path, no source line, no user, no host; one file, no data beside it."""
    content = (exported / name).read_bytes()
    for trace in (str(ROOT / "training"), "training/", "site-packages", 'File "', '.py"'):
        assert trace.encode() not in content, trace
    for owner in (f"{Path.home()}/", f"/{getpass.getuser()}/", socket.gethostname()):
        by_chance = len(owner) < 5 or owner.isalpha()  # among the weights, or as a word of the graph
        assert by_chance or owner.encode() not in content
    assert sorted(path.name for path in exported.iterdir()) == ["layers.onnx", "model.onnx"]


def test_metadata_changes_nothing_else(model):
    """Properties are added; graph, weights and answers stay as they were, bit by bit."""
    before, answers = onnx.load(model), run_file(model, FRAMES)
    write_metadata(model, {"version": "9.9.9", "labels": "[0, 1]"})
    after = onnx.load(model)
    assert {entry.key: entry.value for entry in after.metadata_props} == {"version": "9.9.9", "labels": "[0, 1]"}
    assert after.graph == before.graph
    assert np.array_equal(run_file(model, FRAMES).probabilities, answers.probabilities)
    assert onnxruntime.InferenceSession(model).get_modelmeta().custom_metadata_map["version"] == "9.9.9"


def test_the_layers_file_tells_its_kernels(net, exported):
    """As the service hands them out: bit by bit the weights, in the model's own order."""
    told = onnxruntime.InferenceSession(exported / "layers.onnx").get_modelmeta().custom_metadata_map[KERNELS]
    kernels = json.loads(told)
    for name, weights in (("C1", net.c1.weight), ("C3", net.c3.weight)):
        numbers = np.frombuffer(base64.b64decode(kernels[name]["data"]), "<f4").reshape(kernels[name]["shape"])
        assert np.array_equal(numbers, weights.detach().numpy())


def test_neighbours_together_give_what_c1_and_s2_give(exported, plain):
    """The same to the last digits or nearly, by the same numbers but for some shapes, in two convolutions."""
    rewritten = exported / "model.onnx"
    assert np.abs(run_file(plain, FRAMES).logits - run_file(rewritten, FRAMES).logits).max() < 1e-5
    operators = [node.op_type for node in onnx.load(rewritten).graph.node]
    assert operators.count("Conv") == 2
    assert operators.count("AveragePool") == 1
    assert numbers(rewritten) - numbers(plain) < 50


@pytest.mark.parametrize("changed", ["Relu", "MaxPool"])
def test_other_layers_are_left_as_they_are(plain, changed):
    """Nothing is rewritten that is not convolution, tanh and average pooling."""
    model = onnx.load(plain)
    model.graph.node[["Relu", "MaxPool"].index(changed) + 1].op_type = changed
    before = model.SerializeToString(deterministic=True)
    take_neighbours_together(model)
    assert model.SerializeToString(deterministic=True) == before


@pytest.fixture
def plain(net, tmp_path, monkeypatch):
    """The file as the exporter writes it."""
    monkeypatch.setattr("training.export.take_neighbours_together", lambda model: None)
    export_calibrated(net, TEMPERATURE, tmp_path / "plain.onnx")
    return tmp_path / "plain.onnx"


def numbers(path):
    """Of all weights, biases and constants."""
    return sum(int(np.prod(tensor.dims)) for tensor in onnx.load(path).graph.initializer)
