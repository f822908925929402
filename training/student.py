"""The student: LeNet-5, taught by the teacher's answers, and its judge, taught what is no digit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class Course:
    """So many epochs, in which the rates rise to a fraction of the recipe's, over a fraction of the steps, and fall."""

    epochs: int
    rate: float
    rising: float
    begins: int = 0
    """Epochs that went before."""


@dataclass(frozen=True)
class School:
    """What the student learns from: pictures, and the teacher's logits of each, float16 (N, 10)."""

    recipe: Best
    lessons: Mixture
    taught: Tensor
    hold_out: Labelled
    progress: Progress

    def sharing(self, shares: Sequence[float]) -> "School":
        """The same with the kinds of pictures in other proportions."""
        return replace(self, lessons=self.lessons.shared(shares, self.recipe.epoch_images))

    def train(self, net: JudgedLeNet5, course: Course) -> list[Epoch]:
        """Train the network and its judge at once."""
        steps = course.epochs * self.lessons.steps(self.recipe.batch_size)
        descent = Descent(net, _hidden(net), _rates(self.recipe, course.rate), steps, course.rising)
        task = self.progress.add_task("Train best", total=steps)
        last, history = course.begins + course.epochs, []
        for epoch in range(course.begins + 1, last + 1):
            loss, right, digits = torch.zeros(()), 0, 0
            for rows in self.lessons.draw(self.recipe.batch_size):
                labels = self.lessons.labels[rows].to(DEVICE)
                logits, evidence = net.say(net.features(self.lessons.images[rows].to(DEVICE).float() / 255))
                is_digit = labels != NO_DIGIT
                wrong = distillation(logits, self.taught[rows].to(DEVICE).float(), labels, self.recipe)
                misjudged = binary_cross_entropy_with_logits(evidence, is_digit.float())
                batch_loss = wrong + self.recipe.rejection_weight * misjudged
                descent.step(batch_loss)
                loss += batch_loss.detach().cpu()
                right += int((logits.argmax(1) == labels).sum())
                digits += int(is_digit.sum())
                self.progress.advance(task)
            mean = float(loss) * course.epochs / steps
            history.append(Epoch(epoch, mean, right / digits, *validate(net, self.hold_out)))
            self.progress.update(task, description=f"Train best: {history[-1].describe(last)}")
        return history


def _hidden(net: JudgedLeNet5) -> list[Tensor]:
    return [layer.weight for layer in (net.c1, net.c3, net.c5, net.f6)]


def _rates(recipe: Best, part: float) -> Rates:
    hidden, rest = part * recipe.muon_learning_rate, part * recipe.learning_rate
    return Rates(hidden, recipe.muon_momentum, rest, recipe.momentum)


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
