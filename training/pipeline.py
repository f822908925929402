"""From a dataset to the folder that the service reads: train, choose, export, verify, evaluate, record."""

import base64
import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress

from model.contract import INPUT_NAME, LABELS, LAYERS_FILE, LOGITS, MODEL_FILE, NAME, PROBABILITIES, RECORD_FILE, SIZE
from model.plots import draw_confusion, draw_curves
from model.record import Golden, Record
from model.scores import confusion_matrix, expected_calibration_error
from training.artifacts import CARD_FILE, CONFUSION_FILE, CURVES_FILE, replacing
from training.calibration import choose_acceptance, fit_temperature
from training.card import LIMITS, write_card
from training.dataset import Labelled, Mnist
from training.evaluation import evaluate
from training.export import (
    Answers,
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
from training.train import train
from training.trained import Trained

_NOT_IN_FILE = ("history", "seconds", "cpu_seconds")
"""Left to the record: without times, training again gives the same file and not only the same weights."""

COVERAGE = 0.995
"""The least share of the hold-out that must be accepted."""


def make_artifacts(recipe: Recipe, seed: int, mnist: Mnist, out: Path, progress: Progress) -> Record:
    """Train a model and write everything about it into `out`, all of it or nothing.

    Every choice is made on the hold-out. The test set is met once, at the end, by the exported file. Raises
    ExportError if the file does not compute what the network does, OSError if `out` cannot be written to.
    """
    out.mkdir(parents=True, exist_ok=True)  # a place that cannot be written to is found out before training
    started, started_cpu = time.perf_counter(), time.process_time()
    training, hold_out = mnist.train.split(recipe.hold_out)
    trained = train(recipe, seed, training, hold_out, progress)
    facts = _training(recipe, seed, len(training.labels), trained)
    temperature = fit_temperature(predict(trained.net, hold_out).numpy(), hold_out.labels)

    with replacing(out) as folder:
        with step(progress, "Export"):
            _export(trained.net, temperature, folder, hold_out)
        with step(progress, "Evaluate"):
            chosen_on, met_once = (run_file(folder / MODEL_FILE, data.images) for data in (hold_out, mnist.test))
        facts |= {
            "seconds": round(time.perf_counter() - started, 1),
            "cpu_seconds": round(time.process_time() - started_cpu, 1),
        }
        with step(progress, "Record"):
            record = _record(recipe, facts, mnist, temperature, folder, (hold_out, chosen_on), (mnist.test, met_once))
            record.write(folder / RECORD_FILE)
            write_card(record, folder / CARD_FILE)
            draw_curves(facts["history"], folder / CURVES_FILE)
            digits = met_once.probabilities.argmax(axis=1)
            draw_confusion(confusion_matrix(mnist.test.labels, digits), "MNIST test", folder / CONFUSION_FILE)
    return record


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
    mnist: Mnist,
    temperature: float,
    folder: Path,
    hold_out: tuple[Labelled, Answers],
    test: tuple[Labelled, Answers],
) -> Record:
    """Everything known, with the digests of the model files, which get their metadata here."""
    acceptance = choose_acceptance(hold_out[1].probabilities, hold_out[1].evidence, COVERAGE)
    sets = {"mnist_holdout": hold_out, "mnist_test": test}
    evaluation = {name: evaluate(answers, data, acceptance) for name, (data, answers) in sets.items()}
    data = {"name": "MNIST", "sha256": dict(mnist.sha256)}
    metadata = {
        "version": recipe.version,
        "labels": json.dumps(LABELS),
        "data": json.dumps(data),
        "training": json.dumps({key: value for key, value in facts.items() if key not in _NOT_IN_FILE}),
        "temperature": str(temperature),
        "test_accuracy": str(evaluation["mnist_test"]["accuracy"]),
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
        outputs={name: {"type": "float32", "shape": ["batch", len(LABELS)]} for name in (PROBABILITIES, LOGITS)},
        data=data,
        training=facts,
        evaluation=evaluation,
        calibration={
            "temperature": round(temperature, 6),
            "fitted_on": "mnist_holdout",
            "bins": 15,
            "ece": {
                name: round(expected_calibration_error(answers.probabilities, data.labels), 6)
                for name, (data, answers) in sets.items()
            },
        },
        acceptance=acceptance,
        limits=list(LIMITS),
        golden=_golden(*hold_out),
    )


def _golden(data: Labelled, answers: Answers) -> Golden:
    """The image that was read right with the most confidence."""
    right = answers.probabilities.argmax(axis=1) == data.labels
    best = int(np.argmax(np.where(right, answers.probabilities.max(axis=1), 0)))
    return Golden(
        image=base64.b64encode(data.images[best].tobytes()).decode(),
        digit=int(data.labels[best]),
        probabilities=[float(value) for value in answers.probabilities[best]],
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
