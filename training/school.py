"""Who learns what in the recipe `best`: the teachers, LeNet-5 from their answers, and its judge."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from rich.progress import Progress

from training.augmentation import Distortion, distort, distort_framed
from training.corpus import Mixture, Source
from training.dataset import Labelled
from training.device import to_device
from training.pictures.studio import Pictures
from training.recipes import Best, Portion
from training.rejection import JudgedLeNet5, train_judge
from training.stages import Stages
from training.student import Lessons, ask_teachers, train_student, write_versions
from training.teacher import Teacher, train_teacher
from training.trained import Epoch

_NOT_DIGITS = ("characters", "other")


class School:
    """The networks of one run, each a stage: what was finished is not done again."""

    def __init__(
        self,
        recipe: Best,
        pictures: Pictures,
        stages: Stages,
        depends_on: Mapping[str, Mapping[str, Any]],
        progress: Progress,
    ) -> None:
        """`depends_on`: what each stage depends on, by its name."""
        self._recipe, self._stages, self._depends_on, self._progress = recipe, stages, depends_on, progress
        self._sources = _sources(pictures.train, recipe.servings)
        self._for_judge = _sources(pictures.judge, recipe.judge_again_servings)

    def teacher(self, name: str, number: int, epochs: int, kinds: Iterable[str]) -> Teacher:
        """A network that has learned these kinds, and is done learning; of several alike, the one of this number."""

        def learn(_: int) -> dict[str, Any]:
            lessons = self._mixed(self._served(kind) for kind in kinds)
            return train_teacher(self._recipe, epochs, lessons, self._progress).state_dict()

        net = to_device(Teacher(self._recipe.teacher_widths)).eval()
        net.load_state_dict(self._stages.run(f"{name}-{number}", self._depends_on[name], learn))
        return net

    def student(
        self, teachers: Mapping[str, Sequence[Teacher]], hold_out: Labelled
    ) -> tuple[JudgedLeNet5, list[Epoch]]:
        """LeNet-5, taught each kind of digit by its teachers; and its epochs."""

        def learn(_: int) -> dict[str, Any]:
            net, history = train_student(self._recipe, self._lessons(teachers), hold_out, self._progress)
            return {"net": net.state_dict(), "history": [asdict(epoch) for epoch in history]}

        made = self._stages.run("student", self._depends_on["student"], learn)
        net = to_device(JudgedLeNet5())
        net.load_state_dict(made["net"])
        net.confidence_weight = self._recipe.judge_confidence_weight
        return net, [Epoch(**epoch) for epoch in made["history"]]

    def _lessons(self, teachers: Mapping[str, Sequence[Teacher]]) -> Lessons:
        """Pictures of every kind, MNIST's digits moved and framed again, and what their teachers say of each."""
        sources = {kind: self._moved_and_framed() if kind == "mnist" else self._served(kind) for kind in self._sources}
        taught = [ask_teachers(teachers.get(kind, []), source, self._progress) for kind, source in sources.items()]
        return Lessons(self._mixed(sources.values()), torch.cat(taught))

    def _moved_and_framed(self) -> Source:
        """MNIST's digits, weakly distorted: LeNet-5 has no room for all that teachers learn from them."""
        recipe = self._recipe
        return self._in_versions(
            self._sources["mnist"], recipe.student_versions, recipe.student_strength, distort, distort_framed
        )

    def teach_judge(self, net: JudgedLeNet5) -> None:
        """Train the judge of a network that is done: on distorted pictures, then on those that got past it before."""
        recipe = self._recipe

        def learn(epochs: int, lessons: Iterable[Source]) -> dict[str, Any]:
            train_judge(recipe, epochs, net, self._mixed(lessons), self._progress)
            return net.judge.state_dict()

        def first(_: int) -> dict[str, Any]:
            versions, strength = recipe.judge_versions, recipe.judge_strength
            return learn(
                recipe.judge_epochs,
                (self._in_versions(source, versions, strength, distort) for source in self._sources.values()),
            )

        def again(_: int) -> dict[str, Any]:
            return learn(recipe.judge_again_epochs, [*self._sources.values(), *self._for_judge.values()])

        for name, stage in (("judge", first), ("judge-again", again)):
            net.judge.load_state_dict(self._stages.run(name, self._depends_on["judge"], stage))

    def _served(self, kind: str) -> Source:
        serving = self._recipe.servings[kind]
        return self._in_versions(self._sources[kind], serving.versions, serving.strength, distort)

    def _in_versions(self, source: Source, versions: int, strength: float, *distortions: Distortion) -> Source:
        """So many versions by each of the distortions."""
        written = [write_versions(source, versions, strength, each, self._progress) for each in distortions]
        return source.in_versions(torch.cat(written))

    def _mixed(self, lessons: Iterable[Source]) -> Mixture:
        return Mixture(list(lessons), self._recipe.epoch_images)


def digits_of(recipe: Best) -> list[str]:
    """The kinds of picture that show one."""
    return [kind for kind in recipe.servings if kind not in _NOT_DIGITS]


def _sources(pictures: Mapping[str, Labelled], servings: Mapping[str, Portion]) -> dict[str, Source]:
    return {kind: Source.of(pictures[kind], serving.share) for kind, serving in servings.items()}
