"""The recipe `article`: LeNet-5 of today, and gradient descent on the cross entropy."""

import torch
from rich.progress import Progress
from torch import Tensor
from torch.nn.functional import cross_entropy

from training.dataset import Labelled
from training.lenet import PARAMETERS, LeNet5
from training.network import to_tensors, validate
from training.recipes import Article
from training.trained import Epoch, Trained

_FACTS = {
    "optimizer": "SGD",
    "loss": "cross entropy",
    "initialisation": "Glorot uniform, biases zero",
    "parameters": sum(PARAMETERS.values()),
}


def train_article(recipe: Article, train: Labelled, hold_out: Labelled, progress: Progress) -> Trained:
    """Train a new network."""
    # Channels last makes oneDNN's small convolutions a third faster; it changes where numbers lie, not what they are.
    net = LeNet5().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(net.parameters(), recipe.learning_rate, recipe.momentum)
    images, labels = to_tensors(train)
    steps = -(-len(labels) // recipe.batch_size)
    task = progress.add_task(f"Train {recipe.name}", total=recipe.epochs * steps)
    history = []
    for epoch in range(1, recipe.epochs + 1):
        loss, right = 0.0, 0
        for batch in torch.split(torch.randperm(len(labels)), recipe.batch_size):
            batch_loss, batch_right = _step(net, optimizer, images[batch], labels[batch])
            loss, right = loss + batch_loss * len(batch), right + batch_right
            progress.advance(task)
        history.append(Epoch(epoch, loss / len(labels), right / len(labels), *validate(net, hold_out)))
        progress.update(task, description=f"Train {recipe.name}: {history[-1].describe(recipe.epochs)}")
    return Trained(net, history, _FACTS)


def _step(net: LeNet5, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> tuple[float, int]:
    """One step down the gradient; the batch's mean loss and how many it read right, both before the step."""
    optimizer.zero_grad()
    logits = net(images)
    loss = cross_entropy(logits, labels)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.item(), int((logits.argmax(1) == labels).sum())
