"""What the recipe `best` learns from: digits of several kinds, and pictures that are no digit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.dataset import Labelled


@dataclass(frozen=True)
class Source:
    """One kind of picture, and what part of an epoch's images is drawn from it."""

    images: Tensor
    """uint8 (N, 1, 28, 28)."""
    labels: Tensor
    """int64 (N,)."""
    share: float

    @classmethod
    def of(cls, data: Labelled, share: float) -> "Source":
        """Labelled frames as a source."""
        return cls(torch.tensor(data.images)[:, None], torch.tensor(data.labels), share)

    def in_versions(self, images: Tensor) -> "Source":
        """With its images several times over, all of one version before the next."""
        return Source(images, self.labels.repeat(len(images) // len(self.labels)), self.share)


class Mixture:
    """Several sources in fixed proportions, one after the other in memory.

    An epoch draws a fixed number of images from each, whatever it holds: a small source comes round more often than a
    large one. Within a source every image is drawn once before any is drawn again.
    """

    def __init__(self, sources: Sequence[Source], epoch_images: int) -> None:
        self.images = torch.cat([source.images for source in sources])
        self.labels = torch.cat([source.labels for source in sources])
        self._decks = [
            _Deck(start, len(source.labels), round(source.share * epoch_images))
            for start, source in zip(_starts(sources), sources, strict=True)
        ]

    def steps(self, batch_size: int) -> int:
        """Batches of one epoch; the last images, too few for one, are left out."""
        return sum(deck.hand for deck in self._decks) // batch_size

    def draw(self, batch_size: int) -> Iterator[Tensor]:
        """One epoch: rows of `images` and `labels`, batch by batch, all of one size. From torch's global generator."""
        rows = torch.cat([deck.deal() for deck in self._decks])
        rows = rows[torch.randperm(len(rows))]
        yield from torch.split(rows, batch_size)[: self.steps(batch_size)]


def _starts(sources: Sequence[Source]) -> list[int]:
    starts = [0]
    for source in sources:
        starts.append(starts[-1] + len(source.labels))
    return starts[:-1]


class _Deck:
    """The rows of one source, shuffled whenever all were dealt."""

    def __init__(self, start: int, size: int, hand: int) -> None:
        self._start, self._size, self.hand = start, size, hand
        self._left = torch.empty(0, dtype=torch.int64)

    def deal(self) -> Tensor:
        while len(self._left) < self.hand:
            self._left = torch.cat([self._left, self._start + torch.randperm(self._size)])
        dealt, self._left = self._left[: self.hand], self._left[self.hand :]
        return dealt
