"""The recipe `best`: pictures, teacher, student. Each is a stage; what was finished is not done again."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from rich.progress import Progress

from training.corpus import Mixture, Source
from training.dataset import Labelled
from training.device import DEVICE, to_device
from training.lenet import PARAMETERS
from training.pictures.studio import make_pictures
from training.recipes import Best
from training.rejection import PARAMETERS as JUDGE_PARAMETERS
from training.rejection import JudgedLeNet5, train_judge
from training.stages import Stages
from training.student import ask_teacher, train_student, write_versions
from training.teacher import Teacher, train_teacher
from training.trained import Epoch, Trained

NOT_DIGITS = ("characters", "other")
_TEACHER_TOO = ("epoch_images", "muon_momentum", "momentum")
_SAID_ONLY = ("name", "version", "purpose", "candidates")
"""What a recipe says of itself and no weight depends on."""


def train_best(recipe: Best, train: Labelled, hold_out: Labelled, progress: Progress) -> Trained:
    """Train a new network and its judge. Raises FontsError."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))  # the teacher is large enough to share
    stages = Stages(torch.initial_seed(), recipe.version)
    depends_on = _dependencies(recipe, len(train.labels))
    pictures = make_pictures(recipe, train, hold_out, stages, progress)
    sources = {name: Source.of(pictures.train[name], serving.share) for name, serving in recipe.servings.items()}

    def write(_: int) -> dict[str, Any]:
        return {
            name: write_versions(source, recipe.servings[name].versions, recipe.servings[name].strength, progress)
            for name, source in sources.items()
        }

    written = stages.run("versions", depends_on["versions"], write)
    versions = {name: source.in_versions(written[name]) for name, source in sources.items()}

    def learn(_: int) -> dict[str, Any]:
        digits = [source for name, source in versions.items() if name not in NOT_DIGITS]
        return train_teacher(recipe, Mixture(digits, recipe.epoch_images), progress).state_dict()

    teacher = to_device(Teacher(recipe.teacher_widths))
    teacher.load_state_dict(stages.run("teacher", depends_on["teacher"], learn))

    def study(_: int) -> dict[str, Any]:
        lessons = Mixture(list(versions.values()), recipe.epoch_images)
        taught = ask_teacher(teacher.eval(), lessons, progress)
        net, history = train_student(recipe, lessons, taught, hold_out, progress)
        return {"net": net.state_dict(), "history": [asdict(epoch) for epoch in history]}

    made = stages.run("student", depends_on["student"], study)
    net = to_device(JudgedLeNet5())
    net.load_state_dict(made["net"])
    net.confidence_weight = recipe.judge_confidence_weight

    def judge(_: int) -> dict[str, Any]:
        lessons = [
            source.in_versions(write_versions(source, recipe.judge_versions, recipe.judge_strength, progress))
            for source in sources.values()
        ]
        train_judge(recipe, recipe.judge_epochs, net, Mixture(lessons, recipe.epoch_images), progress)
        return net.judge.state_dict()

    net.judge.load_state_dict(stages.run("judge", depends_on["judge"], judge))

    def judge_again(_: int) -> dict[str, Any]:
        more = [Source.of(made, recipe.judge_again_servings[name].share) for name, made in pictures.judge.items()]
        lessons = Mixture([*sources.values(), *more], recipe.epoch_images)
        train_judge(recipe, recipe.judge_again_epochs, net, lessons, progress)
        return net.judge.state_dict()

    net.judge.load_state_dict(stages.run("judge-again", depends_on["judge"], judge_again))
    facts = {
        "optimizer": "Muon, and SGD with Nesterov momentum beside it",
        "loss": "distillation",
        "initialisation": "Glorot uniform, biases zero",
        "parameters": sum(PARAMETERS.values()),
        "judge_parameters": JUDGE_PARAMETERS,
        "teacher_parameters": sum(parameter.numel() for parameter in teacher.parameters()),
        "device": DEVICE.type,
    }
    history = [Epoch(**epoch) for epoch in made["history"]]
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


def _dependencies(recipe: Best, images: int) -> Mapping[str, Mapping[str, Any]]:
    """Of each stage after the pictures, which numbers it depends on: its own, and those of the stages before."""
    numbers = {name: value for name, value in asdict(recipe).items() if name not in _SAID_ONLY} | {"images": images}
    versions = {"servings": numbers["servings"], "images": images}
    return {
        "versions": versions,
        "teacher": versions
        | {name: value for name, value in numbers.items() if name.startswith("teacher_") or name in _TEACHER_TOO},
        "student": {name: value for name, value in numbers.items() if not name.startswith("judge_")},
        "judge": numbers,
    }
