"""The recipe `best`: pictures, teachers, student. Each is a stage; what was finished is not done again."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

import torch
from rich.progress import Progress

from training.corpus import Mixture, Source
from training.dataset import Labelled
from training.device import DEVICE, IN_BFLOAT16, to_device
from training.lenet import PARAMETERS
from training.pictures.studio import make_pictures
from training.recipes import Best
from training.rejection import PARAMETERS as JUDGE_PARAMETERS
from training.rejection import JudgedLeNet5, train_judge
from training.stages import Stages
from training.student import ask_teachers, train_student, write_versions
from training.teacher import Teacher, train_teacher
from training.trained import Epoch, Trained

NOT_DIGITS = ("characters", "other")
_TEACHERS_TOO = ("epoch_images", "muon_momentum", "momentum")
_SAID_ONLY = ("name", "version", "purpose", "candidates")
"""What a recipe says of itself and no weight depends on."""


def train_best(recipe: Best, train: Labelled, hold_out: Labelled, progress: Progress) -> Trained:
    """Train a new network and its judge. Raises FontsError."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))  # teachers and batches are large enough to share
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

    def learn(epochs: int, kinds: Iterable[str]) -> Callable[[int], dict[str, Any]]:
        lessons = [versions[kind] for kind in kinds]
        return lambda _: train_teacher(recipe, epochs, Mixture(lessons, recipe.epoch_images), progress).state_dict()

    digits = [kind for kind in versions if kind not in NOT_DIGITS]
    generalist, specialist = (to_device(Teacher(recipe.teacher_widths)).eval() for _ in range(2))
    generalist.load_state_dict(
        stages.run("generalist", depends_on["generalist"], learn(recipe.generalist_epochs, digits))
    )
    specialist.load_state_dict(
        stages.run("specialist", depends_on["specialist"], learn(recipe.specialist_epochs, ["mnist"]))
    )

    def study(_: int) -> dict[str, Any]:
        teachers = {kind: [generalist] for kind in digits} | {"mnist": [generalist, specialist]}
        taught = [ask_teachers(teachers.get(kind, []), source, progress) for kind, source in versions.items()]
        whole = Mixture(list(versions.values()), recipe.epoch_images)
        lessons = [whole, whole.with_shares(_sharp_shares(recipe))]
        net, history = train_student(recipe, lessons, torch.cat(taught), hold_out, progress)
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
        "teacher_parameters": sum(parameter.numel() for parameter in generalist.parameters()),
        "device": DEVICE.type,
        "teachers_in_bfloat16": IN_BFLOAT16,
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


def _sharp_shares(recipe: Best) -> list[float]:
    """Of each kind, while what decides is learned."""
    less = (1 - recipe.sharp_mnist_share) / (1 - recipe.servings["mnist"].share)
    return [
        recipe.sharp_mnist_share if kind == "mnist" else less * serving.share
        for kind, serving in recipe.servings.items()
    ]


def _dependencies(recipe: Best, images: int) -> Mapping[str, Mapping[str, Any]]:
    """Of each stage after the pictures, which numbers it depends on: its own, and those of the stages before."""
    numbers = {name: value for name, value in asdict(recipe).items() if name not in _SAID_ONLY} | {"images": images}
    versions = {"servings": numbers["servings"], "images": images}
    teachers = versions | {
        name: value for name, value in numbers.items() if name.startswith("teacher_") or name in _TEACHERS_TOO
    }
    return {
        "versions": versions,
        **{name: teachers | {"epochs": numbers[f"{name}_epochs"]} for name in ("generalist", "specialist")},
        "student": {name: value for name, value in numbers.items() if not name.startswith("judge_")},
        "judge": numbers,
    }
