"""The student: LeNet-5, taught by the teacher's answers, and its judge, taught what is no digit."""

import torch
from rich.progress import Progress
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, kl_div, log_softmax

from training.augmentation import distort
from training.corpus import Mixture, Source
from training.dataset import NO_DIGIT, Labelled
from training.descent import Descent, Rates
from training.device import DEVICE
from training.network import validate
from training.recipes import Best
from training.rejection import JudgedLeNet5
from training.teacher import Teacher, teach
from training.trained import Epoch

_AT_ONCE = 1000


def write_versions(source: Source, versions: int, strength: float, progress: Progress) -> Tensor:
    """Every image so many times: the first as it is, the others distorted, later ones more, up to `strength`. uint8."""
    written = []
    task = progress.add_task("Distort", total=versions * len(source.images))
    for version in range(versions):
        for batch in torch.split(source.images, _AT_ONCE):
            strengths = strength * (version + torch.rand(len(batch))) / versions
            distorted = (distort(batch.float() / 255, strengths) * 255).round().to(torch.uint8) if version else batch
            written.append(distorted)
            progress.advance(task, len(batch))
    return torch.cat(written)


def ask_teacher(teacher: Teacher, mixture: Mixture, progress: Progress) -> Tensor:
    """The teacher's logits of every image, float16 (N, 10); zeros of what is no digit, where nobody asks."""
    answers = torch.zeros(len(mixture.labels), 10, dtype=torch.float16)
    digits = torch.nonzero(mixture.labels != NO_DIGIT)[:, 0]
    task = progress.add_task("Ask the teacher", total=len(digits))
    for rows in torch.split(digits, _AT_ONCE):
        answers[rows] = teach(teacher, mixture.images[rows])
        progress.advance(task, len(rows))
    return answers


def train_student(
    recipe: Best, mixture: Mixture, taught: Tensor, hold_out: Labelled, progress: Progress
) -> tuple[JudgedLeNet5, list[Epoch]]:
    """Train both at once."""
    net = JudgedLeNet5().to(DEVICE)
    steps = recipe.epochs * mixture.steps(recipe.batch_size)
    hidden = [layer.weight for layer in (net.c1, net.c3, net.c5, net.f6)]
    rates = Rates(recipe.muon_learning_rate, recipe.muon_momentum, recipe.learning_rate, recipe.momentum)
    descent = Descent(net, hidden, rates, steps, rising=0.1)
    task = progress.add_task("Train best", total=steps)
    history = []
    for epoch in range(1, recipe.epochs + 1):
        loss, right, digits = torch.zeros(()), 0, 0
        for rows in mixture.draw(recipe.batch_size):
            images = mixture.images[rows].to(DEVICE).float() / 255
            labels, wanted = mixture.labels[rows].to(DEVICE), taught[rows].to(DEVICE).float()
            logits, evidence = net.say(net.features(images))
            is_digit = labels != NO_DIGIT
            batch_loss = distillation(logits, wanted, labels, recipe) + recipe.rejection_weight * (
                binary_cross_entropy_with_logits(evidence, is_digit.float())
            )
            descent.step(batch_loss)
            loss += batch_loss.detach().cpu()
            right += int((logits.argmax(1) == labels).sum())
            digits += int(is_digit.sum())
            progress.advance(task)
        history.append(Epoch(epoch, float(loss) * recipe.epochs / steps, right / digits, *validate(net, hold_out)))
        progress.update(task, description=f"Train best: {history[-1].describe(recipe.epochs)}")
    return net, history


def distillation(logits: Tensor, wanted: Tensor, labels: Tensor, recipe: Best) -> Tensor:
    """Cross entropy with the labels and, softened, divergence from the teacher (Hinton, Vinyals, Dean 2015)."""
    heat = recipe.distillation_temperature
    soft = kl_div(log_softmax(logits / heat, 1), log_softmax(wanted / heat, 1), reduction="none", log_target=True).sum(
        1
    )
    hard = cross_entropy(logits, labels, ignore_index=NO_DIGIT, reduction="none")
    each = (1 - recipe.label_weight) * heat**2 * soft + recipe.label_weight * hard
    is_digit = labels != NO_DIGIT
    return (each * is_digit).sum() / is_digit.sum().clamp(min=1)
