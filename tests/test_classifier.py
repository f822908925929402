"""The network in memory: what is refused at start, and what is answered."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from model.contract import ARTIFACTS, LAYERS, MODEL_FILE, RECORD_FILE
from model.record import Record
from service.classifier import CHUNK, Classifier, ModelError
from tests.conftest import ROOT, tiny_onnx, tiny_record


def replace(path: Path, content: bytes) -> None:
    """Put another model file in place, with a record that vouches for it."""
    path.write_bytes(content)
    tiny_record(content).write(path.with_name(RECORD_FILE))


def edited(edit) -> bytes:
    """The tiny model, changed."""
    model = onnx.load_from_string(tiny_onnx())
    edit(model.graph)
    return model.SerializeToString()


def test_a_batch_is_classified_in_order(tiny_model):
    """Row N of the answer belongs to image N, also where the batch takes several runs."""
    frames = np.zeros((2 * CHUNK + 5, 28, 28), np.uint8)
    expected = np.arange(len(frames)) % 10
    for frame, digit in zip(frames, expected, strict=True):
        frame[2 * digit : 2 * digit + 2] = 255

    scores = Classifier.load(tiny_model).classify(frames)

    assert np.array_equal(expected, scores.probabilities.argmax(axis=1))
    assert np.allclose(1, scores.probabilities.sum(axis=1))
    assert scores.logits.shape == (len(frames), 10)


def test_energy_is_the_log_sum_exp_of_the_logits(tiny_model):
    """An image without ink has ten logits of 0."""
    scores = Classifier.load(tiny_model).classify(np.zeros((1, 28, 28), np.uint8))

    assert scores.evidence == pytest.approx([np.log(10)])


def test_a_model_without_a_record_is_refused(tiny_model):
    """Nothing vouches for its bytes."""
    tiny_model.with_name(RECORD_FILE).unlink()

    with pytest.raises(ModelError, match="no readable record"):
        Classifier.load(tiny_model)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": "lenet5"}'])
def test_a_broken_record_is_refused(tiny_model, text):
    """In one line, whatever is wrong with it."""
    tiny_model.with_name(RECORD_FILE).write_text(text)

    with pytest.raises(ModelError, match=r"^[^\n]*record\.json[^\n]*$"):
        Classifier.load(tiny_model)


def test_a_record_whose_golden_sample_is_no_image_is_refused(tiny_model):
    """Before anything is classified."""
    path = tiny_model.with_name(RECORD_FILE)
    path.write_text(re.sub('"image": "[^"]*"', '"image": "AAAA"', path.read_text()))

    with pytest.raises(ModelError, match="not a record"):
        Classifier.load(tiny_model)


def test_a_missing_model_is_refused(tiny_model):
    """With its path, which is most often what is wrong."""
    tiny_model.unlink()

    with pytest.raises(ModelError, match="no readable model"):
        Classifier.load(tiny_model)


def test_any_flipped_bit_is_refused(tiny_model):
    """onnxruntime loads most damaged files in silence, so the hash must catch them."""
    content = tiny_model.read_bytes()
    for at in range(0, len(content), len(content) // 50):
        tiny_model.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(ModelError, match="sha256"):
            Classifier.load(tiny_model)


def test_another_model_under_the_same_record_is_refused(tiny_model):
    """The golden sample catches what a regenerated hash would let through."""
    content = edited(lambda graph: graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(WRONG, "weights")))
    replace(tiny_model, content)

    with pytest.raises(ModelError, match="golden sample"):
        Classifier.load(tiny_model)


WRONG = np.zeros((784, 10), np.float32)
SECOND_INPUT = onnx.helper.make_tensor_value_info("mask", onnx.TensorProto.FLOAT, ["batch"])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda graph: graph.input.append(SECOND_INPUT), "one input"),
        (lambda graph: graph.output.pop(), "outputs"),
        (lambda graph: setattr(graph.node[1], "op_type", "NoSuchOperator"), "cannot be loaded"),
    ],
)
def test_a_model_that_breaks_the_contract_is_refused(tiny_model, edit, message):
    """At start, not at the first request."""
    replace(tiny_model, edited(edit))

    with pytest.raises(ModelError, match=message):
        Classifier.load(tiny_model)


def test_layers_come_from_the_same_weights():
    """The last layer of the layers file leads to the answer of the model file."""
    classifier = Classifier.load(ARTIFACTS / MODEL_FILE)

    layers = classifier.layers(classifier.record.golden.frame())

    assert {name: layer.shape for name, layer in layers.items()} == {
        "C1": (6, 24, 24),
        "S2": (6, 12, 12),
        "C3": (16, 8, 8),
        "S4": (16, 4, 4),
        "C5": (120,),
        "F6": (84,),
    }
    assert tuple(layers) == LAYERS
    pooled = layers["C1"].reshape(6, 12, 2, 12, 2).mean(axis=(2, 4))
    assert np.allclose(pooled, layers["S2"], atol=1e-5)


def test_a_model_without_layers_says_so(tiny_model):
    """Only when they are asked for."""
    with pytest.raises(ModelError, match=r"lenet5-layers\.onnx"):
        Classifier.load(tiny_model).layers(np.zeros((28, 28), np.uint8))


def test_a_damaged_model_ends_the_start_with_one_line(tiny_model):
    """One clear line on standard error and an exit code that is not 0, no traceback."""
    tiny_model.write_bytes(tiny_model.read_bytes()[:-1])
    environment = os.environ | {"LENET_MODEL_PATH": str(tiny_model)}

    done = subprocess.run(
        [sys.executable, "-m", "service", "--port", "0"], cwd=ROOT, env=environment, capture_output=True, text=True
    )

    assert done.returncode not in (0, -signal.SIGTERM)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "sha256" in done.stderr


def test_the_record_in_the_repository_vouches_for_the_files():
    """And knows its golden sample."""
    record = Record.read(ARTIFACTS / RECORD_FILE)

    assert record.golden.frame().shape == (28, 28)
    assert record.labels == list("0123456789")


def test_the_network_runs_in_the_thread_that_asks(tiny_model):
    """A second one costs more than it gives. Fails where onnxruntime has its way: one for each core."""
    options = Classifier.load(tiny_model)._session.get_session_options()

    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


def test_another_onnxruntime_computes_the_same(tiny_model, monkeypatch):
    """One with nothing beneath its public door. Fails where this one is not run by what it has there."""
    loaded = Classifier.load(tiny_model)
    session = loaded._session
    frames = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    public = SimpleNamespace(run=session.run, get_outputs=session.get_outputs)
    expected = Classifier(public, loaded.record, None).classify(frames)
    monkeypatch.setattr(type(session), "run", lambda *_: 1 / 0)
    assert np.array_equal(Classifier(session, loaded.record, None).classify(frames).logits, expected.logits)
