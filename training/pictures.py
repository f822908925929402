"""The pictures that the recipe `best` learns from beside MNIST, and those of each kind that it is judged by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from rich.progress import Progress

from model.contract import Frames
from training.dataset import NO_DIGIT, Labelled
from training.fashion import fetch_fashion
from training.fonts import fetch_fonts, split_families
from training.generation import Drawn, generate
from training.glyphs import printed_digits
from training.nondigits import nondigits
from training.recipes import Best
from training.specimens import draw_characters, draw_forms, draw_rewritten
from training.stages import Stages

HELD_OUT = 4_000
"""Pictures of each kind that are kept for choices."""
TEST = 10_000
"""Printed digits of families that neither training nor any choice ever met."""
FONT_SPLIT = 1998
"""The seed that splits the font families. It stays when a recipe's seed changes, so that figures can be compared."""


@dataclass(frozen=True)
class Pictures:
    """By kind; the label of what is no digit is NO_DIGIT."""

    train: Mapping[str, Labelled]
    hold_out: Mapping[str, Labelled]
    test: Mapping[str, Labelled]


def make_pictures(recipe: Best, train: Labelled, hold_out: Labelled, stages: Stages, progress: Progress) -> Pictures:
    """Draw every kind, for training and apart from it: of other writers, other font families, other random numbers.

    Raises FontsError.
    """
    typefaces = fetch_fonts(progress)
    things, other_things = fetch_fashion(progress)
    counts = {name: serving.pictures for name, serving in recipe.servings.items()}
    for_training, for_choices, for_test = split_families(typefaces, FONT_SPLIT)

    def make(name: str, draw: Callable[[int], tuple[Frames, Any]]) -> Labelled:
        return _labelled(stages.run(name, lambda seed: _tensors(*draw(seed))))

    def written(data: Labelled, count: int) -> Callable[[int], tuple[Frames, Any]]:
        return lambda seed: _digits(
            generate(draw_rewritten, (data.images, data.labels), count, seed, progress, "Rewrite digits", None)
        )

    def forms(count: int) -> Callable[[int], tuple[Frames, Any]]:
        return lambda seed: _digits(generate(draw_forms, (), count, seed, progress, "Write digits", None))

    def characters(count: int) -> Callable[[int], tuple[Frames, Any]]:
        return lambda seed: _others(
            generate(draw_characters, (), count, seed, progress, "Write characters", None).frames
        )

    def printed(faces: Any, count: int) -> Callable[[int], tuple[Frames, Any]]:
        return lambda seed: printed_digits(faces, count, seed, progress)[:2]

    def other(faces: Any, digits: Frames, clothes: Frames, count: int) -> Callable[[int], tuple[Frames, Any]]:
        return lambda seed: _others(nondigits(faces, digits, clothes, count, seed, progress).frames)

    return Pictures(
        train={
            "mnist": train,
            "rewritten": make("rewritten", written(train, counts["rewritten"])),
            "forms": make("forms", forms(counts["forms"])),
            "printed": make("printed", printed(for_training, counts["printed"])),
            "characters": make("characters", characters(counts["characters"])),
            "other": make("other", other(for_training, train.images, things, counts["other"])),
        },
        hold_out={
            "rewritten": make("rewritten-hold-out", written(hold_out, HELD_OUT)),
            "forms": make("forms-hold-out", forms(HELD_OUT)),
            "printed": make("printed-hold-out", printed(for_choices, HELD_OUT)),
            "characters": make("characters-hold-out", characters(HELD_OUT)),
            "other": make("other-hold-out", other(for_choices, hold_out.images, other_things, HELD_OUT)),
        },
        test={"printed": make("printed-test", printed(for_test, TEST))},
    )


def _digits(drawn: Drawn) -> tuple[Frames, Any]:
    return drawn.frames, np.array([int(kind) for kind in drawn.kinds], np.int64)


def _others(frames: Frames) -> tuple[Frames, Any]:
    return frames, np.full(len(frames), NO_DIGIT, np.int64)


def _tensors(frames: Frames, labels: Any) -> Mapping[str, torch.Tensor]:
    return {"images": torch.from_numpy(np.ascontiguousarray(frames)), "labels": torch.from_numpy(labels)}


def _labelled(stored: Mapping[str, torch.Tensor]) -> Labelled:
    return Labelled(stored["images"].numpy(), stored["labels"].numpy())
