"""The student: LeNet-5, taught by the teacher's answers, and its judge, taught what is no digit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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


def ask_teachers(teachers: Sequence[Teacher], source: Source, progress: Progress) -> Tensor:
    """The mean of the teachers' logits of every image, float16 (N, 10); where there is none to ask, zeros."""
    answers = torch.zeros(len(source.labels), 10, dtype=torch.float16)
    task = progress.add_task("Ask the teachers", total=len(answers))
    for rows in torch.split(torch.arange(len(answers)), _AT_ONCE):
        if teachers:
            answers[rows] = teach(teachers, source.images[rows])
        progress.advance(task, len(rows))
    return answers


@dataclass(frozen=True)
class Course:
    """Epochs in which the learning rates rise and fall once."""

    epochs: int
    rate: float
    """The highest, as a fraction of the recipe's."""
    temperature: float
    """Of the teachers' answers."""


def courses(recipe: Best) -> tuple[Course, Course]:
    """First all that a teacher says of an image, unlikely digits included; at last what decides."""
    sharp = round(recipe.epochs * recipe.sharp_share)
    return (
        Course(recipe.epochs - sharp, 1.0, recipe.distillation_temperature),
        Course(sharp, recipe.sharp_rate, 1.0),
    )


def train_student(
    recipe: Best, lessons: Sequence[Mixture], taught: Tensor, hold_out: Labelled, progress: Progress
) -> tuple[JudgedLeNet5, list[Epoch]]:
    """Train both at once, course by course, each with its lessons: the same images, in other proportions."""
    net = JudgedLeNet5().to(DEVICE)
    history: list[Epoch] = []
    for course, mixture in zip(courses(recipe), lessons, strict=True):
        history += _attend(net, course, len(history), recipe, mixture, taught, hold_out, progress)
    return net, history


def _attend(
    net: JudgedLeNet5,
    course: Course,
    behind: int,
    recipe: Best,
    mixture: Mixture,
    taught: Tensor,
    hold_out: Labelled,
    progress: Progress,
) -> Iterator[Epoch]:
    """One course; `behind` are the epochs before it."""
    steps = course.epochs * mixture.steps(recipe.batch_size)
    hidden = [layer.weight for layer in (net.c1, net.c3, net.c5, net.f6)]
    rates = Rates(
        course.rate * recipe.muon_learning_rate,
        recipe.muon_momentum,
        course.rate * recipe.learning_rate,
        recipe.momentum,
    )
    descent = Descent(net, hidden, rates, steps, rising=0.1)
    task = progress.add_task("Train best", total=steps)
    for epoch in range(behind + 1, behind + course.epochs + 1):
        loss, right, digits = torch.zeros(()), 0, 0
        for rows in mixture.draw(recipe.batch_size):
            images = mixture.images[rows].to(DEVICE).float() / 255
            labels, wanted = mixture.labels[rows].to(DEVICE), taught[rows].to(DEVICE).float()
            logits, evidence = net.say(net.features(images))
            is_digit = labels != NO_DIGIT
            batch_loss = distillation(
                logits, wanted, labels, course.temperature, recipe.label_weight
            ) + recipe.rejection_weight * binary_cross_entropy_with_logits(evidence, is_digit.float())
            descent.step(batch_loss)
            loss += batch_loss.detach().cpu()
            right += int((logits.argmax(1) == labels).sum())
            digits += int(is_digit.sum())
            progress.advance(task)
        mean = float(loss) * course.epochs / steps
        finished = Epoch(epoch, mean, right / digits, *validate(net, hold_out))
        progress.update(task, description=f"Train best: {finished.describe(recipe.epochs)}")
        yield finished


def distillation(logits: Tensor, wanted: Tensor, labels: Tensor, temperature: float, label_weight: float) -> Tensor:
    """Cross entropy with the labels and, softened, divergence from the teacher (Hinton, Vinyals, Dean 2015)."""
    soft = kl_div(
        log_softmax(logits / temperature, 1), log_softmax(wanted / temperature, 1), reduction="none", log_target=True
    ).sum(1)
    hard = cross_entropy(logits, labels, ignore_index=NO_DIGIT, reduction="none")
    each = (1 - label_weight) * temperature**2 * soft + label_weight * hard
    is_digit = labels != NO_DIGIT
    return (each * is_digit).sum() / is_digit.sum().clamp(min=1)
