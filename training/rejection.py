"""What tells digits from everything else: two small layers on F6, trained along with the network."""

from torch import Tensor, nn

from training.lenet import LeNet5

HIDDEN = 10
PARAMETERS = 84 * HIDDEN + HIDDEN + HIDDEN + 1
"""861; the contract allows a thousand."""


class JudgedLeNet5(LeNet5):
    """LeNet-5 with a judge beside its output layer. What it reads does not pass through the judge."""

    def __init__(self) -> None:
        super().__init__()
        self.judge = nn.Sequential(nn.Linear(84, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1))
        for parameter in self.judge.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)
        assert sum(parameter.numel() for parameter in self.judge.parameters()) == PARAMETERS

    def answer(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, (N, 10), and the log-odds, (N,), that the image shows a digit at all."""
        f6 = self.activations(image)[-1]
        return self.output(f6), self.judge(f6)[:, 0]
