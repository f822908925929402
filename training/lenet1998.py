"""LeNet-5 as the paper of 1998 has it: 32×32 in, ten radial basis functions out, 60,000 parameters.

LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", section II.B.
"""

import torch
from torch import Tensor, nn, tanh
from torch.nn.functional import avg_pool2d, conv2d, pad

from training.bitmaps import draw_bitmaps
from training.network import Network

PARAMETERS = {
    "c1": 156,  # 6 × (5·5·1 + 1)
    "s2": 12,  # 6 × (coefficient + bias)
    "c3": 1_516,  # 60 connections × 5·5 + 16
    "s4": 32,  # 16 × (coefficient + bias)
    "c5": 48_120,  # 120 × (16·5·5 + 1)
    "f6": 10_164,  # 84 × (120 + 1)
    "output": 0,  # its 840 numbers are drawn, not learnt
}
"""What is learnt in each layer; 60,000 together."""

CONNECTIONS = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip
"""Table I: the maps of S2 that each of the 16 maps of C3 sees."""

BACKGROUND, FOREGROUND = -0.1, 1.175
"""What empty and full ink are to the network: mean about 0 and variance about 1, which speeds learning up."""
BORDER = 2
"""Pixels put around the image, so that strokes' ends can reach the middle of what C1 sees: 28 become 32."""

AMPLITUDE, SLOPE = 1.7159, 2 / 3


class LeNet1998(Network):
    """The network, freshly initialised from torch's generator: uniform within ±2.4 / fan-in.

    `spread`: the squared distance from a character that counts as one nat.
    """

    def __init__(self, spread: float) -> None:
        super().__init__()
        self.spread = spread
        self.c1 = nn.Conv2d(1, 6, kernel_size=5)
        self.s2 = Subsampling(6)
        self.c3 = SparseConvolution(CONNECTIONS, inputs=6, kernel_size=5)
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, kernel_size=5)
        self.f6 = nn.Linear(120, 84)
        self.output = Distances(torch.from_numpy(draw_bitmaps()).flatten(1))
        for layer in (self.c1, self.c5, self.f6):
            for parameter in layer.parameters():
                initialise(parameter, fan_in=layer.weight[0].numel())
        counts = {name: sum(p.numel() for p in layer.parameters()) for name, layer in self.named_children()}
        assert counts == PARAMETERS, counts
        assert sum(counts.values()) == 60_000

    def activations(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """See Network. They are divided by the amplitude: the paper's units reach ±1.7159, what is looked at ±1."""
        c1, s2, c3, s4, c5, f6 = (layer / AMPLITUDE for layer in self._layers(image))
        return c1, s2, c3, s4, c5, f6

    def kernels(self) -> dict[str, Tensor]:
        """See Network."""
        return {"C1": self.c1.weight, "C3": self.c3.dense()}

    def forward(self, image: Tensor) -> Tensor:
        """See Network. The logits are minus the squared distances from the characters, in units of the spread."""
        distances: Tensor = self.output(self._layers(image)[-1])
        return distances / -self.spread

    def _layers(self, image: Tensor) -> tuple[Tensor, ...]:
        levels = BACKGROUND + (FOREGROUND - BACKGROUND) * pad(image, (BORDER,) * 4)  # (N, 1, 32, 32)
        c1 = squash(self.c1(levels))  # (N, 6, 28, 28)
        s2 = squash(self.s2(c1))  # (N, 6, 14, 14)
        c3 = squash(self.c3(s2))  # (N, 16, 10, 10)
        s4 = squash(self.s4(c3))  # (N, 16, 5, 5)
        c5 = squash(self.c5(s4)).flatten(1)  # (N, 120)
        f6 = squash(self.f6(c5))  # (N, 84)
        return c1, s2, c3, s4, c5, f6


class Subsampling(nn.Module):
    """Halve each map: the sum of four neighbours, times the map's coefficient, plus its bias."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.empty(maps, 1, 1))
        self.bias = nn.Parameter(torch.empty(maps, 1, 1))
        initialise(self.coefficient, 4)
        initialise(self.bias, 4)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, maps, 2H, 2W) -> (N, maps, H, W)."""
        return avg_pool2d(maps, 2) * (4 * self.coefficient) + self.bias


class SparseConvolution(nn.Module):
    """A convolution in which each output map sees some of the input maps. Only what is connected has weights."""

    index: Tensor

    def __init__(self, connections: tuple[tuple[int, ...], ...], inputs: int, kernel_size: int) -> None:
        super().__init__()
        self.inputs = inputs
        count = sum(map(len, connections))
        self.weight = nn.Parameter(torch.empty(count, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(len(connections)))
        # Which kernel joins an output map with an input map; the last one, of zeros, where they are not connected.
        index = torch.full((len(connections), inputs), count)
        start = 0
        for output, seen in enumerate(connections):
            end = start + len(seen)
            index[output, list(seen)] = torch.arange(start, end)
            fan_in = len(seen) * kernel_size**2
            initialise(self.weight[start:end], fan_in)
            initialise(self.bias[output], fan_in)
            start = end
        self.register_buffer("index", index.flatten(), persistent=False)

    def dense(self) -> Tensor:
        """The weights of an ordinary convolution that computes the same: (outputs, inputs, kernel, kernel)."""
        kernels = pad(self.weight, (0, 0, 0, 0, 0, 1)).index_select(0, self.index)
        return kernels.view(-1, self.inputs, *self.weight.shape[1:])

    def forward(self, maps: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H - 4, W - 4)."""
        return conv2d(maps, self.dense(), self.bias)


class Distances(nn.Module):
    """Euclidean radial basis functions: the squared distance of a point from each of some fixed centres."""

    centres: Tensor

    def __init__(self, centres: Tensor) -> None:
        super().__init__()
        self.register_buffer("centres", centres, persistent=False)

    def forward(self, points: Tensor) -> Tensor:
        """(N, D) -> (N, centres). The square is expanded, for one product of matrices instead of N × D differences."""
        products = torch.addmm(self.centres.square().sum(1), points, self.centres.T, alpha=-2)
        return points.square().sum(1, keepdim=True) + products


def squash(sums: Tensor) -> Tensor:
    """The paper's sigmoid: odd, and ±1 at ±1."""
    return AMPLITUDE * tanh(SLOPE * sums)


@torch.no_grad()
def initialise(values: Tensor, fan_in: int) -> None:
    """Draw weights or biases of units with so many inputs, in place."""
    values.uniform_(-2.4 / fan_in, 2.4 / fan_in)
