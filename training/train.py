"""The training loop."""

from dataclasses import dataclass

import torch
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from model.contract import to_tensor
from training.dataset import Labelled
from training.lenet import LeNet5
from training.recipes import Recipe

_EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images gave.

    Training figures are means over the pass, while the network was still changing; validation figures are of the
    network at its end. Losses are in nats, accuracies fractions.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float


def train(
    recipe: Recipe, seed: int, train: Labelled, hold_out: Labelled, progress: Progress
) -> tuple[LeNet5, list[Epoch]]:
    """Train a new network. The same seed on the same machine gives the same weights, bit by bit."""
    # LeNet-5 is too small to share: a second thread doubles the CPU time and saves none. One thread also adds up
    # in one order, whatever the number of cores.
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    # Channels last makes oneDNN's small convolutions a third faster; it changes where numbers lie, not what they are.
    net = LeNet5().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(net.parameters(), recipe.learning_rate, recipe.momentum)
    images, labels = _tensors(train)
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
        progress.update(task, description=f"Train {recipe.name}: {_describe(history[-1], recipe)}")
    return net, history


def validate(net: LeNet5, data: Labelled) -> tuple[float, float]:
    """Mean cross entropy in nats, and the fraction read right."""
    logits, labels = predict(net, data), torch.from_numpy(data.labels)
    return cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).double().mean().item()


@torch.no_grad()
def predict(net: nn.Module, data: Labelled) -> Tensor:
    """Logits, (N, 10)."""
    images, _ = _tensors(data)
    return torch.cat([net(batch) for batch in torch.split(images, _EVALUATION_BATCH)])


def _step(net: LeNet5, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> tuple[float, int]:
    """One step down the gradient; the batch's mean loss and how many it read right, both before the step."""
    optimizer.zero_grad()
    logits = net(images)
    loss = cross_entropy(logits, labels)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.item(), int((logits.argmax(1) == labels).sum())


def _tensors(data: Labelled) -> tuple[Tensor, Tensor]:
    """float32 (N, 1, 28, 28) in [0, 1] and int64 (N,)."""
    return torch.from_numpy(to_tensor(data.images)), torch.from_numpy(data.labels)


def _describe(epoch: Epoch, recipe: Recipe) -> str:
    return f"epoch {epoch.epoch}/{recipe.epochs}, validation {epoch.validation_accuracy:.2%}"
