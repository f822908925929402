"""From a dataset to the folder that the service reads: train, choose, export, verify, evaluate, record."""

import base64
import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress

from model.contract import (
    EVIDENCE,
    INPUT_NAME,
    LABELS,
    LAYERS_FILE,
    LOGITS,
    MODEL_FILE,
    NAME,
    PROBABILITIES,
    RECORD_FILE,
    SIZE,
)
from model.plots import draw_confusion, draw_curves, draw_reliability, draw_risk_coverage
from model.record import Acceptance, Golden, Record
from model.scores import BINS, bootstrap_interval, confusion_matrix, expected_calibration_error
from training.artifacts import CARD_FILE, CONFUSION_FILE, CURVES_FILE, RELIABILITY_FILE, RISK_FILE, replacing
from training.calibration import choose_acceptance, fit_temperature
from training.card import limits, set_name, write_card
from training.dataset import Labelled, Mnist
from training.evaluation import Answered, evaluate, evaluate_rejection
from training.export import (
    export_calibrated,
    export_layers,
    run_file,
    verify_export,
    verify_layers,
    write_metadata,
)
from training.network import Network, predict
from training.progress import step
from training.recipes import Recipe
from training.spent import spent
from training.train import train
from training.trained import Trained

_NOT_IN_FILE = ("history", "seconds", "cpu_seconds")
"""Left to the record: without times, training again gives the same file and not only the same weights."""

COVERAGE = 0.997
"""The least share of MNIST's hold-out that must be accepted.

Of digits never seen 99.5 % are wanted; a share of 5,000 is known to 0.1 %, and this leaves two of these.
"""
COVERAGE_BESIDE = 0.96
"""The least share of each other hold-out of digits; among photographed ones are some that nobody can read."""

HOLD_OUT, TEST = "mnist_holdout", "mnist_test"


def make_artifacts(recipe: Recipe, seed: int, mnist: Mnist, out: Path, progress: Progress) -> Record:
    """Train a model and write everything about it into `out`, all of it or nothing.

    Every choice is made on hold-outs. The test sets are met once, at the end, by the exported file. Raises ExportError
    if the file does not compute what the network does, FontsError, OSError if `out` cannot be written to.
    """
    out.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=out).close()  # a place that cannot be written to is found out before training
    started = spent()
    training, hold_out = mnist.train.split(recipe.hold_out)
    trained = train(recipe, seed, training, hold_out, progress)
    facts = _training(recipe, seed, len(training.labels), trained)
    temperature = fit_temperature(predict(trained.net, hold_out).numpy(), hold_out.labels)

    with replacing(out) as folder:
        with step(progress, "Export"):
            _export(trained.net, temperature, folder, hold_out)
        with step(progress, "Evaluate"):
            images = {HOLD_OUT: hold_out, **_named(trained.hold_outs, "holdout")}
            images |= {TEST: mnist.test, **_named(trained.tests, "test")}
            sets = {name: Answered(each, run_file(folder / MODEL_FILE, each.images)) for name, each in images.items()}
        total = trained.spent_earlier + (spent() - started)
        facts |= {"seconds": round(total.seconds, 1), "cpu_seconds": round(total.cpu_seconds, 1)}
        with step(progress, "Record"):
            data = {"name": "MNIST", "sha256": dict(mnist.sha256), **trained.data}
            record = _record(recipe, facts, data, temperature, folder, sets)
            record.write(folder / RECORD_FILE)
            write_card(record, folder / CARD_FILE)
            _draw(record, sets, folder)
    trained.forget()
    return record


def _named(sets: Mapping[str, Labelled], part: str) -> dict[str, Labelled]:
    return {f"{kind}_{part}": data for kind, data in sets.items()}


def _draw(record: Record, sets: Mapping[str, Answered], folder: Path) -> None:
    """Every picture of the card."""
    test = sets[TEST]
    draw_curves(record.training["history"], folder / CURVES_FILE)
    matrix = confusion_matrix(test.data.labels, test.answers.probabilities.argmax(axis=1))
    draw_confusion(matrix, set_name(TEST), folder / CONFUSION_FILE)
    digits = {
        set_name(name): (each.answers.probabilities, each.data.labels)
        for name, each in sets.items()
        if each.shows_digits and name != HOLD_OUT
    }
    draw_reliability({set_name(TEST): digits[set_name(TEST)]}, folder / RELIABILITY_FILE)
    draw_risk_coverage(digits, folder / RISK_FILE)


