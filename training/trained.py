"""What training gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from training.dataset import Labelled
from training.network import Network
from training.spent import NO_TIME, Spent


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

    def describe(self, epochs: int) -> str:
        """The epoch in a few words, for a progress bar; `epochs` is how many there will be."""
        return f"epoch {self.epoch}/{epochs}, validation {self.validation_accuracy:.2%}"


@dataclass(frozen=True)
class Trained:
    """A network, and how it came about."""

    net: Network
    history: Sequence[Epoch]
    facts: Mapping[str, Any]
    """What the record says of the training beside the recipe's own numbers, ready for JSON: `parameters`, their
    number, `optimizer`, `loss`, `initialisation`, and `network` in words unless it is the one of `training.lenet`."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What it learned from beside MNIST, ready for JSON."""
    hold_outs: Mapping[str, Labelled] = field(default_factory=dict)
    """Beside MNIST's: pictures kept for choices, by kind."""
    tests: Mapping[str, Labelled] = field(default_factory=dict)
    """Beside MNIST's: pictures that nothing was chosen on, by kind."""
    spent_earlier: Spent = NO_TIME
    """Before an interruption, on what was not done again."""
    forget: Callable[[], None] = lambda: None
    """To be called when all is written: what was kept to go on with after an interruption is removed."""
