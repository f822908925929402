"""Training, from IDX bytes to a folder that can be served, on digits drawn by the test."""

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from rich.console import Console
from rich.progress import Progress
from typer.testing import CliRunner

import training.cli
from model.contract import LAYERS_FILE, MODEL_FILE, RECORD_FILE
from model.record import Record
from model.scores import energy
from tests.conftest import ROOT
from tests.synthetic import write_mnist
from training.artifacts import FILES, replacing
from training.calibration import choose_acceptance, fit_temperature, is_accepted, softmax
from training.card import summarise
from training.dataset import fetch_mnist
from training.export import run_file, verify_layers
from training.lenet import LeNet5
from training.pipeline import make_artifacts
from training.progress import make_progress
from training.recipes import ARTICLE, RECIPES
from training.train import train

QUIET = Progress(disable=True)
SMALL = replace(ARTICLE, epochs=8, batch_size=16, hold_out=100)


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """500 + 100 drawn digits, read from IDX files as the real ones are."""
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


def weights_of(path):
    return {weights.name: weights.raw_data for weights in onnx.load(path).graph.initializer}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_there(made):
    """Every file, and no trace of how they came about."""
    assert {path.name for path in made.iterdir()} == set(FILES)
    assert [path.name for path in made.parent.iterdir()] == ["artifacts"]


def test_it_learns(record):
    """Digits never seen are read, so the whole chain from bytes to file is connected the right way round."""
    assert record.evaluation["mnist_test"]["accuracy"] >= 0.95
    assert record.evaluation["mnist_holdout"]["accuracy"] >= 0.95
    history = record.training["history"]
    assert history[-1]["validation_loss"] < history[0]["validation_loss"] / 2
    assert history[-1]["train_loss"] < history[0]["train_loss"] / 2


def test_the_record_says_what_the_file_does(made, record, mnist):
    """Its figures are the file's own answers to the test set, its digests those of the files."""
    answers = run_file(made / MODEL_FILE, mnist.test.images)
    right = int((answers.probabilities.argmax(axis=1) == mnist.test.labels).sum())
    test = record.evaluation["mnist_test"]
    assert (test["images"], test["errors"], test["accuracy"]) == (100, 100 - right, right / 100)
    assert record.sha256 == hashlib.sha256((made / MODEL_FILE).read_bytes()).hexdigest()
    assert record.layers_sha256 == hashlib.sha256((made / LAYERS_FILE).read_bytes()).hexdigest()
    accepted = is_accepted(answers.probabilities, answers.evidence, record.acceptance)
    assert test["accepted"] == accepted.mean()


def test_the_record_says_how_it_came_about(record, mnist):
    """Every number of the recipe, the seed, the data by hash, and what each epoch gave."""
    assert record.version == "1.0.0"
    assert record.data == {"name": "MNIST", "sha256": mnist.sha256}
    expected = {"recipe": "article", "seed": 0, "epochs": 8, "batch_size": 16, "learning_rate": 0.1, "momentum": 0.0}
    assert expected.items() <= record.training.items()
    assert record.training["images"] == 400
    assert record.training["torch"] == torch.__version__
    assert [epoch["epoch"] for epoch in record.training["history"]] == list(range(1, 9))


def test_the_record_survives_json(record, tmp_path):
    """Nothing in it depends on Python: reading it back gives the same, without NaN."""
    record.write(tmp_path / RECORD_FILE)
    assert Record.read(tmp_path / RECORD_FILE) == record
    json.loads((tmp_path / RECORD_FILE).read_text(), parse_constant=pytest.fail)


def test_the_golden_sample_is_read_right(made, record):
    """With the probabilities that the record holds."""
    answers = run_file(made / MODEL_FILE, record.golden.frame()[np.newaxis])
    assert answers.probabilities[0].argmax() == record.golden.digit
    assert np.allclose(answers.probabilities[0], record.golden.probabilities, atol=1e-6)
    assert is_accepted(answers.probabilities, answers.evidence, record.acceptance).all()


def test_the_model_file_describes_itself(made, record):
    """Name, version, labels, data, recipe and test accuracy travel inside it."""
    metadata = {entry.key: entry.value for entry in onnx.load(made / MODEL_FILE).metadata_props}
    assert (metadata["name"], metadata["version"]) == ("lenet5", "1.0.0")
    assert json.loads(metadata["labels"]) == list("0123456789")
    assert json.loads(metadata["data"]) == record.data
    assert json.loads(metadata["training"])["recipe"] == "article"
    assert float(metadata["test_accuracy"]) == record.evaluation["mnist_test"]["accuracy"]
    assert float(metadata["temperature"]) == pytest.approx(record.calibration["temperature"], abs=1e-6)


