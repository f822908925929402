"""`lenet5 evaluate`: labelled pictures in, figures per set and digit out, by the pipeline that answers /predict."""

import csv
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from model.contract import ARTIFACTS, MODEL_FILE, RECORD_FILE
from model.idx import TEST_IMAGES, TEST_LABELS, encode_idx
from service.classifier import Classifier, ModelError
from service.cli import app
from service.evaluate import evaluate, load_model, macro_accuracy, score, summarise
from service.labelled import EvaluationError, Labelled, find_labelled, mnist_folder
from service.tables import between, percent
from tests.conftest import ROOT, png, tiny_onnx
from tests.synthetic import draw_digits, write_mnist
from training.dataset import default_cache

LIMIT = 25_000_000
BLANK = png(np.zeros((40, 40), np.uint8))


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Put files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def write_labels(folder: Path, rows: list[dict[str, str]], name: str = "labels.csv") -> Path:
    """Put a table of labels into a folder."""
    path = folder / name
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def lenet5(*arguments: object, columns: int = 120, **environment: str) -> subprocess.CompletedProcess:
    """Run the command."""
    command = [sys.executable, "-m", "service.cli", *map(str, arguments)]
    environment = os.environ | {"COLUMNS": str(columns)} | environment
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def in_process(*arguments: object) -> Result:
    """Run the command without a process of its own, which costs a second."""
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def served() -> Classifier:
    """The model in the repository."""
    return Classifier.load(ARTIFACTS / MODEL_FILE)


@pytest.fixture
def labels(golden) -> tuple[str, str]:
    """What the golden sample shows, and what it does not."""
    return str(golden.digit), str((golden.digit + 1) % 10)


def test_folders_named_by_label_are_found(tmp_path):
    """The simplest way to label a picture; what is named otherwise, or hidden, is left alone."""
    write(tmp_path, {"7/a.png": b"", "7/b.jpg": b"", "7/.DS_Store": b"", "none/c.png": b"", "notes/d.txt": b""})

    assert [(each.name, each.label) for each in find_labelled(tmp_path)] == [
        ("7/a.png", "7"),
        ("7/b.jpg", "7"),
        ("none/c.png", "none"),
    ]


@pytest.mark.parametrize("place", ["", "scans/", "pictures/scans/"])
def test_a_table_of_labels_is_followed(tmp_path, place):
    """Its pictures lie beside it, in a folder of their set, or there below `pictures`."""
    write(tmp_path, {f"{place}a.png": b""})
    table = write_labels(tmp_path, [{"set": "scans", "file": "a.png", "label": "7", "note": "neat"}])

    assert find_labelled(tmp_path) == [Labelled("scans", "a.png", "7", tmp_path / place / "a.png")]
    assert find_labelled(table) == find_labelled(tmp_path)


def test_a_table_of_any_name_names_its_set(tmp_path):
    """Where it has no column for sets; labels.csv is called as its folder is."""
    write(tmp_path, {"a.png": b""})
    rows = [{"file": "a.png", "label": "7"}]

    assert [each.group for each in find_labelled(write_labels(tmp_path, rows, "phones.csv"))] == ["phones"]
    assert [each.group for each in find_labelled(write_labels(tmp_path, rows))] == [tmp_path.name]


def test_mnist_files_become_pictures_without_loss(tmp_path):
    """Gzipped or not: what they hold is what the pipeline reads."""
    mnist = write_mnist(tmp_path, test=20)
    images, digits = draw_digits(20, seed=2)
    path = tmp_path / TEST_IMAGES
    path.with_name(f"{TEST_IMAGES}.gz").write_bytes(gzip.compress(mnist.files[TEST_IMAGES]))
    path.unlink()

    found = find_labelled(tmp_path)

    assert [each.label for each in found] == [str(digit) for digit in digits]
    assert {each.group for each in found} == {f"{tmp_path.name} test"}
    assert all(each.read().endswith(image.tobytes()) for each, image in zip(found, images, strict=True))


