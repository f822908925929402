"""The student: LeNet-5, taught by the teachers' answers, and its judge, taught what is no digit."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from rich.progress import Progress
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, kl_div, log_softmax

from training.augmentation import Distortion
from training.corpus import Mixture, Source
from training.dataset import NO_DIGIT, Labelled
from training.descent import Descent, Rates
from training.device import DEVICE
from training.network import validate
from training.recipes import Best, Course
from training.rejection import JudgedLeNet5
from training.teacher import Teacher, to_input
from training.trained import Epoch

_DISTORTED_AT_ONCE, _ASKED_AT_ONCE = 1000, 100


def write_versions(source: Source, versions: int, strength: float, distort: Distortion, progress: Progress) -> Tensor:
    """Every image so many times: the first as it is, the others distorted, later ones more, up to `strength`. uint8."""
    written = []
    task = progress.add_task("Distort", total=versions * len(source.images))
    for version in range(versions):
        for batch in torch.split(source.images, _DISTORTED_AT_ONCE):
            strengths = strength * (version + torch.rand(len(batch))) / versions
            distorted = (distort(batch.float() / 255, strengths) * 255).round().to(torch.uint8) if version else batch
            written.append(distorted)
            progress.advance(task, len(batch))
    return torch.cat(written)


@torch.no_grad()
def ask_teachers(teachers: Sequence[Teacher], source: Source, progress: Progress) -> Tensor:
    """The mean of the teachers' logits of every image, float16 (N, 10); where there is none to ask, zeros."""
    answers = torch.zeros(len(source.labels), 10, dtype=torch.float16)
    task = progress.add_task("Ask teachers", total=len(answers))
    for rows in torch.split(torch.arange(len(answers)), _ASKED_AT_ONCE):
        if teachers:
            images = to_input(source.images[rows])
            answers[rows] = torch.stack([teacher(images) for teacher in teachers]).mean(dim=0).half().cpu()
        progress.advance(task, len(rows))
    return answers


@dataclass(frozen=True)
class Lessons:
    """Pictures of every kind, and what the teachers say of each."""

    mixture: Mixture
    taught: Tensor
    """float16 (N, 10)."""


def train_student(
    recipe: Best, lessons: Lessons, hold_out: Labelled, progress: Progress
) -> tuple[JudgedLeNet5, list[Epoch]]:
    """Train both at once, course by course."""
    net = JudgedLeNet5().to(DEVICE)
    history: list[Epoch] = []
    ends = [round(recipe.epochs * share) for share in accumulate(course.share for course in recipe.courses)]
    for course, end in zip(recipe.courses, ends, strict=True):
        epochs = range(len(history) + 1, end + 1)
        history += _take(net, course, epochs, recipe, lessons, hold_out, progress)
    return net, history


def _take(
    net: JudgedLeNet5,
    course: Course,
    epochs: range,
    recipe: Best,
    lessons: Lessons,
    hold_out: Labelled,
    progress: Progress,
) -> list[Epoch]:
    """Train in one course, in these epochs of all."""
    mixture, taught = lessons.mixture, lessons.taught
    steps = len(epochs) * mixture.steps(recipe.batch_size)
    hidden = [layer.weight for layer in (net.c1, net.c3, net.c5, net.f6)]
    rates = Rates(
        course.rate * recipe.muon_learning_rate,
        recipe.muon_momentum,
        course.rate * recipe.learning_rate,
        recipe.momentum,
        hidden_weight_decay=recipe.muon_weight_decay,
    )
    descent = Descent(net, hidden, rates, steps, rising=0.1)
    task = progress.add_task("Train best", total=steps)
    history = []
    for epoch in epochs:
        loss, right, digits = torch.zeros(()), 0, 0
        for rows in mixture.draw(recipe.batch_size):
            labels, wanted = mixture.labels[rows].to(DEVICE), taught[rows].to(DEVICE).float()
            logits, evidence = net.say(net.features(mixture.images[rows].to(DEVICE)))
            is_digit = labels != NO_DIGIT
            batch_loss = distillation(
                logits, wanted, labels, course.temperature, recipe.label_weight
            ) + recipe.rejection_weight * binary_cross_entropy_with_logits(evidence, is_digit.float())
            descent.step(batch_loss)
            loss += batch_loss.detach().cpu()
            right += int((logits.argmax(1) == labels).sum())
            digits += int(is_digit.sum())
            progress.advance(task)
        mean = float(loss) * len(epochs) / steps
        finished = Epoch(epoch, mean, right / digits, *validate(net, hold_out))
        progress.update(task, description=f"Train best: {finished.describe(recipe.epochs)}")
        history.append(finished)
    return history


def distillation(logits: Tensor, wanted: Tensor, labels: Tensor, temperature: float, label_weight: float) -> Tensor:
    """Cross entropy with the labels and, softened, divergence from the teachers (Hinton, Vinyals, Dean 2015)."""
    soft = kl_div(
        log_softmax(logits / temperature, 1), log_softmax(wanted / temperature, 1), reduction="none", log_target=True
    ).sum(1)
    hard = cross_entropy(logits, labels, ignore_index=NO_DIGIT, reduction="none")
    each = (1 - label_weight) * temperature**2 * soft + label_weight * hard
    is_digit = labels != NO_DIGIT
    return (each * is_digit).sum() / is_digit.sum().clamp(min=1)
