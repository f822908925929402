"""LeNet-5 as it is trained today: 28×28 in, ten logits out, 44,426 parameters."""

from torch import Tensor, nn, tanh
from torch.nn.functional import avg_pool2d

from training.convolutions import compiled, to_s4
from training.network import Network

PARAMETERS = {
    "c1": 156,  # 6 × (5·5·1 + 1)
    "c3": 2_416,  # 16 × (5·5·6 + 1)
    "c5": 30_840,  # 120 × (16·4·4 + 1)
    "f6": 10_164,  # 84 × (120 + 1)
    "output": 850,  # 10 × (84 + 1)
}
"""Weights and biases of each layer; 44,426 together."""


class LeNet5(Network):
    """The network, freshly initialised: Glorot-uniform weights from torch's generator, biases zero."""

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, kernel_size=5)
        self.c3 = nn.Conv2d(6, 16, kernel_size=5)
        self.c5 = nn.Linear(16 * 4 * 4, 120)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, 10)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)
        counts = {name: sum(p.numel() for p in layer.parameters()) for name, layer in self.named_children()}
        assert counts == PARAMETERS, counts
        assert sum(counts.values()) == 44_426

    def activations(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """See Network."""
        c1 = tanh(self.c1(image))  # (N, 6, 24, 24)
        s2 = avg_pool2d(c1, 2)  # (N, 6, 12, 12)
        c3 = tanh(self.c3(s2))  # (N, 16, 8, 8)
        s4 = avg_pool2d(c3, 2)  # (N, 16, 4, 4)
        return c1, s2, c3, s4, *self._after_s4(s4.flatten(1))

    def kernels(self) -> dict[str, Tensor]:
        """See Network."""
        return {"C1": self.c1.weight, "C3": self.c3.weight}

    def _after_s4(self, s4: Tensor) -> tuple[Tensor, Tensor]:
        c5 = tanh(self.c5(s4))  # (N, 120)
        f6 = tanh(self.f6(c5))  # (N, 84)
        return c5, f6

    def features(self, levels: Tensor) -> Tensor:
        """F6, (N, 84), of grey levels, uint8 (N, 1, 28, 28), as `activations` gives it, but sooner."""
        functions = compiled() if levels.device.type == "cpu" else None
        if functions is None:
            return self.activations(levels.float() / 255)[-1]
        return self._after_s4(to_s4(functions, levels, self.c1, self.c3))[-1]

    def forward(self, image: Tensor) -> Tensor:
        """See Network."""
        logits: Tensor = self.output(self.activations(image)[-1])
        return logits
