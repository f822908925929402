"""What every recipe trains, and how it is asked and measured."""

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from model.contract import to_tensor
from training.dataset import Labelled

Loss = Callable[[Tensor, Tensor], Tensor]
"""From logits (N, 10) and labels (N,) to their mean penalty in nats."""

_BATCH = 500


class Network(nn.Module):
    """A network that can be exported: it speaks the contract of model/contract.py, but for temperature and softmax."""

    confidence_weight = 0.0
    """Of the logarithm of the calibrated confidence, in the evidence of a network that judges it by itself."""

    @abstractmethod
    def forward(self, image: Tensor) -> Tensor:
        """Logits, (N, 10), of images (N, 1, 28, 28) in [0, 1]."""

    def answer(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits, (N, 10), and the evidence for a digit at all, (N,), of a network that judges it by itself."""
        return self(image), None

    @abstractmethod
    def activations(self, image: Tensor) -> tuple[Tensor, ...]:
        """Every layer before the last, in the order of `model.contract.LAYERS`, each (N, …) in [-1, 1]."""

    @abstractmethod
    def kernels(self) -> dict[str, Tensor]:
        """Of C1 and C3: (maps, maps below, 5, 5); zeros where a map does not see one below."""


@torch.no_grad()
def predict(net: Network, data: Labelled) -> Tensor:
    """Logits, (N, 10), on the CPU, wherever the network is."""
    images, _ = to_tensors(data)
    device = next(net.parameters()).device
    return torch.cat([net(batch.to(device)).cpu() for batch in torch.split(images, _BATCH)])


def validate(net: Network, data: Labelled, loss: Loss = cross_entropy) -> tuple[float, float]:
    """Mean loss in nats, and the fraction read right."""
    logits, labels = predict(net, data), torch.from_numpy(data.labels)
    return loss(logits, labels).item(), (logits.argmax(1) == labels).double().mean().item()


def to_tensors(data: Labelled) -> tuple[Tensor, Tensor]:
    """float32 (N, 1, 28, 28) in [0, 1] and int64 (N,)."""
    return torch.from_numpy(to_tensor(data.images)), torch.from_numpy(data.labels)
