"""How a model is trained: every number that has to be chosen, in one place.

Each kind of recipe is a class, trained by the function that `training.train` names for it.
"""

from dataclasses import dataclass, fields


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
class Best(Recipe):
    """Distillation: a teacher learns from every kind of digit, LeNet-5 learns from the teacher's answers.

    Beside MNIST there are pictures made for it (`training.pictures`), and pictures that are no digit teach a judge.
    """

    # LeNet-5: SGD with Nesterov's momentum, the learning rate up over a tenth of the steps, then down along a cosine.
    batch_size: int
    learning_rate: float
    momentum: float
    distillation_temperature: float
    label_weight: float
    """Of the cross entropy with the labels; the rest is for the teacher's answers."""
    rejection_weight: float
    """Of the judge's loss beside the network's."""

    # The teacher: the same, the learning rate in one cycle.
    teacher_widths: tuple[int, int, int]
    """Channels."""
    teacher_epochs: int
    teacher_batch_size: int
    teacher_learning_rate: float
    teacher_decay: float

    # Pictures: how many are made of each kind, and how many of each pass's images are drawn from them, as fractions of
    # the number of MNIST's.
    pass_size: int
    """Images of an epoch are this many times the sum of all shares."""
    mnist: "Serving"
    rewritten: "Serving"
    """MNIST's digits in other pens, photographed."""
    forms: "Serving"
    """Digits in forms that MNIST lacks."""
    printed: "Serving"
    characters: "Serving"
    """Drawn with the same pens as the digits, no digits."""
    other: "Serving"
    """Rendered letters, shapes, textures, clothes: no digits."""

    @property
    def servings(self) -> "dict[str, Serving]":
        """By the name of the kind of picture."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.type == '"Serving"'}


@dataclass(frozen=True)
class Serving:
    """How one kind of picture is served to the networks."""

    pictures: int
    """Made for it; of MNIST's digits, all that are not held out."""
    share: float
    """Of `pass_size`, in every epoch."""
    versions: int
    """Of each picture, from clean to distorted by `strength`."""
    strength: float


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

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (ARTICLE, PAPER)}
