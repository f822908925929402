"""An optimizer for the weights of hidden layers, after K. Jordan's "Muon: An optimizer for hidden layers" (2024)."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

_ITERATIONS = 5
_LINEAR, _CUBIC, _QUINTIC = 3.4445, -4.7750, 2.0315
"""The coefficients that the author chose: small singular values grow fastest, the largest need not settle at one."""
_TINY = 1e-7


class Muon(torch.optim.Optimizer):
    """Nesterov's momentum whose step, seen as a matrix, moves alike in all directions: singular values near one.

    A gradient is mostly of a few directions, and descent along it learns the others late. For weights (outputs, …),
    kernels included, but neither for biases nor for an output layer. `torch.optim.Muon` takes no kernels, and computes
    in bfloat16, which many processors do slowly.
    """

    def __init__(
        self, parameters: Iterable[Tensor], learning_rate: float, momentum: float, weight_decay: float = 0.0
    ) -> None:
        """`weight_decay`: what a step takes away of a weight, as a fraction of the learning rate."""
        super().__init__(parameters, {"lr": learning_rate, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every weight once. There is no closure."""
        assert closure is None
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                if not state:
                    state["mean"] = torch.zeros_like(weight)
                mean = state["mean"].lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(mean, group["momentum"]).flatten(1)
                length = group["lr"] * max(1.0, ahead.shape[0] / ahead.shape[1]) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.sub_(length * orthogonal(ahead).view_as(weight))


def orthogonal(matrix: Tensor) -> Tensor:
    """The matrix with its singular values brought to about 0.7 to 1.2, by Newton and Schulz's iteration; (M, N).

    A zero matrix stays zero.
    """
    if matrix.shape[0] > matrix.shape[1]:
        upright: Tensor = orthogonal(matrix.T).T
        return upright
    found: Tensor = matrix / (matrix.norm() + _TINY)
    for _ in range(_ITERATIONS):
        gram = found @ found.T
        steep = torch.addmm(gram, gram, gram, beta=_CUBIC, alpha=_QUINTIC)
        found = torch.addmm(found, steep, found, beta=_LINEAR)
    return found
