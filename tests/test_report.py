"""`lenet5 evaluate --report`: a folder that shows what was read, what went wrong, and what the network saw then."""

import csv
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from model.contract import ARTIFACTS, MODEL_FILE
from model.plots import Cell
from service.classifier import Classifier
from service.cli import app
from service.evaluate import Evaluation, evaluate, summarise
from service.labelled import Labelled
from service.report import write_report
from tests.conftest import png

LIMIT = 25_000_000
BLANK = png(np.zeros((40, 40), np.uint8))


@pytest.fixture(scope="module")
def evaluation(digit_png, golden) -> Evaluation:
    """Two sets: one right and three wrong in different ways; what is no digit, once accepted and once not."""
    digit, other = str(golden.digit), str((golden.digit + 1) % 10)
    pictures = [
        Labelled("phones | scans", "right.png", digit, digit_png),
        Labelled("phones | scans", "blank.png", digit, BLANK),
        Labelled("phones | scans", "wrong.png", other, digit_png),
        Labelled("phones | scans", "damaged.png", digit, b"damaged"),
        Labelled("shapes", "shape.png", "none", digit_png),
        Labelled("shapes", "blank.png", "none", BLANK),
    ]
    classifier = Classifier.load(ARTIFACTS / MODEL_FILE)
    return summarise(list(evaluate(pictures, classifier, LIMIT)), classifier)


@pytest.fixture
def sheets(monkeypatch) -> dict[str, tuple[str, list[Cell]]]:
    """What would be drawn on contact sheets: title and cells by file. The other plots are left out: they take time."""
    drawn: dict[str, tuple[str, list[Cell]]] = {}
    monkeypatch.setattr(
        "service.report.draw_contact_sheet", lambda cells, title, path: drawn.update({path.name: (title, list(cells))})
    )
    for name in ("draw_confusion", "draw_reliability", "draw_risk_coverage"):
        monkeypatch.setattr(f"service.report.{name}", lambda *_, **__: None)
    return drawn


def test_the_index_shows_every_plot(evaluation, tmp_path):
    """What it names is there and is a picture, and nothing else is there."""
    write_report(evaluation, tmp_path, LIMIT)
    index = (tmp_path / "index.md").read_text()

    shown = re.findall(r"!\[.*\]\((.*)\)", index)
    assert set(shown) == {
        "confusion.png",
        "reliability.png",
        "risk_coverage.png",
        "errors-phones_scans.png",
        "errors-shapes.png",
    }
    assert {path.name for path in tmp_path.iterdir()} == {*shown, "index.md", "answers.csv"}
    for name in shown:
        with Image.open(tmp_path / name) as image:
            image.verify()


def test_the_index_has_the_tables(evaluation, tmp_path, sheets):
    """Of as many cells in each row, whatever a set is called."""
    write_report(evaluation, tmp_path, LIMIT)
    rows = [line for line in (tmp_path / "index.md").read_text().splitlines() if line.startswith("|")]

    assert "| phones / scans | 4 | 1 | 25.0% | 4.6–69.9 | 50.0% | 50.0% |" in "\n".join(rows)
    assert "| shapes | 2 | 1 | 50.0% | 9.5–90.5 |" in rows
    assert "| phones / scans | 4 | 1 | 1 |" in rows  # blank, unreadable
    assert {row.count("|") for row in rows} == {6, 9, 12, 5}


def test_every_answer_is_a_row(evaluation, tmp_path, sheets, golden):
    """For a spreadsheet, or for a closer look."""
    write_report(evaluation, tmp_path, LIMIT)
    with (tmp_path / "answers.csv").open(newline="") as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]

    digit, other = str(golden.digit), str((golden.digit + 1) % 10)
    short = [(*row[:4], *row[5:]) for row in rows]
    assert short == [
        ("phones | scans", "right.png", digit, digit, "True", ""),
        ("phones | scans", "blank.png", digit, "", "False", "blank"),
        ("phones | scans", "wrong.png", other, digit, "True", ""),
        ("phones | scans", "damaged.png", digit, "", "False", "unreadable"),
        ("shapes", "shape.png", "none", digit, "True", ""),
        ("shapes", "blank.png", "none", "", "False", "blank"),
    ]
    assert float(rows[0][4]) == pytest.approx(max(golden.probabilities), abs=1e-3)


def test_the_errors_are_shown_the_worst_first(evaluation, tmp_path, sheets, golden):
    """What was accepted leads and alarms; each has its picture, its frame and what was said of it."""
    write_report(evaluation, tmp_path, LIMIT)
    title, [wrong, blank, damaged] = sheets["errors-phones_scans.png"]
    digit, other = golden.digit, (golden.digit + 1) % 10

    assert title == "phones | scans\n3 of 4 digits read wrong, 1 of them accepted"
    assert wrong.lines[0].startswith(f"{other} read as {digit}, ")
    assert (*wrong.lines[1:], wrong.alarming) == ("accepted", "wrong.png", True)
    assert np.array_equal(wrong.picture, golden.frame())
    assert np.array_equal(wrong.frame, golden.frame())
    assert blank.lines == [f"{digit}, found blank", "not accepted: blank", "blank.png"]
    assert (damaged.picture, damaged.frame, damaged.alarming) == (None, None, False)
    assert damaged.lines == [f"{digit}, could not be read", "not accepted: unreadable", "damaged.png"]


def test_what_is_no_digit_is_an_error_where_it_was_accepted(evaluation, tmp_path, sheets):
    """The rejected ones are as they should be."""
    write_report(evaluation, tmp_path, LIMIT)
    title, [shape] = sheets["errors-shapes.png"]

    assert title == "shapes\n1 of 2 accepted that are not one digit"
    assert shape.lines[0].startswith("none read as ")


