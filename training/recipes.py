"""How a model is trained: every number that has to be chosen, in one place.

Each kind of recipe is a class, trained by the function that `training.train` names for it.
"""

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

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (ARTICLE,)}