def _export(net: Network, temperature: float, folder: Path, hold_out: Labelled) -> None:
    export_calibrated(net, temperature, folder / MODEL_FILE)
    export_layers(net, folder / LAYERS_FILE)
    verify_export(net, temperature, folder / MODEL_FILE, hold_out.images)
    verify_layers(net, folder / LAYERS_FILE, hold_out.images)


def _training(recipe: Recipe, seed: int, images: int, trained: Trained) -> dict[str, Any]:
    numbers = {key: value for key, value in asdict(recipe).items() if key not in ("name", "version", "hold_out")}
    return {
        "recipe": recipe.name,
        **numbers,
        "hold_out": recipe.hold_out,
        "seed": seed,
        "images": images,
        **trained.facts,
        "torch": torch.__version__,
        "history": [{key: round(value, 6) for key, value in asdict(epoch).items()} for epoch in trained.history],
    }


def _record(
    recipe: Recipe,
    facts: dict[str, Any],
    data: dict[str, Any],
    temperature: float,
    folder: Path,
    sets: Mapping[str, Answered],
) -> Record:
    """Everything known, with the digests of the model files, which get their metadata here."""
    digits = {name: answered for name, answered in sets.items() if answered.shows_digits}
    acceptance = _acceptance(digits)
    evaluation = {
        name: evaluate(answered, acceptance)
        if answered.shows_digits
        else evaluate_rejection(answered, sets[HOLD_OUT], acceptance)
        for name, answered in sets.items()
    }
    metadata = {
        "version": recipe.version,
        "labels": json.dumps(LABELS),
        "data": json.dumps({key: data[key] for key in ("name", "sha256")}),
        "training": json.dumps({key: value for key, value in facts.items() if key not in _NOT_IN_FILE}),
        "temperature": str(temperature),
        "test_accuracy": str(evaluation[TEST]["accuracy"]),
    }
    write_metadata(folder / MODEL_FILE, {"name": NAME, **metadata})
    write_metadata(folder / LAYERS_FILE, {"name": f"{NAME}-layers", **metadata})
    return Record(
        name=NAME,
        version=recipe.version,
        sha256=_sha256(folder / MODEL_FILE),
        layers_sha256=_sha256(folder / LAYERS_FILE),
        labels=list(LABELS),
        input={"name": INPUT_NAME, "type": "float32", "shape": ["batch", 1, SIZE, SIZE], "range": [0, 1]},
        outputs={name: {"type": "float32", "shape": ["batch", len(LABELS)]} for name in (PROBABILITIES, LOGITS)}
        | {EVIDENCE: {"type": "float32", "shape": ["batch"]}},
        data=data,
        training=facts,
        evaluation=evaluation,
        calibration=_calibration(temperature, digits),
        acceptance=acceptance,
        limits=list(limits(digits_only=len(digits) == len(sets))),
        golden=_golden(sets[HOLD_OUT]),
    )


def _acceptance(digits: Mapping[str, Answered]) -> Acceptance:
    return choose_acceptance(
        [
            (
                answered.answers.probabilities,
                answered.answers.evidence,
                COVERAGE if name == HOLD_OUT else COVERAGE_BESIDE,
            )
            for name, answered in digits.items()
            if name.endswith("holdout")
        ]
    )


def _calibration(temperature: float, digits: Mapping[str, Answered]) -> dict[str, Any]:
    answers = {name: (answered.answers.probabilities, answered.data.labels) for name, answered in digits.items()}
    return {
        "temperature": round(temperature, 6),
        "fitted_on": HOLD_OUT,
        "bins": BINS,
        "ece": {name: round(expected_calibration_error(*each), 6) for name, each in answers.items()},
        "interval_95": {
            name: [round(bound, 6) for bound in bootstrap_interval(*each)] for name, each in answers.items()
        },
    }


def _golden(answered: Answered) -> Golden:
    """The image that was read right with the most confidence."""
    data, answers = answered.data, answered.answers
    right = answers.probabilities.argmax(axis=1) == data.labels
    best = int(np.argmax(np.where(right, answers.probabilities.max(axis=1), 0)))
    return Golden(
        image=base64.b64encode(data.images[best].tobytes()).decode(),
        digit=int(data.labels[best]),
        probabilities=[float(value) for value in answers.probabilities[best]],
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
