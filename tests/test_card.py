"""The card is the record in words."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from model.contract import ARTIFACTS, LAYERS_FILE, MODEL_FILE, RECORD_FILE
from model.record import Record
from training.artifacts import CARD_FILE, CONFUSION_FILE, CURVES_FILE, FILES, RELIABILITY_FILE, RISK_FILE
from training.card import summarise, write_card

HEADINGS = [
    "Model details",
    "Intended use",
    "Data",
    "Training",
    "Evaluation",
    "Calibration",
    "Limits",
    "Ethical considerations",
]


@pytest.fixture(scope="module")
def shipped():
    """The record in the repository."""
    return Record.read(ARTIFACTS / RECORD_FILE)


@pytest.fixture
def write(tmp_path):
    """The card of a record, as text."""

    def write(record):
        write_card(record, tmp_path / CARD_FILE)
        return (tmp_path / CARD_FILE).read_text(encoding="utf-8")

    return write


def test_the_shipped_card_is_the_shipped_record_in_words(shipped, write):
    """Made anew from the record it is the same, so nobody wrote a figure into it by hand."""
    assert write(shipped) == (ARTIFACTS / CARD_FILE).read_text(encoding="utf-8")


def test_the_shipped_artifacts_are_complete(shipped):
    """Every file that training writes is in the repository."""
    assert all((ARTIFACTS / name).is_file() for name in FILES)
    assert {MODEL_FILE, LAYERS_FILE, RECORD_FILE} < set(FILES)


def test_it_has_the_usual_headings(shipped, write):
    """In the usual order."""
    assert re.findall(r"^## (.+)$", write(shipped), re.MULTILINE) == HEADINGS


def test_it_shows_every_picture(shipped, write):
    """By their names in the same folder."""
    pictures = [CURVES_FILE, CONFUSION_FILE, RISK_FILE, RELIABILITY_FILE]
    assert re.findall(r"!\[[^\]]+\]\(([^)]+)\)", write(shipped)) == pictures


def test_hundreds_of_epochs_are_few_rows(shipped, write):
    """The record has all of them; the card shows some, evenly apart, and the last."""
    history = [shipped.training["history"][0] | {"epoch": epoch} for epoch in range(1, 401)]
    card = write(replace(shipped, training=shipped.training | {"history": history}))
    epochs = [int(row) for row in re.findall(r"^\| (\d+) \| \d+\.\d{4} ", card, re.MULTILINE)]
    assert epochs[-1] == 400
    assert 8 <= len(epochs) <= 12
    assert len({b - a for a, b in pairwise(epochs)}) == 1


def test_what_is_no_digit_has_a_table_of_its_own(shipped, write):
    """By how much is refused, and how well evidence tells it apart; a model that met none has no such table."""
    others = {"characters_holdout": {"images": 1234, "accepted": 0.125, "auroc": 0.9876}}
    row = "| handwritten characters, hold-out | 1,234 | 87.50% | 0.9876 |"
    digits = {name: figures for name, figures in shipped.evaluation.items() if "accuracy" in figures}
    assert row in write(replace(shipped, evaluation=digits | others))
    assert "refused" not in write(replace(shipped, evaluation=digits)).split("## Evaluation")[1].split("##")[0]


def test_fonts_are_listed_with_their_licences(shipped, write):
    """By part, since no family may be in two."""
    fonts = {"training": [{"name": "Aa", "licence": "OFL", "packages": "a"}], "test": []}
    data = shipped.data | {"pictures": {"forms": 5}, "fonts": fonts, "things": "clothes", "strokes": "lines"}
    card = write(replace(shipped, data=data))
    assert "| training | 1 | OFL: Aa |" in card
    assert "| digits of other forms | 5 |" in card


def test_it_follows_the_record(shipped, write):
    """Other figures, another card; each is found where it belongs."""
    test = shipped.evaluation["mnist_test"] | {"accuracy": 0.1234, "errors": 8766, "per_digit": [0.4321] + [None] * 9}
    calibration = shipped.calibration | {"temperature": 3.21}
    card = write(
        replace(
            shipped,
            version="7.6.5",
            evaluation=shipped.evaluation | {"mnist_test": test},
            calibration=calibration,
            limits=["It cannot fly."],
        )
    )
    assert card.startswith("# lenet5 7.6.5\n")
    assert "| Test accuracy | 12.34% (8766 errors in 10,000) |" in card
    assert "| 43.21% | – |" in card
    assert "Temperature 3.2100" in card
    assert "\n- It cannot fly.\n" in card
    assert (
        f"{shipped.evaluation['mnist_test']['accuracy']:.2%}" not in card.split("## Limits")[0].split("## Training")[0]
    )


def test_it_tells_the_choices_a_recipe_made_and_no_other(shipped, write):
    """A recipe without momentum has no word about it; a network of its own is described instead of LeNet-5."""
    training = {choice: value for choice, value in shipped.training.items() if choice != "momentum"}
    made = {"optimizer": "SGD", "learning_rate": 0.1, "batch_size": 128, "epochs": 10, "loss": "hinge"}
    card = write(replace(shipped, training=training | made | {"network": "It has one neuron."}))
    assert " SGD, learning rate 0.1, batches of 128, 10 epochs, hinge, Glorot uniform" in card
    assert ", momentum" not in card
    assert "\nIt has one neuron.\n" in card
    assert "average pooling" not in card


def test_every_set_has_a_row(shipped, write):
    """Also one that this version of the program does not know by name."""
    extra = shipped.evaluation | {"photos": shipped.evaluation["mnist_test"]}
    assert "\n| photos | 10,000 |" in write(replace(shipped, evaluation=extra))


def test_tables_are_tables(shipped, write):
    """Every row of a table has as many cells as the row above it."""
    rows = [line.count("|") for line in write(shipped).splitlines()]
    for above, below in pairwise(rows):
        assert not above or not below or above == below


def test_the_summary_is_short(shipped):
    """It fits a terminal of 80 columns with its frame."""
    width = max(len(name) for name, _ in summarise(shipped)) + max(len(value) for _, value in summarise(shipped))
    assert width <= 80 - 7
