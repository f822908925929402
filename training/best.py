"""The recipe `best`: pictures, teachers, student, judge. Each is a stage; what was finished is not done again."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from rich.progress import Progress

from training.convolutions import compiled
from training.dataset import Labelled
from training.device import DEVICE, HAS_BFLOAT16
from training.lenet import PARAMETERS
from training.pictures.studio import make_pictures
from training.recipes import Best
from training.rejection import PARAMETERS as JUDGE_PARAMETERS
from training.school import School, digits_of
from training.stages import Stages
from training.trained import Trained

_TEACHERS_TOO = ("images", "bfloat16", "epoch_images", "muon_momentum", "momentum")
_SAID_ONLY = ("name", "version", "purpose", "candidates")
"""What a recipe says of itself and no weight depends on."""


def train_best(recipe: Best, train: Labelled, hold_out: Labelled, progress: Progress) -> Trained:
    """Train a new network and its judge. Raises FontsError."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))  # teachers and batches are large enough to share
    if DEVICE.type == "cpu" and compiled() is None:
        progress.console.print("No C compiler (cc) makes LeNet-5's convolutions: it will be trained twice as long.")
    stages = Stages(torch.initial_seed(), recipe.version)
    pictures = make_pictures(recipe, train, hold_out, stages, progress)
    school = School(recipe, pictures, stages, _dependencies(recipe, len(train.labels)), progress)
    learns = _kinds_of_teachers(recipe)
    generalist = school.teacher("generalist", 1, recipe.generalist_epochs, learns["generalist"])
    specialists = [
        school.teacher("specialist", number, recipe.specialist_epochs, learns["specialist"])
        for number in range(1, recipe.specialists + 1)
    ]
    teachers = {kind: [generalist] for kind in learns["generalist"]} | {"mnist": [generalist, *specialists]}
    net, history = school.student(teachers, hold_out)
    school.teach_judge(net)
    facts = {
        "optimizer": "Muon, and SGD with Nesterov momentum beside it",
        "loss": "distillation",
        "initialisation": "Glorot uniform, biases zero",
        "parameters": sum(PARAMETERS.values()),
        "judge_parameters": JUDGE_PARAMETERS,
        "teacher_parameters": sum(parameter.numel() for parameter in generalist.parameters()),
        "device": DEVICE.type,
        "teachers_in_bfloat16": HAS_BFLOAT16,
    }
    data = {
        "pictures": {
            kind: len(made.labels) for kind, made in {**pictures.train, **pictures.judge}.items() if kind != "mnist"
        },
        "fonts": pictures.fonts,
        "things": "Fashion-MNIST (MIT), Debian's dataset-fashion-mnist",
        "strokes": "Hershey fonts, by A. V. Hershey at the U.S. National Bureau of Standards",
    }
    return Trained(
        net.cpu(), history, facts, data, pictures.hold_out, pictures.test, stages.spent_earlier, stages.forget
    )


def _kinds_of_teachers(recipe: Best) -> Mapping[str, list[str]]:
    return {"generalist": digits_of(recipe), "specialist": ["mnist"]}


def _dependencies(recipe: Best, images: int) -> Mapping[str, Mapping[str, Any]]:
    """Of each stage after the pictures, which numbers it depends on: its own, and those of the stages before."""
    said = {name: value for name, value in asdict(recipe).items() if name not in _SAID_ONLY}
    numbers = said | {"images": images, "bfloat16": HAS_BFLOAT16}
    teachers = {name: value for name, value in numbers.items() if name.startswith("teacher_") or name in _TEACHERS_TOO}
    return {
        **{
            name: teachers
            | {"epochs": numbers[f"{name}_epochs"], "servings": {kind: numbers["servings"][kind] for kind in kinds}}
            for name, kinds in _kinds_of_teachers(recipe).items()
        },
        "student": {name: value for name, value in numbers.items() if not name.startswith("judge_")},
        "judge": numbers,
    }