def test_mnist_images_reach_the_network_untouched(tmp_path, served):
    """They are framed already."""
    with np.load(ROOT / "tests/data/mnist_test_40.npz") as data:
        images, digits = data["images"], data["labels"].astype(np.uint8)
    write(tmp_path, {TEST_IMAGES: encode_idx(images), TEST_LABELS: encode_idx(digits)})

    judged = list(evaluate(find_labelled(tmp_path), served, LIMIT))

    assert len(judged) == 40
    assert all(np.array_equal(item.frame, image) for item, image in zip(judged, images, strict=True))
    direct = served.classify(images).probabilities.argmax(axis=1)
    assert [item.digit for item in judged] == direct.tolist()


def test_the_word_mnist_is_what_training_downloads(tmp_path, monkeypatch):
    """Where there is nothing, it says how to get it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert mnist_folder() == default_cache()
    with pytest.raises(EvaluationError, match="python -m training"):
        find_labelled("mnist")

    mnist_folder().mkdir(parents=True)
    write_mnist(mnist_folder(), test=20)

    assert len(find_labelled("mnist")) == 20


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 28, 28), np.uint8), None, f"has no {TEST_LABELS}"),
        (np.zeros((2, 28, 28), np.uint8), np.zeros(3, np.uint8), "do not belong together"),
        (np.zeros((2, 16, 16), np.uint8), np.zeros(2, np.uint8), "do not belong together"),
        (np.zeros((2, 28, 28), np.uint8), np.array([3, 26], np.uint8), "a label 26"),
    ],
)
def test_files_that_are_not_digits_of_that_size_are_refused(tmp_path, images, labels, message):
    """In one line."""
    write(tmp_path, {TEST_IMAGES: encode_idx(images)})
    if labels is not None:
        write(tmp_path, {TEST_LABELS: encode_idx(labels)})
    with pytest.raises(EvaluationError, match=message):
        find_labelled(tmp_path)


@pytest.mark.parametrize("damaged", [b"\x1f\x8b damaged", b""])
def test_a_damaged_file_is_named(tmp_path, damaged):
    """Not a traceback of gzip's."""
    write(tmp_path, {f"{TEST_IMAGES}.gz": damaged})
    with pytest.raises(EvaluationError, match=rf"{TEST_IMAGES}\.gz: "):
        find_labelled(tmp_path)


def test_what_cannot_be_evaluated_is_said_in_one_line(tmp_path):
    """No folder, nothing in it, no table, no picture."""
    with pytest.raises(EvaluationError, match="neither a folder nor a table"):
        find_labelled(tmp_path / "none")
    with pytest.raises(EvaluationError, match="neither"):
        find_labelled(tmp_path)
    write(tmp_path, {"picture.png": BLANK, "labels.csv": b"file,label\n\n"})
    with pytest.raises(EvaluationError, match="cannot be read as a CSV"):
        find_labelled(tmp_path / "picture.png")
    for place in (tmp_path, tmp_path / "labels.csv"):
        with pytest.raises(EvaluationError, match="names no picture"):
            find_labelled(place)
    with pytest.raises(EvaluationError, match="File name too long"):
        find_labelled(tmp_path / ("a" * 300))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"name": "a.png"}, "no column 'file'"),
        ({"file": "a.png"}, "no column 'label'"),
        ({"file": "a.png", "label": ""}, "line 2, has no label"),
        ({"file": "a.png", "label": "seven"}, "line 2: 'seven' is no label"),
        ({"file": "b.png", "label": "7"}, r"b\.png.*not there"),
    ],
)
def test_a_wrong_table_is_explained(tmp_path, row, message):
    """By line and column."""
    write(tmp_path, {"a.png": BLANK})
    write_labels(tmp_path, [row])
    with pytest.raises(EvaluationError, match=message):
        find_labelled(tmp_path)


@pytest.fixture
def evaluation(digit_png, labels, served):
    """Right, wrong, unreadable, blank, not a digit: each in a set."""
    digit, other = labels
    pictures = [
        Labelled("first", "a.png", digit, digit_png),
        Labelled("first", "b.png", other, digit_png),
        Labelled("second", "a.png", digit, digit_png),
        Labelled("second", "c.png", digit, b"damaged"),
        Labelled("third", "d.png", "none", BLANK),
        Labelled("third", "e.png", "none", digit_png),
        Labelled("third", "f.png", "42", digit_png),
    ]
    return summarise(list(evaluate(pictures, served, LIMIT)), served)


