"""Writes an evaluation as a folder to look at: tables, plots, the errors as contact sheets, every answer as a row."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from model.contract import LABELS
from model.grey import Pixels
from model.plots import Answers, Cell, draw_confusion, draw_contact_sheet, draw_reliability, draw_risk_coverage
from service.errors import ServiceError
from service.evaluate import Evaluation, Judged, answers, confusions
from service.imaging import decode_image, open_image
from service.tables import Table, make_notes, make_tables

INDEX_FILE = "index.md"
ANSWERS_FILE = "answers.csv"

PAGE = 40
"""Pictures of one contact sheet."""
PAGES = 5
"""Contact sheets of one set; a model that is wrong more often than that needs other help."""
THUMBNAIL = 160
"""The longest side of a picture on a contact sheet, in pixels."""
NAME_LENGTH = 27
"""Letters of a picture's name that fit beneath it."""

_ODD = re.compile(r"[^\w.-]+")
"""What is left out of files' names."""

Plot = tuple[str, str]
"""What it shows, and its file."""


def write_report(evaluation: Evaluation, folder: Path, max_pixels: int) -> None:
    """Write everything into a folder that is there already; files of the same names are replaced. Raises OSError."""
    _write_answers(evaluation, folder / ANSWERS_FILE)
    plots = [
        *_draw_confusions(evaluation, folder),
        *_draw_reliability(evaluation, folder),
        *_draw_risk_coverage(evaluation, folder),
        *_draw_errors(evaluation, folder, max_pixels),
    ]
    (folder / INDEX_FILE).write_text("\n".join(_index(evaluation, plots)), encoding="utf-8")


def _draw_confusions(evaluation: Evaluation, folder: Path) -> Iterator[Plot]:
    """One of each set that has digits, and before them one of all pooled where there are several."""
    found = {name: confusions(judged) for name, judged in evaluation.sets.items()}
    sets = {name: matrix for name, matrix in found.items() if matrix.any()}
    if len(sets) > 1:
        sets = {evaluation.pooled.name: np.sum(list(sets.values()), axis=0)} | sets
    for index, (name, matrix) in enumerate(sets.items()):
        file = f"confusion-{_slug(name, sets)}.png" if index else "confusion.png"
        draw_confusion(matrix, name, folder / file)
        yield f"Which digit was read as which: {name}", file


def _draw_reliability(evaluation: Evaluation, folder: Path) -> Iterator[Plot]:
    found = {name: answers(judged) for name, judged in evaluation.sets.items()}
    sets = {name: (probabilities, labels) for name, (probabilities, labels) in found.items() if len(labels)}
    if sets:
        draw_reliability(sets, folder / "reliability.png")
        yield "Whether confidence keeps its promise", "reliability.png"


def _draw_risk_coverage(evaluation: Evaluation, folder: Path) -> Iterator[Plot]:
    """A curve for the digits of each set, and one for every picture where some are not to be accepted at all."""
    groups = {
        name: [item for item in judged if item.picture.digit is not None] for name, judged in evaluation.sets.items()
    }
    if evaluation.pooled.others:
        groups["every picture, also of no digit"] = [item for judged in evaluation.sets.values() for item in judged]
    curves = {name: _selectable(judged) for name, judged in groups.items() if judged}
    points = {name: _operating(groups[name]) for name in curves if any(item.accepted for item in groups[name])}
    if curves:
        draw_risk_coverage(curves, folder / "risk_coverage.png", operating=points if evaluation.thresholds else None)
        yield "What refusing the least confident answers buys", "risk_coverage.png"


def _selectable(judged: Sequence[Judged]) -> Answers:
    """Probabilities (N, 10) and labels (N,). Whatever is answered to a picture of no one digit is wrong: label -1."""
    unknown = [1 / len(LABELS)] * len(LABELS)
    rows = [item.prediction["probabilities"] if item.prediction else unknown for item in judged]
    labels = [-1 if item.digit is None or item.picture.digit is None else item.picture.digit for item in judged]
    return np.array(rows), np.array(labels)


def _operating(judged: Sequence[Judged]) -> tuple[float, float]:
    """The share that was accepted, and the share of that which was wrong to accept. Expects some that were."""
    accepted = [item for item in judged if item.accepted]
    return len(accepted) / len(judged), sum(not item.right for item in accepted) / len(accepted)


