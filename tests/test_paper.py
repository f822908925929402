"""The recipe `paper`, from IDX bytes to answers over HTTP, on digits drawn by the test."""

from base64 import b64decode
from dataclasses import replace

import httpx2 as httpx
import numpy as np
import onnx
import pytest
from rich.progress import Progress

from model.contract import LAYERS, LAYERS_FILE, MODEL_FILE, RECORD_FILE
from model.record import Record
from service.classifier import Classifier
from tests.conftest import png, running_server
from tests.synthetic import draw_digits, write_mnist
from tests.test_lenet1998 import SHAPES
from training.artifacts import CARD_FILE, FILES
from training.dataset import fetch_mnist
from training.export import ExportError, run_file, verify_export, verify_layers
from training.pipeline import make_artifacts
from training.recipes import PAPER
from training.train import train

QUIET = Progress(disable=True)
SMALL = replace(PAPER, epochs=6, batch_size=20, hold_out=100, shift=0.5, scale=0.05, squeeze=0.05, shear=0.05)


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """500 + 100 drawn digits."""
    small = write_mnist(tmp_path_factory.mktemp("mnist"))
    return fetch_mnist(QUIET, small.folder, sha256=small.sha256)


@pytest.fixture(scope="module")
def made(mnist, tmp_path_factory):
    """The artifacts of one small training run."""
    out = tmp_path_factory.mktemp("made") / "artifacts"
    make_artifacts(SMALL, 0, mnist, out, QUIET)
    return out


@pytest.fixture(scope="module")
def record(made):
    return Record.read(made / RECORD_FILE)


def test_it_learns(made, record):
    """Digits never seen are read, and the loss of the paper falls."""
    assert {path.name for path in made.iterdir()} == set(FILES)
    assert record.evaluation["mnist_test"]["accuracy"] >= 0.9
    history = record.training["history"]
    assert history[-1]["train_loss"] < history[0]["train_loss"] / 2
    assert history[-1]["validation_loss"] < history[0]["validation_loss"] / 2


def test_the_record_names_what_was_chosen(record):
    """The network's own numbers among it."""
    assert (record.name, record.version) == ("lenet5", "1998.0.0")
    expected = {"recipe": "paper", "parameters": 60_000, "rubbish": 4.0, "spread": 10.0, "shift": 0.5}
    assert expected.items() <= record.training.items()


def test_the_card_describes_this_network(made):
    """And not the one with average pooling; what SGD would have to say is left out."""
    card = (made / CARD_FILE).read_text(encoding="utf-8")
    for words in ("60,000 parameters", "Table I", "equation 9; j = 4", "sheared by up to 0.05"):
        assert words in card
    assert "average pooling" not in card
    assert "momentum" not in card


def test_the_same_seed_makes_the_same_network(made, record, mnist):
    """Distortions and all; both files compute what it computes, border, levels and distances included."""
    parts = mnist.train.split(SMALL.hold_out)
    net = train(SMALL, 0, *parts, QUIET).net
    assert verify_export(net, record.calibration["temperature"], made / MODEL_FILE, mnist.test.images) <= 1e-5
    assert verify_layers(net, made / LAYERS_FILE, mnist.test.images) <= 1e-5
    other = train(replace(SMALL, epochs=1), 1, *parts, QUIET).net
    with pytest.raises(ExportError):
        verify_export(other, record.calibration["temperature"], made / MODEL_FILE, mnist.test.images)


def test_the_file_holds_the_networks_numbers(made):
    """60,000 learnt, 840 drawn, their ten square sums; zeros where C3, for speed a dense one, is not connected."""
    model = onnx.load(made / MODEL_FILE)
    assert {node.domain for node in model.graph.node} == {""}
    arrays = [onnx.numpy_helper.to_array(array) for array in model.graph.initializer]
    numbers = [array for array in arrays if array.dtype == np.float32 and array.size > 1]
    assert sum(map(np.count_nonzero, numbers)) == 60_000 + 840 + 10


def test_the_service_loads_it(made, mnist):
    """The golden sample included; it answers as the file does."""
    scores = Classifier.load(made / MODEL_FILE).classify(mnist.test.images)
    assert np.allclose(scores.probabilities, run_file(made / MODEL_FILE, mnist.test.images).probabilities, atol=1e-6)
    assert (scores.probabilities.argmax(axis=1) == mnist.test.labels).mean() >= 0.9


def test_it_is_served(made):
    """A picture gets its digit and the layers of the paper, whose activations fill what the service draws."""
    frames, labels = draw_digits(10, seed=9)
    with running_server(model_path=made / MODEL_FILE) as server:
        answers = [httpx.post(f"{server.url}/predict?include=layers", content=png(frame)).json() for frame in frames]
        model = httpx.get(f"{server.url}/v1/model").json()
    assert sum(answer["digit"] == label for answer, label in zip(answers, labels, strict=True)) >= 7
    assert model["version"] == "1998.0.0"
    layers = Classifier.load(made / MODEL_FILE).layers(frames[0])
    assert tuple(layers) == LAYERS
    for name, layer in answers[0]["layers"].items():
        assert tuple(layer["shape"]) == SHAPES[name]
        data = np.frombuffer(b64decode(layer["data"]), np.uint8)
        assert data.size == np.prod(SHAPES[name])
        # Nothing is cut off at the ends of the scale: were the amplitude left in, half of F6 would be.
        assert np.isin(data, (0, 255)).mean() < 0.25