def test_each_set_is_scored_by_itself(evaluation, golden):
    """Whatever happened counts where it belongs."""
    first, second, third = evaluation.scores

    assert (first.pictures, first.digits, first.right, first.accepted, first.accepted_right) == (2, 2, 1, 2, 1)
    assert first.ece == pytest.approx(max(golden.probabilities) - 0.5, abs=1e-3)
    assert first.per_digit[golden.digit] == 1
    assert first.per_digit[(golden.digit + 1) % 10] == 0
    assert first.per_digit.count(None) == 8
    assert (second.right, second.accepted, second.accuracy, second.reasons) == (1, 1, 0.5, {"unreadable": 1})
    assert (third.digits, third.accuracy, third.interval, third.ece) == (0, None, None, None)
    assert (third.others, third.others_rejected, third.reasons) == (3, 1, {"blank": 1})


def test_sets_are_pooled_and_averaged(evaluation):
    """The pool counts pictures alike, the mean counts sets alike."""
    pooled = evaluation.pooled

    assert (pooled.pictures, pooled.digits, pooled.right, pooled.others) == (7, 4, 2, 3)
    assert pooled.reasons == {"unreadable": 1, "blank": 1}
    assert macro_accuracy(evaluation.scores) == 0.5
    assert macro_accuracy(evaluation.scores[2:]) is None


def test_a_blank_picture_of_a_digit_is_wrong_and_has_no_confidence(served):
    """Ten equal probabilities are no answer: a 0 must not count as read, nor weigh on the calibration."""
    [judged] = evaluate([Labelled("set", "a.png", "0", BLANK)], served, LIMIT)
    found = score("set", [judged])

    assert (found.digits, found.right, found.ece, found.reasons) == (1, 0, None, {"blank": 1})


def test_a_file_that_may_not_be_read_is_unreadable(tmp_path, served):
    """As one that is damaged; the rest is scored."""
    [judged] = evaluate([Labelled("set", "a.png", "7", tmp_path)], served, LIMIT)

    assert (judged.prediction, judged.reason, judged.accepted) == (None, "unreadable", False)


def test_a_model_without_a_record_is_scored_without_thresholds(tmp_path):
    """Its answers count; nobody knows which of them would be accepted."""
    path = tmp_path / "bare.onnx"
    path.write_bytes(tiny_onnx())
    classifier = load_model(path)
    frame = np.zeros((28, 28), np.uint8)
    frame[14:16, 4:24] = 255  # a 7, says the tiny model
    pictures = [Labelled("set", "a.png", "7", png(frame)), Labelled("set", "b.png", "none", BLANK)]

    document = summarise(list(evaluate(pictures, classifier, LIMIT)), classifier).document()

    assert document["model"]["name"] == "bare.onnx"
    assert document["thresholds"] is False
    [found] = document["sets"]
    assert (found["right"], found["accepted"], found["accepted_right"], found["others_rejected"]) == (
        1,
        None,
        None,
        None,
    )
    assert found["reasons"] == {"blank": 1}  # which framing knows by itself


def test_a_model_with_a_record_is_verified_as_for_serving(tiny_model):
    """A record beside it is not passed over."""
    assert load_model(tiny_model).recorded
    tiny_model.write_bytes(tiny_model.read_bytes() + b" ")
    with pytest.raises(ModelError, match="sha256"):
        load_model(tiny_model)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"probabilities", b"probabilitiez", "must have the outputs"),
        (b"batch", b"hctab", None),
        (b"Softmax", b"Sigmoid", "do not sum to 1"),
    ],
)
def test_a_model_without_a_record_still_keeps_the_contract(tmp_path, old, new, message):
    """Its names and shapes, and probabilities that are some."""
    path = tmp_path / "bare.onnx"
    path.write_bytes(tiny_onnx().replace(old, new))
    if message is None:
        assert not load_model(path).recorded
    else:
        with pytest.raises(ModelError, match=message):
            load_model(path)


