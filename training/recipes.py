"""How a model is trained: every number that has to be chosen, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """One way to train. What is not here is not a choice: cross entropy, plain pixels / 255."""

    name: str
    version: str
    """Of the model it makes."""
    purpose: str
    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    hold_out: int
    """So many of the last training images are kept out of training; every choice is made on them."""


ARTICLE = Recipe(
    name="article",
    version="1.0.0",
    purpose="plain gradient descent, as introductions to LeNet-5 teach it",
    epochs=10,
    batch_size=128,
    learning_rate=0.1,
    momentum=0.0,
    hold_out=10_000,
)

RECIPES = {recipe.name: recipe for recipe in (ARTICLE,)}
