"""The recipe `paper`: LeNet-5 of 1998, its loss and its distortions."""

import math
from typing import Any

import torch
from rich.progress import Progress
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from training.dataset import Labelled
from training.distortion import distort
from training.lenet1998 import PARAMETERS, LeNet1998
from training.network import Loss, to_tensors, validate
from training.recipes import Paper
from training.trained import Epoch, Trained

_WARM_UP = 0.15
"""The share of the steps in which the learning rate rises; in the rest it falls as a cosine does."""

_NETWORK = (
    "The form of 1998: the image within a border of two pixels and in the paper's grey levels; two convolutions, of\n"
    "which the second sees the maps that Table I connects; subsampling with a coefficient and a bias for each map;\n"
    "a third convolution and a dense layer; 1.7159·tanh(2x/3) after each of them; squared distances from ten drawn\n"
    "characters of 7 by 12 pixels. Border, levels, the division by the temperature and the softmax are part of the\n"
    "file. In the layers file the activations are divided by 1.7159, so that they lie in [-1, 1]."
)


def train_paper(recipe: Paper, train: Labelled, hold_out: Labelled, progress: Progress) -> Trained:
    """Train a new network."""
    net = LeNet1998(recipe.spread).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loss = paper_loss(recipe.rubbish)
    images, labels = to_tensors(train)
    steps = -(-len(labels) // recipe.batch_size) * recipe.epochs
    optimizer = torch.optim.Adam(net.parameters(), recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=steps, pct_start=_WARM_UP, cycle_momentum=False
    )
    task = progress.add_task(f"Train {recipe.name}", total=steps)
    history = []
    for epoch in range(1, recipe.epochs + 1):
        total, right = 0.0, 0
        for batch in torch.split(torch.randperm(len(labels)), recipe.batch_size):
            distorted = distort(images[batch], recipe.shift, recipe.scale, recipe.squeeze, recipe.shear)
            logits = net(distorted)
            batch_loss = loss(logits, labels[batch])
            optimizer.zero_grad()
            batch_loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += batch_loss.item() * len(batch)
            right += int((logits.argmax(1) == labels[batch]).sum())
            progress.advance(task)
        history.append(Epoch(epoch, total / len(labels), right / len(labels), *validate(net, hold_out, loss)))
        progress.update(task, description=f"Train {recipe.name}: {history[-1].describe(recipe.epochs)}")
    return Trained(net, history, _facts(recipe))


def paper_loss(rubbish: float) -> Loss:
    """Equation 9 of the paper: y of the right class + log(exp(-rubbish) + the sum of exp(-y) over all classes).

    That is the cross entropy among eleven classes, the last of which gets the same penalty whatever the image: once a
    wrong class is clearly worse than that, it is pushed no farther away. Here -y are the logits.
    """

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(pad(logits, (0, 1), value=-rubbish), labels)

    return loss


def _facts(recipe: Paper) -> dict[str, Any]:
    return {
        "network": _NETWORK,
        "optimizer": "Adam on one cycle",
        "loss": f"the paper's loss (its equation 9; j = {recipe.rubbish:g}, a nat for {recipe.spread:g} of distance²)",
        "initialisation": "uniform in ±2.4 / fan-in",
        "distortion": (
            f"images shifted by up to {recipe.shift:g} pixels, scaled by up to {math.expm1(recipe.scale):.0%}, squeezed"
            f" by up to {math.expm1(recipe.squeeze):.0%} and sheared by up to {recipe.shear:g}, anew in every epoch"
        ),
        "parameters": sum(PARAMETERS.values()),
    }