@pytest.mark.parametrize("thresholds", [True, False])
def test_the_risk_counts_what_should_be_rejected(evaluation, tmp_path, sheets, monkeypatch, golden, thresholds):
    """And what got no answer: neither can be right. What is accepted in service is marked, where that is known."""
    drawn = {}
    monkeypatch.setattr(
        "service.report.draw_risk_coverage",
        lambda curves, _, operating: drawn.update(curves=curves, operating=operating),
    )
    write_report(replace(evaluation, thresholds=thresholds), tmp_path, LIMIT)

    right = {
        name: (probabilities.argmax(axis=1) == labels).tolist()
        for name, (probabilities, labels) in drawn["curves"].items()
    }
    everything = "every picture, also of no digit"
    assert right == {"phones | scans": [True, False, False, False], everything: [True, *[False] * 5]}
    marks = {"phones | scans": (2 / 4, 1 / 2), everything: (3 / 6, 2 / 3)}
    assert drawn["operating"] == (marks if thresholds else None)


def test_a_blank_picture_is_never_right(tmp_path, sheets, monkeypatch):
    """Not even a 0, although the first of ten equal probabilities is the largest."""
    drawn = {}
    monkeypatch.setattr("service.report.draw_risk_coverage", lambda curves, *_, **__: drawn.update(curves))
    classifier = Classifier.load(ARTIFACTS / MODEL_FILE)
    judged = list(evaluate([Labelled("set", "a.png", "0", BLANK)], classifier, LIMIT))
    write_report(summarise(judged, classifier), tmp_path, LIMIT)

    probabilities, labels = drawn["set"]
    assert labels.tolist() == [-1]
    assert probabilities.tolist() == [[0.1] * 10]


def test_without_thresholds_nothing_counts_as_accepted(evaluation, tmp_path, sheets):
    """So what is no digit is no error, and nothing alarms."""
    write_report(replace(evaluation, thresholds=False), tmp_path, LIMIT)

    title, cells = sheets["errors-phones_scans.png"]
    assert set(sheets) == {"errors-phones_scans.png"}
    assert title == "phones | scans\n3 of 4 digits read wrong"
    assert not any(cell.alarming for cell in cells)
    assert "no thresholds" in (tmp_path / "index.md").read_text()


def test_sets_of_like_names_have_files_of_their_own(evaluation, tmp_path, sheets):
    """Where what differs cannot stand in a file's name."""
    shapes = evaluation.sets["shapes"]
    write_report(replace(evaluation, sets={"a b": shapes, "a|b": shapes}), tmp_path, LIMIT)

    assert set(sheets) == {"errors-a_b_1.png", "errors-a_b_2.png"}


def test_many_errors_fill_pages_and_too_many_are_counted(evaluation, tmp_path, sheets, monkeypatch):
    """A model that is always wrong must not fill the disk."""
    monkeypatch.setattr("service.report.PAGE", 1)
    monkeypatch.setattr("service.report.PAGES", 2)
    write_report(evaluation, tmp_path, LIMIT)

    assert set(sheets) == {"errors-phones_scans.png", "errors-phones_scans-2.png", "errors-shapes.png"}
    assert sheets["errors-phones_scans-2.png"][0].endswith("(page 2 of 3)")
    assert "1 more are in answers.csv" in (tmp_path / "index.md").read_text()


def test_a_big_picture_is_shown_small_and_a_long_name_short(evaluation, tmp_path, sheets):
    """Both keep their two ends."""
    picture = Labelled(
        "scans", "a-very-long-name-that-nobody-can-read-12345.png", "7", png(np.zeros((300, 600), np.uint8))
    )
    classifier = Classifier.load(ARTIFACTS / MODEL_FILE)
    write_report(summarise(list(evaluate([picture], classifier, LIMIT)), classifier), tmp_path, LIMIT)
    _, [cell] = sheets["errors-scans.png"]

    assert cell.picture.shape == (80, 160)
    assert re.fullmatch(r"a-very-long\S*…\S*12345\.png", cell.lines[-1])
    assert len(cell.lines[-1]) <= 27


def test_the_command_writes_a_report(tmp_path, digit_png, golden, sheets):
    """Into a folder it makes."""
    (tmp_path / "pictures" / str(golden.digit)).mkdir(parents=True)
    (tmp_path / "pictures" / str(golden.digit) / "a.png").write_bytes(digit_png)
    done = CliRunner().invoke(
        app, ["evaluate", str(tmp_path / "pictures"), "--report", str(tmp_path / "new" / "report")]
    )

    assert done.exit_code == 0, done.output
    assert "start with index.md" in done.stderr
    assert "100.0%" in (tmp_path / "new" / "report" / "index.md").read_text()


def test_a_missing_extra_is_named_before_the_work(tmp_path, digit_png, monkeypatch):
    """Only reports need it."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "a.png").write_bytes(digit_png)
    monkeypatch.delitem(sys.modules, "service.report")
    monkeypatch.setitem(sys.modules, "model.plots", None)  # importing it fails, as it does without the extra

    done = CliRunner().invoke(app, ["evaluate", str(tmp_path), "--report", str(tmp_path / "report")])

    assert done.exit_code == 1
    assert "pip install 'lenet5-service[plots]'" in done.stderr.replace("\n", " ")
    assert done.stdout == ""
    assert not (tmp_path / "report").exists()
    assert CliRunner().invoke(app, ["evaluate", str(tmp_path)]).exit_code == 0
