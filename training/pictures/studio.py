"""The pictures that the recipe `best` learns from beside MNIST, and those of each kind that it is judged by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress

from model.contract import Frames
from training.dataset import NO_DIGIT, Labelled
from training.pictures.degradation import degrade, scan
from training.pictures.fashion import fetch_fashion
from training.pictures.fonts import Typeface, fetch_fonts, split_families
from training.pictures.generation import Draw, Drawn, generate
from training.pictures.glyphs import Show, printed_digits
from training.pictures.nondigits import nondigits
from training.pictures.specimens import draw_branched, draw_characters, draw_forms, draw_rewritten
from training.pictures.surfaces import draw_lit
from training.recipes import Best
from training.stages import Stages

HELD_OUT = 3_000
"""Pictures of each kind that are kept for choices."""
LIT_HELD_OUT = 1_000
"""Of paper in hard light, one in eleven of which framing takes for ink."""
TEST = 10_000
"""Printed digits of families that neither training nor any choice ever met, for each of two sets: scanned, and as
training sees them, photographed. Fonts that imitate handwriting are a set of their own."""
FONT_SPLIT = 1998
"""The seed that splits the font families. It stays when a recipe's seed changes, so that figures can be compared."""

Faces = tuple[Typeface, ...]
Made = tuple[Frames, NDArray[np.int64]]


@dataclass(frozen=True)
class Pictures:
    """By kind; the label of what is no digit is NO_DIGIT."""

    train: Mapping[str, Labelled]
    judge: Mapping[str, Labelled]
    """What the judge alone meets, at last."""
    hold_out: Mapping[str, Labelled]
    test: Mapping[str, Labelled]
    fonts: Mapping[str, list[dict[str, str]]]
    """The families of each part, with their licences."""


def make_pictures(recipe: Best, train: Labelled, hold_out: Labelled, stages: Stages, progress: Progress) -> Pictures:
    """Draw every kind, for training and apart from it: of other writers, other font families, other random numbers.

    Raises FontsError.
    """
    studio = _Studio(stages, len(train.labels), progress)
    for_training, for_choices, for_test = split_families(fetch_fonts(progress), FONT_SPLIT)
    things, other_things = fetch_fashion(progress)
    counts = {kind: serving.pictures for kind, serving in recipe.servings.items()}
    return Pictures(
        train={
            "mnist": train,
            "rewritten": studio.rewritten("rewritten", counts["rewritten"], train),
            "forms": studio.forms("forms", counts["forms"]),
            "printed": studio.printed("printed", counts["printed"], for_training),
            "characters": studio.others("characters", counts["characters"], draw_characters),
            "other": studio.other("other", counts["other"], for_training, train.images, things),
        },
        judge={
            "branched": studio.others("branched", recipe.judge_again_servings["branched"].pictures, draw_branched),
            "lit": studio.others("lit", recipe.judge_again_servings["lit"].pictures, draw_lit),
        },
        hold_out={
            "rewritten": studio.rewritten("rewritten-holdout", HELD_OUT, hold_out),
            "forms": studio.forms("forms-holdout", HELD_OUT),
            "printed": studio.printed("printed-holdout", HELD_OUT, for_choices),
            "characters": studio.others("characters-holdout", HELD_OUT, draw_characters),
            "branched": studio.others("branched-holdout", HELD_OUT, draw_branched),
            "lit": studio.others("lit-holdout", LIT_HELD_OUT, draw_lit),
            "other": studio.other("other-holdout", HELD_OUT, for_choices, hold_out.images, other_things),
        },
        test={
            "printed": studio.printed("printed-test", TEST, _print(for_test), scan),
            "photographed": studio.printed("photographed-test", TEST, _print(for_test)),
            "lettered": studio.printed("lettered-test", HELD_OUT, _hand(for_test), scan),
        },
        fonts={"training": _listed(for_training), "hold-out": _listed(for_choices), "test": _listed(for_test)},
    )


@dataclass(frozen=True)
class _Studio:
    """Where pictures are made, each set a stage of its own."""

    stages: Stages
    images: int
    """That MNIST's are split into for training: what is held out is drawn from the others."""
    progress: Progress

    def rewritten(self, name: str, count: int, data: Labelled) -> Labelled:
        arguments = (data.images, data.labels)
        return self._stage(
            name,
            count,
            lambda seed: _digits(
                generate(draw_rewritten, arguments, count, seed, self.progress, f"Draw {name}", workers=None)
            ),
        )

    def forms(self, name: str, count: int) -> Labelled:
        return self._stage(
            name,
            count,
            lambda seed: _digits(generate(draw_forms, (), count, seed, self.progress, f"Draw {name}", workers=None)),
        )

    def others(self, name: str, count: int, draw: Draw) -> Labelled:
        return self._stage(
            name,
            count,
            lambda seed: _others(generate(draw, (), count, seed, self.progress, f"Draw {name}", workers=None).frames),
        )

    def printed(self, name: str, count: int, faces: Faces, show: Show = degrade) -> Labelled:
        return self._stage(name, count, lambda seed: printed_digits(faces, count, seed, self.progress, show=show)[:2])

    def other(self, name: str, count: int, faces: Faces, digits: Frames, things: Frames) -> Labelled:
        return self._stage(
            name,
            count,
            lambda seed: _others(nondigits(faces, digits, things, count, seed, self.progress).frames),
        )

    def _stage(self, name: str, count: int, make: Callable[[int], Made]) -> Labelled:
        made = self.stages.run(name, {"pictures": count, "images": self.images}, lambda seed: _tensors(*make(seed)))
        return Labelled(made["images"].numpy(), made["labels"].numpy())


def _print(faces: Faces) -> Faces:
    return tuple(face for face in faces if face.is_print)


def _hand(faces: Faces) -> Faces:
    return tuple(face for face in faces if face.has_digits and not face.is_print)


def _listed(faces: Faces) -> list[dict[str, str]]:
    families = [face.family for face in faces]
    return [{"name": each.name, "licence": each.licence, "packages": each.packages} for each in families]


def _digits(drawn: Drawn) -> Made:
    return drawn.frames, np.array([int(kind) for kind in drawn.kinds], np.int64)


def _others(frames: Frames) -> Made:
    return frames, np.full(len(frames), NO_DIGIT, np.int64)


def _tensors(frames: Frames, labels: NDArray[np.int64]) -> Mapping[str, Any]:
    return {"images": torch.from_numpy(np.ascontiguousarray(frames)), "labels": torch.from_numpy(labels)}