@pytest.mark.parametrize("name", FILES)
def test_no_local_path_is_in_any_file(made, name):
    """Neither where they were made nor where the data came from."""
    content = (made / name).read_bytes()
    for path in (ROOT / "training", made.parent, Path.home()):
        assert len(f"{path}/") < 5 or f"{path}/".encode() not in content  # so few bytes stand there by chance


def test_both_files_hold_the_same_weights(made, mnist):
    """Only the last layer is missing from the layers file."""
    model, layers = weights_of(made / MODEL_FILE), weights_of(made / LAYERS_FILE)
    shared = {name for name in layers if name.startswith("net.")}
    assert len(shared) == 8
    assert {model[name] for name in shared} == {layers[name] for name in shared}
    torch.manual_seed(7)
    with pytest.raises(Exception, match="differ"):
        verify_layers(LeNet5(), made / LAYERS_FILE, mnist.test.images)


def test_the_same_seed_makes_the_same_file(made, mnist, tmp_path):
    """Bit by bit, and so do the layers; another seed makes other weights."""
    make_artifacts(SMALL, 0, mnist, tmp_path / "again", QUIET)
    assert weights_of(tmp_path / "again" / MODEL_FILE) == weights_of(made / MODEL_FILE)
    for name in (MODEL_FILE, LAYERS_FILE):
        assert (tmp_path / "again" / name).read_bytes() == (made / name).read_bytes()
    training_half, hold_out = mnist.train.split(SMALL.hold_out)
    other = train(SMALL, 1, training_half, hold_out, QUIET)
    assert other.net.c1.weight.detach().numpy().tobytes() != weights_of(made / MODEL_FILE)["net.c1.weight"]


def test_the_hold_out_is_never_trained_on(mnist):
    """Other hold-out labels, the same weights."""
    training_half, hold_out = mnist.train.split(100)
    assert len(training_half.labels) == 400
    short = replace(SMALL, epochs=1)
    one = train(short, 0, training_half, hold_out, QUIET)
    two = train(short, 0, training_half, replace(hold_out, labels=(hold_out.labels + 1) % 10), QUIET)
    assert torch.equal(one.net.output.weight, two.net.output.weight)


@pytest.mark.parametrize("stage", ["train", "export_calibrated", "run_file", "write_card", "draw_confusion"])
def test_an_interruption_leaves_the_old_artifacts_whole(made, mnist, tmp_path, monkeypatch, stage):
    """Whenever it comes; and nothing half-made stays beside them."""
    out = tmp_path / "artifacts"
    out.mkdir()
    for name, content in contents(made).items():
        (out / name).write_bytes(content)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"training.pipeline.{stage}", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make_artifacts(replace(SMALL, epochs=1), 5, mnist, out, QUIET)
    assert contents(tmp_path) == contents(made)


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    """`--out` may name a folder that holds something else too."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with replacing(tmp_path / "out") as folder:
        for name in FILES:
            (folder / name).write_text("new")
    assert contents(tmp_path) == {"mine.txt": b"mine"} | dict.fromkeys(FILES, b"new")


def test_artifacts_may_go_to_another_file_system(tmp_path):
    """Through a link, or to a volume of a container: they are made there, and not beside it."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "out").symlink_to(elsewhere)
    with replacing(tmp_path / "out") as folder:
        assert folder.resolve().parent == elsewhere
        for name in FILES:
            (folder / name).write_text("new")
    assert {path.name for path in elsewhere.iterdir()} == set(FILES)


