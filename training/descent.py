"""How the networks of the recipe `best` go down their loss."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.muon import Muon


@dataclass(frozen=True)
class Rates:
    """Of learning, at their highest, and momentum."""

    hidden: float
    """Muon's, for the weights of hidden layers."""
    hidden_momentum: float
    rest: float
    """Of SGD, with Nesterov's momentum, for biases, normalisation and the output layer."""
    momentum: float
    weight_decay: float = 0.0
    """Of the rest."""
    hidden_weight_decay: float = 0.0
    """Of hidden layers: what a step takes of a weight, as a fraction of Muon's rate at that step."""


class Descent:
    """Two optimizers whose rates rise linearly over the first part of the steps and fall along a cosine to zero."""

    def __init__(self, net: nn.Module, hidden: Sequence[Tensor], rates: Rates, steps: int, rising: float) -> None:
        known = {id(parameter) for parameter in hidden}
        rest = [parameter for parameter in net.parameters() if id(parameter) not in known]
        self._net = net
        self._optimizers = (
            Muon(hidden, rates.hidden, rates.hidden_momentum, rates.hidden_weight_decay),
            torch.optim.SGD(rest, rates.rest, momentum=rates.momentum, nesterov=True, weight_decay=rates.weight_decay),
        )
        warm = max(1, round(rising * steps))
        self._schedules = [
            torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share(step, warm, steps))
            for optimizer in self._optimizers
        ]

    def step(self, loss: Tensor) -> None:
        """One step down the gradient of `loss`."""
        self._net.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in self._optimizers:
            optimizer.step()
        for schedule in self._schedules:
            schedule.step()


def _share(step: int, warm: int, steps: int) -> float:
    """Of the highest rate, at a step counted from zero."""
    if step < warm:
        return (step + 1) / warm
    return (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))) / 2
