"""What tells digits from everything else: two small layers on F6, trained along with the network, then alone."""

import torch
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from training.corpus import Mixture
from training.dataset import NO_DIGIT
from training.device import DEVICE
from training.lenet import LeNet5
from training.recipes import Best

HIDDEN = 10
_AT_ONCE = 500
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
        return self.say(self.activations(image)[-1])

    def say(self, f6: Tensor) -> tuple[Tensor, Tensor]:
        """What follows from F6, (N, 84)."""
        return self.output(f6), self.judge(f6)[:, 0]


def train_judge(recipe: Best, epochs: int, net: JudgedLeNet5, mixture: Mixture, progress: Progress) -> None:
    """Train the judge further on what F6 says of every image, the learning rate falling to zero. Nothing read changes.

    Along with the network it follows features that never rest; once they do, it finds more in them.
    """
    f6 = _features(net, mixture.images, progress)
    is_digit = (mixture.labels != NO_DIGIT).float().to(DEVICE)
    optimizer = torch.optim.Adam(net.judge.parameters(), recipe.judge_learning_rate)
    steps = epochs * mixture.steps(recipe.judge_batch_size)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
    task = progress.add_task("Train judge", total=steps)
    for _ in range(epochs):
        for rows in mixture.draw(recipe.judge_batch_size):
            loss = binary_cross_entropy_with_logits(net.judge(f6[rows])[:, 0], is_digit[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            progress.advance(task)


@torch.no_grad()
def _features(net: JudgedLeNet5, images: Tensor, progress: Progress) -> Tensor:
    """F6, float32 (N, 84), of images uint8 (N, 1, 28, 28)."""
    batches = torch.split(images, _AT_ONCE)
    return torch.cat([net.features(batch.to(DEVICE)) for batch in progress.track(batches, description="Ask F6")])