def test_a_missing_artifact_replaces_nothing(tmp_path):
    """All of them or none."""
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "out") as folder:
        (folder / FILES[0]).write_text("new")
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_is_found_again(temperature):
    """Labels drawn from softmax(logits / T) give T back."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 3, (50_000, 10))
    chances = softmax(logits / temperature).cumsum(axis=1)
    labels = (generator.random((50_000, 1)) > chances).sum(axis=1).clip(max=9)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_a_temperature_has_bounds():
    """A hold-out read without error would ask for none at all."""
    assert fit_temperature(np.eye(10), np.arange(10)) == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize("coverage", [0.9, 0.995, 1.0])
def test_thresholds_accept_what_was_asked_and_hardly_more(coverage):
    """At least the coverage; with room for one more refusal the threshold would have been stricter."""
    logits = np.random.default_rng(0).normal(0, 3, (2_000, 10))
    probabilities = softmax(logits)
    acceptance = choose_acceptance([(probabilities, energy(logits), coverage)])
    accepted = is_accepted(probabilities, energy(logits), acceptance).mean()
    assert coverage <= accepted <= coverage + 0.002
    confident = probabilities.max(axis=1) >= acceptance.min_confidence
    if coverage < 1:
        assert not confident.all()
        assert not (energy(logits) >= acceptance.min_evidence).all()


def test_the_article_recipe_is_the_article():
    """Its numbers are a promise: SGD 0.1, no momentum, batch 128, 10 epochs."""
    article = RECIPES["article"]
    assert (article.learning_rate, article.momentum, article.batch_size, article.epochs) == (0.1, 0.0, 128, 10)
    assert article.hold_out == 10_000


@pytest.fixture
def cli(monkeypatch):
    """Run `python -m training` in this process, in a wide terminal."""

    def invoke(*arguments):
        return CliRunner().invoke(training.cli.app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})

    return invoke


def test_the_command_says_what_the_card_says(cli, mnist, monkeypatch, tmp_path):
    """It trains, writes, and ends with the card's first table."""
    monkeypatch.setattr(training.cli, "fetch_mnist", lambda progress, data: mnist)
    monkeypatch.setitem(RECIPES, "article", SMALL)
    result = cli("--recipe", "article", "--epochs", 2, "--seed", 3, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    record = Record.read(tmp_path / "out" / RECORD_FILE)
    assert (record.training["epochs"], record.training["seed"]) == (2, 3)
    card = (tmp_path / "out" / "model_card.md").read_text()
    for name, value in summarise(record):
        assert f"| {name} | {value} |" in card
        assert any(name in line and value in line for line in result.output.splitlines())


def test_the_command_explains_bad_data(cli, tmp_path):
    """One line and a failure, no traceback."""
    result = cli("--data", tmp_path, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "error: " in result.output
    assert "neither train-images-idx3-ubyte nor" in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_the_command_finds_out_early_that_it_cannot_write(cli, mnist, monkeypatch, tmp_path):
    """Before a minute of training, not after it."""
    monkeypatch.setattr(training.cli, "fetch_mnist", lambda progress, data: mnist)
    monkeypatch.setattr("training.pipeline.train", pytest.fail)
    (tmp_path / "out").write_text("a file, where a folder is to be")
    result = cli("--recipe", "article", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "error: " in result.output
    assert str(tmp_path / "out") in result.output


def test_the_command_knows_its_recipes(cli):
    """And lists them when asked for another."""
    result = cli("--recipe", "nonsense")
    assert result.exit_code == 2
    assert "there is article" in result.output


def test_an_interrupted_command_says_so(cli, monkeypatch, tmp_path):
    """With the shell's own code for it."""

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(training.cli, "fetch_mnist", interrupt)
    for recipe, further in (("article", "begins anew"), ("best", "goes on after the last finished stage")):
        result = cli("--recipe", recipe, "--out", tmp_path / "[/out]")
        assert result.exit_code == 130
        assert f"[/out] is as it was; the same command {further}." in result.output


def test_a_seed_is_what_torch_takes(cli, tmp_path):
    """64 bits."""
    assert cli("--recipe", "article", "--seed", 2**64, "--out", tmp_path).exit_code == 2


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_the_article_recipe_gives_the_published_figure(tmp_path):
    """98.57 ± 0.15 % on the MNIST test set, as the mean of seeds 0, 1 and 2."""
    mnist = fetch_mnist(QUIET)
    records = [make_artifacts(ARTICLE, seed, mnist, tmp_path / str(seed), QUIET) for seed in range(3)]
    accuracies = [record.evaluation["mnist_test"]["accuracy"] for record in records]
    assert np.mean(accuracies) == pytest.approx(0.9857, abs=0.0015)


def test_what_is_under_way_is_shown_however_much_was_done():
    """A terminal has room for the last bars only; at the end every one is there to be scrolled back to."""
    file = io.StringIO()
    with make_progress(Console(file=file, force_terminal=True, width=80, height=10)) as progress:
        for number in range(30):
            progress.update(progress.add_task(f"Task {number}.", total=1), completed=number < 29)
        progress.refresh()
        while_running = file.getvalue()
    assert "Task 29." in while_running
    assert "Task 2." not in while_running.rpartition("Task 21.")[2]
    assert all(f"Task {number}." in file.getvalue().rpartition("Task 0.")[2] for number in range(1, 30))