def _draw_errors(evaluation: Evaluation, folder: Path, max_pixels: int) -> Iterator[Plot]:
    """Each set's errors on pages, the worst first: what was accepted, and within it the most confident."""
    for name, judged in evaluation.sets.items():
        wrong = sorted((item for item in judged if _is_error(item, evaluation.thresholds)), key=_harm)
        count = _count_errors(wrong, judged, evaluation.thresholds)
        pages = [wrong[start : start + PAGE] for start in range(0, len(wrong), PAGE)]
        for number, page in enumerate(pages[:PAGES], start=1):
            words = count if len(pages) == 1 else f"{count} (page {number} of {len(pages)})"
            file = f"errors-{_slug(name, evaluation.sets)}{f'-{number}' if number > 1 else ''}.png"
            cells = [_cell(item, evaluation.thresholds, max_pixels) for item in page]
            draw_contact_sheet(cells, f"{name}\n{words}", folder / file)
            more = sum(map(len, pages[PAGES:])) if number == PAGES else 0
            yield f"Errors: {name}: {words}{f'; {more:,} more are in {ANSWERS_FILE}' if more else ''}", file


def _is_error(item: Judged, thresholds: bool) -> bool:
    """A digit read wrong, accepted or not; a picture of no one digit that was accepted."""
    return not item.right if item.picture.digit is not None else item.accepted and thresholds


def _harm(item: Judged) -> tuple[bool, float]:
    return not item.accepted, -item.prediction["confidence"] if item.prediction else 0


def _count_errors(wrong: Sequence[Judged], judged: Sequence[Judged], thresholds: bool) -> str:
    """In words, for a title."""
    misread = [item for item in wrong if item.picture.digit is not None]
    digits = sum(item.picture.digit is not None for item in judged)
    words = []
    if misread:
        words.append(f"{len(misread):,} of {digits:,} digits read wrong")
        if thresholds:
            words.append(f"{sum(item.accepted for item in misread):,} of them accepted")
    if len(misread) < len(wrong):
        words.append(f"{len(wrong) - len(misread):,} of {len(judged) - digits:,} accepted that are not one digit")
    return ", ".join(words)


def _cell(item: Judged, thresholds: bool, max_pixels: int) -> Cell:
    shown = item.picture.label
    if item.prediction is None:
        said = f"{shown}, could not be read"
    elif item.digit is None:
        said = f"{shown}, found blank"
    else:
        said = f"{shown} read as {item.digit}, {_sure(item.prediction['confidence'])}"
    verdict = f"not accepted: {item.reason}".replace("_", " ") if item.reason else "accepted" if thresholds else ""
    name = item.picture.name
    short = name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH // 2 - 1]}…{name[-NAME_LENGTH // 2 :]}"
    return Cell(
        _thumbnail(item, max_pixels),
        item.frame,
        [line for line in (said, verdict, short) if line],
        item.accepted and thresholds,
    )


def _sure(confidence: float) -> str:
    """Never 100 %: nobody is that sure."""
    return f"{min(100 * confidence, 99.9):.1f} %"


def _thumbnail(item: Judged, max_pixels: int) -> Pixels | None:
    """The picture in grey, upright, small; None where it cannot be read."""
    try:
        image = Image.fromarray(decode_image(open_image(item.picture.read(), max_pixels)).grey.pixels)
    except (ServiceError, OSError):
        return None
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    return np.asarray(image)


def _write_answers(evaluation: Evaluation, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("set", "file", "label", "digit", "confidence", "accepted", "reason"))
        for item in (item for judged in evaluation.sets.values() for item in judged):
            digit, confidence = (
                (item.prediction["digit"], item.prediction["confidence"]) if item.prediction else ("", "")
            )
            accepted = item.accepted if evaluation.thresholds else ""
            picture = item.picture
            writer.writerow((picture.group, picture.name, picture.label, digit, confidence, accepted, item.reason))


def _index(evaluation: Evaluation, plots: Sequence[Plot]) -> Iterator[str]:
    yield f"# {evaluation.model}, evaluated"
    yield ""
    yield f"{evaluation.pooled.pictures:,} pictures, through the pipeline that answers `/predict`; model file sha256"
    yield f"`{evaluation.record.sha256}`. Every answer is in [{ANSWERS_FILE}]({ANSWERS_FILE})."
    yield ""
    for table in make_tables(evaluation):
        yield from _markdown(table)
    for note in make_notes(evaluation):
        yield from (note, "")
    for caption, file in plots:
        yield from (f"## {caption}", "", f"![{caption}]({file})", "")


def _markdown(table: Table) -> Iterator[str]:
    yield from (f"## {table.title}", "")
    header = tuple(name.replace("\n", " ") for name in table.header)
    numbers = ["---:"] * (len(table.header) - 1)
    for row in (header, ("---", *numbers), *table.rows, *table.summary):
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
    yield ""


def _slug(name: str, names: Iterable[str]) -> str:
    """A set's name as a part of a file's name; numbered where others of these names would be the same."""
    slug = _ODD.sub("_", name)
    alike = [other for other in names if _ODD.sub("_", other) == slug]
    return f"{slug}_{alike.index(name) + 1}" if len(alike) > 1 else slug
