"""A teacher: a convolutional network six times LeNet-5's size and a hundred times its work, which is never shipped."""

import torch
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from training.corpus import Mixture
from training.descent import Descent, Rates
from training.device import DEVICE, in_bfloat16, to_device
from training.recipes import Best


class Teacher(nn.Module):
    """3×3 convolutions with batch normalisation, the strongest answer anywhere in the image, ten logits."""

    def __init__(self, widths: tuple[int, int, int]) -> None:
        super().__init__()
        narrow, middle, wide = widths
        self.features = nn.Sequential(
            *_convolution(1, narrow // 2),  # (N, narrow / 2, 28, 28)
            *_convolution(narrow // 2, narrow, pooled=True),  # (N, narrow, 14, 14)
            *_convolution(narrow, middle),
            *_convolution(middle, middle, pooled=True),  # (N, middle, 7, 7)
            *_convolution(middle, wide),
            *_convolution(wide, wide),  # (N, wide, 7, 7)
        )
        self.output = nn.Linear(wide, 10)

    def forward(self, image: Tensor) -> Tensor:
        """Logits, (N, 10), of images (N, 1, 28, 28) in [0, 1]."""
        with in_bfloat16():
            features = self.features(image)
        logits: Tensor = self.output(features.float().amax(dim=(2, 3)))
        return logits


def _convolution(inputs: int, outputs: int, *, pooled: bool = False) -> list[nn.Module]:
    """One, normalised; pooled between, where asked: what follows has a quarter of the places to go through then."""
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return [convolution, *([nn.MaxPool2d(2)] * pooled), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def to_input(images: Tensor) -> Tensor:
    """uint8 (N, 1, 28, 28) -> what a teacher reads fastest, where it is."""
    return (images.to(DEVICE).float() / 255).contiguous(memory_format=torch.channels_last)


def train_teacher(recipe: Best, epochs: int, digits: Mixture, progress: Progress) -> Teacher:
    """Train on digits; it is still in training mode then."""
    net = to_device(Teacher(recipe.teacher_widths))
    steps = epochs * digits.steps(recipe.teacher_batch_size)
    kernels = [layer.weight for layer in net.features if isinstance(layer, nn.Conv2d)]
    rates = Rates(
        recipe.teacher_muon_learning_rate,
        recipe.muon_momentum,
        recipe.teacher_learning_rate,
        recipe.momentum,
        recipe.teacher_weight_decay,
    )
    descent = Descent(net, kernels, rates, steps, rising=0.25)
    task = progress.add_task("Train teacher", total=steps)
    for epoch in range(1, epochs + 1):
        loss = torch.zeros(())
        for batch in digits.draw(recipe.teacher_batch_size):
            batch_loss = cross_entropy(net(to_input(digits.images[batch])), digits.labels[batch].to(DEVICE))
            descent.step(batch_loss)
            loss += batch_loss.detach().cpu()
            progress.advance(task)
        mean = float(loss) * epochs / steps
        progress.update(task, description=f"Train teacher: epoch {epoch}/{epochs}, loss {mean:.4f}")
    return net