def test_the_command_prints_a_table_per_set_and_digit(tmp_path, digit_png, labels):
    """Everything a person asks for, in 80 columns, names whole."""
    name = "photos_of_newspapers"
    right, wrong = labels
    rows = [
        {"set": group, "file": "a.png", "label": label}
        for group in (name, "scans")
        for label in (right, wrong, "none", "42")
    ]
    write(tmp_path, {"a.png": digit_png})
    write_labels(tmp_path, rows)

    done = lenet5("evaluate", tmp_path, columns=80)

    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "…" not in done.stdout
    lines = {tuple(line.split()) for line in done.stdout.splitlines()}
    assert (name, "2", "1", "50.0%", "9.5–90.5", "100.0%", "50.0%") in {line[:7] for line in lines}
    assert ("all", "pooled", "4", "2", "50.0%", "15.0–85.0", "100.0%", "50.0%") in {line[:8] for line in lines}
    assert ("mean", "of", "the", "sets", "50.0%") in lines
    assert ("set", *"0123456789") in lines
    digits = ["–"] * 10
    digits[int(right)], digits[int(wrong)] = "100", "0.0"
    assert (name, *digits) in lines
    assert (name, "2", "0", "0.0%", "0.0–65.8") in lines


@pytest.mark.parametrize(
    ("count", "of", "share", "interval"),
    [
        (9853, 10_000, "98.53%", "98.27–98.75"),
        (113, 127, "89.0%", "82.3–93.3"),
        (0, 0, "–", None),
        (None, 5, "–", None),
    ],
)
def test_decimals_are_as_many_as_mean_something(count, of, share, interval):
    """One picture of ten thousand is a hundredth of a percent; of a hundred it is a whole one."""
    assert percent(count, of) == share
    if interval:
        assert between(count, of) == interval


def test_a_long_name_breaks_and_numbers_do_not(tmp_path, digit_png, labels):
    """Whatever a set is called, its figures can be read."""
    name = "photographs of the meters in the cellar, taken in the winter"
    write(tmp_path, {"a.png": digit_png})
    write_labels(tmp_path, [{"set": name, "file": "a.png", "label": label} for label in labels])

    printed = lenet5("evaluate", tmp_path, columns=80).stdout

    assert "…" not in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert "9.5–90.5" in printed
    assert all(word in printed for word in name.split())


def test_the_command_speaks_json(tmp_path, digit_png, labels):
    """For machines: nothing else on stdout."""
    write(tmp_path, {f"{label}/a.png": digit_png for label in labels})

    done = in_process("evaluate", tmp_path, "--json")

    document = json.loads(done.stdout)
    assert (document["thresholds"], document["macro_accuracy"], document["pooled"]["right"]) == (True, 0.5, 1)
    assert document["sets"][0]["interval_95"] == pytest.approx([0.0945, 0.9055], abs=1e-3)


def test_the_command_scores_a_bare_model_and_says_what_it_does_not_know(tmp_path, digit_png, golden):
    """With dashes where thresholds would be needed."""
    write(tmp_path, {f"pictures/{golden.digit}/a.png": digit_png})
    write(tmp_path, {"bare.onnx": (ARTIFACTS / MODEL_FILE).read_bytes()})

    done = in_process("evaluate", tmp_path / "pictures", "--model", tmp_path / "bare.onnx")

    assert done.exit_code == 0, done.stderr
    assert f"No {RECORD_FILE}" in done.stdout
    [row] = [line.split() for line in done.stdout.splitlines() if line.startswith("pictures  ")][:1]
    assert row[1:4] == ["1", "1", "100.0%"]
    assert row[5:7] == ["–", "–"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "no/such/folder"],
        ["evaluate", "{pictures}", "--model", "no/such.onnx"],
        ["evaluate", "{pictures}", "--report", f"{ROOT}/README.md/report"],
    ],
    ids=["source", "model", "report"],
)
def test_the_command_fails_with_one_line(arguments, tmp_path, digit_png):
    """And with an exit code that is not 0."""
    write(tmp_path, {"7/a.png": digit_png})
    arguments = [argument.format(pictures=tmp_path) for argument in arguments]
    done = in_process(*arguments)

    assert done.exit_code == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_the_command_tells_its_version_and_helps():
    """What anybody tries first."""
    assert lenet5("--version").stdout.startswith("lenet5 ")
    assert "evaluate" in in_process("--help").stdout
    assert "Example" in in_process("evaluate", "--help").stdout
