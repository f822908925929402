"""One way in for every kind of recipe."""

from collections.abc import Callable
from typing import Any

import torch
from rich.progress import Progress

from training.article import train_article
from training.best import train_best
from training.dataset import Labelled
from training.paper import train_paper
from training.recipes import Article, Best, Paper, Recipe
from training.trained import Trained

_TRAINERS: dict[type[Recipe], Callable[[Any, Labelled, Labelled, Progress], Trained]] = {
    Article: train_article,
    Best: train_best,
    Paper: train_paper,
}


def train(recipe: Recipe, seed: int, train: Labelled, hold_out: Labelled, progress: Progress) -> Trained:
    """Train a new network as the recipe says.

    The same seed on the same machine gives the same weights, bit by bit, where it has no GPU.
    """
    # LeNet-5 in small batches is too small to share: a second thread doubles the CPU time and saves none. One thread
    # also adds up in one order, whatever the number of cores.
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    return _TRAINERS[type(recipe)](recipe, train, hold_out, progress)
