"""How a model is trained: every number that has to be chosen, in one place.

Each kind of recipe is a class, trained by the function that `training.train` names for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """What every way to train has to choose."""

    name: str
    version: str
    """Of the model it makes."""
    purpose: str
    epochs: int
    hold_out: int
    """So many of the last training images are kept out of training; every choice is made on them."""


@dataclass(frozen=True)
class Article(Recipe):
    """Plain gradient descent. What is not here is not a choice: cross entropy, plain pixels / 255."""

    batch_size: int
    learning_rate: float
    momentum: float


@dataclass(frozen=True)
class Portion:
    """How much there is of one kind of picture."""

    pictures: int
    """Made for it; of MNIST's digits, all that are not held out are taken."""
    share: float
    """How many are drawn in an epoch, as a fraction of its images."""


@dataclass(frozen=True)
class Serving(Portion):
    """How one kind of picture is served to the networks. The shares of all kinds are 1 together."""

    versions: int
    """Of each picture, from as it is to distorted by `strength`; of MNIST's digits, for the teachers alone."""
    strength: float


@dataclass(frozen=True)
class Course:
    """Some of the epochs, in which the learning rates rise and fall once."""

    share: float
    """Of the epochs."""
    temperature: float
    """Of the teachers' answers: where it is high, how unlikely each digit is counts as well; at 1, what decides."""
    rate: float
    """The learning rates at their highest, as fractions of the recipe's."""


@dataclass(frozen=True)
class Paper(Recipe):
    """The paper's network, loss and distortions; Adam, whose step rises and falls once, for its optimizer."""

    batch_size: int
    learning_rate: float
    """At its highest."""
    spread: float
    """The squared distance from a character in F6 that counts as one nat, in the loss as in the logits."""
    rubbish: float
    """The paper's j: the penalty, in nats, of the class of all that is no digit."""
    shift: float
    """Of the digits in training, in pixels; this and the next three: see training.distortion."""
    scale: float
    squeeze: float
    shear: float


@dataclass(frozen=True)
class Best(Recipe):
    """Distillation: LeNet-5 learns from the answers of several teachers.

    One of them, the generalist, learns all kinds of digit; the specialists MNIST's alone, of which all are asked.

    Beside MNIST there are pictures made for it (see training.pictures); those of no digit teach LeNet-5's judge. All
    networks are trained by Muon, and by SGD with Nesterov's momentum what is no weight of a hidden layer (see
    training.descent).
    """

    batch_size: int
    muon_learning_rate: float
    """At its highest, as is the next."""
    learning_rate: float
    muon_momentum: float
    """The teachers' too, as is the next."""
    momentum: float
    muon_weight_decay: float
    """LeNet-5's alone: what a step takes away from the weights of hidden layers, as a fraction of Muon's rate."""
    epoch_images: int
    """Images of an epoch, drawn from every kind according to its share."""
    courses: tuple[Course, ...]
    """One after the other. Their shares of the epochs are 1 together."""
    student_versions: int
    """Of each of MNIST's digits for LeNet-5, moved, and as many framed again; of both the first is as it is."""
    student_strength: float
    """How strongly the last of both is distorted."""
    label_weight: float
    """Of the cross entropy with the labels; the rest is for the teachers' answers."""
    rejection_weight: float
    """Of the judge's loss beside the network's."""
    judge_epochs: int
    """Of the judge alone, once the network is done."""
    judge_batch_size: int
    judge_learning_rate: float
    judge_versions: int
    """Of each picture for that, and how strongly the last is distorted."""
    judge_strength: float
    judge_again_epochs: int
    """Of the judge once more, on pictures as they are, and on those that got past it before."""
    judge_again_servings: Mapping[str, Portion]
    """These: `branched` characters, and empty paper in hard light. Their shares come on top of the others'."""
    judge_confidence_weight: float
    """Of the logarithm of the calibrated confidence beside what the judge says, in the evidence."""
    teacher_widths: tuple[int, int, int]
    """Channels; the very first convolution has half as many as the first says."""
    generalist_epochs: int
    specialists: int
    """So many, which differ by their random numbers."""
    specialist_epochs: int
    """Shorter ones: as many images as there are of MNIST's in another."""
    teacher_batch_size: int
    teacher_muon_learning_rate: float
    teacher_learning_rate: float
    teacher_weight_decay: float
    servings: Mapping[str, Serving]
    """By kind of picture: `mnist`; `rewritten`, MNIST's digits in other pens, photographed; `forms`, digits in forms
    that MNIST lacks; `printed`; and no digits: `characters`, drawn with the same pens, and `other` things."""
    candidates: int
    """Finished models whose figures on the test set were looked at, the one shipped included."""


PAPER = Paper(
    name="paper",
    version="1998.0.0",
    purpose="LeNet-5 as it was published in 1998",
    epochs=30,
    batch_size=128,
    learning_rate=0.006,
    spread=10.0,
    rubbish=4.0,
    shift=2.0,
    scale=0.15,
    squeeze=0.1,
    shear=0.2,
    hold_out=10_000,
)

ARTICLE = Article(
    name="article",
    version="1.0.0",
    purpose="plain gradient descent, as introductions to LeNet-5 teach it",
    epochs=10,
    batch_size=128,
    learning_rate=0.1,
    momentum=0.0,
    hold_out=10_000,
)

BEST = Best(
    name="best",
    version="2.8.0",
    purpose="distillation from larger networks, on MNIST and on pictures made for what MNIST lacks",
    epochs=100,
    batch_size=256,
    muon_learning_rate=0.02,
    learning_rate=0.1,
    muon_momentum=0.95,
    momentum=0.9,
    muon_weight_decay=0.03,
    hold_out=5_000,
    epoch_images=240_000,
    courses=(
        Course(share=0.94, temperature=8.0, rate=1.0),
        Course(share=0.06, temperature=2.0, rate=0.3),
    ),
    student_versions=8,
    student_strength=0.5,
    label_weight=0.1,
    rejection_weight=0.5,
    judge_epochs=40,
    judge_batch_size=2_000,
    judge_learning_rate=3e-3,
    judge_versions=2,
    judge_strength=0.3,
    judge_again_epochs=40,
    judge_again_servings={
        "branched": Portion(pictures=10_000, share=0.04),
        "lit": Portion(pictures=4_000, share=0.035),
    },
    judge_confidence_weight=4.0,
    teacher_widths=(32, 64, 128),
    generalist_epochs=6,
    specialists=4,
    specialist_epochs=4,
    teacher_batch_size=200,
    teacher_muon_learning_rate=0.05,
    teacher_learning_rate=0.15,
    teacher_weight_decay=5e-4,
    servings={
        "mnist": Serving(pictures=55_000, share=0.60, versions=12, strength=1.0),
        "rewritten": Serving(pictures=30_000, share=0.10, versions=3, strength=0.4),
        "forms": Serving(pictures=30_000, share=0.09, versions=3, strength=0.4),
        "printed": Serving(pictures=30_000, share=0.09, versions=2, strength=0.3),
        "characters": Serving(pictures=30_000, share=0.06, versions=2, strength=0.3),
        "other": Serving(pictures=25_000, share=0.06, versions=2, strength=0.3),
    },
    candidates=12,
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (ARTICLE, BEST, PAPER)}
