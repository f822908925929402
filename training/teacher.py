"""The teacher: a convolutional network three times LeNet-5's size and fifty times its work, which is never shipped."""

import torch
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from training.corpus import Mixture
from training.device import DEVICE, to_device
from training.recipes import Best

_EVALUATION_BATCH = 100


class Teacher(nn.Module):
    """3×3 convolutions with batch normalisation, the strongest answer anywhere in the image, ten logits."""

    def __init__(self, widths: tuple[int, int, int]) -> None:
        super().__init__()
        narrow, middle, wide = widths
        self.features = nn.Sequential(
            *_convolutions(1, narrow),  # (N, narrow, 28, 28)
            nn.MaxPool2d(2),
            *_convolutions(narrow, middle),  # (N, middle, 14, 14)
            nn.MaxPool2d(2),
            *_convolutions(middle, wide),  # (N, wide, 7, 7)
        )
        self.output = nn.Linear(wide, 10)

    def forward(self, image: Tensor) -> Tensor:
        """Logits, (N, 10), of images (N, 1, 28, 28) in [0, 1]."""
        logits: Tensor = self.output(self.features(image).amax(dim=(2, 3)))
        return logits


def _convolutions(inputs: int, outputs: int) -> list[nn.Module]:
    """Two of them, each normalised."""
    layers: list[nn.Module] = []
    for width in (inputs, outputs):
        layers += [nn.Conv2d(width, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return layers


def train_teacher(recipe: Best, digits: Mixture, progress: Progress) -> Teacher:
    """Train on every source of digits. The learning rate rises and falls in one cycle."""
    net = to_device(Teacher(recipe.teacher_widths))
    optimizer = torch.optim.SGD(net.parameters(), momentum=0.9, nesterov=True, weight_decay=recipe.teacher_weight_decay)
    steps = recipe.teacher_epochs * digits.steps(recipe.teacher_batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.teacher_learning_rate, steps)
    task = progress.add_task("Train teacher", total=steps)
    for epoch in range(1, recipe.teacher_epochs + 1):
        loss = torch.zeros(())
        for batch in digits.draw(recipe.teacher_batch_size):
            images = (digits.images[batch].to(DEVICE).float() / 255).contiguous(memory_format=torch.channels_last)
            batch_loss = cross_entropy(net(images), digits.labels[batch].to(DEVICE))
            optimizer.zero_grad()
            batch_loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            loss += batch_loss.detach().cpu()
            progress.advance(task)
        mean = float(loss) * recipe.teacher_epochs / steps
        progress.update(task, description=f"Train teacher: epoch {epoch}/{recipe.teacher_epochs}, loss {mean:.4f}")
    return net.eval()


@torch.no_grad()
def teach(teacher: Teacher, images: Tensor) -> Tensor:
    """The teacher's logits, float16 (N, 10) on the CPU, of images uint8 (N, 1, 28, 28)."""
    return torch.cat(
        [teacher(batch.to(DEVICE).float() / 255).half().cpu() for batch in torch.split(images, _EVALUATION_BATCH)]
    )
