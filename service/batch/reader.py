"""What a worker process does: a chunk of pictures in, its rows out, ready to be written."""

import gc
import os
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from service.batch import Format
from service.batch.outputs import encoder
from service.batch.rows import Row
from service.classifier import Classifier
from service.decoders import silence_decoders
from service.heap import keep_small_buffers
from service.pictures import Fault, Looking, prepare_pictures
from service.pipeline import Prepared, predict


class Picture(NamedTuple):
    """A picture on its way to a worker: its name, and its path or its bytes."""

    name: str
    source: str | bytes


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """What a reader is made of; it travels to other processes."""

    model_path: Path
    looking: Looking
    format: Format


@dataclass(frozen=True, slots=True)
class Answered:
    """The rows of a chunk, encoded, and how they turned out."""

    encoded: bytes
    rows: int
    accepted: int
    failed: int


class Reader:
    """Answers chunks of pictures, with a network of its own."""

    def __init__(self, options: ReaderOptions) -> None:
        """Raises ModelError."""
        silence_decoders()
        self._classifier = Classifier.load(options.model_path)
        self._looking = options.looking
        self._encode = encoder(options.format)

    def answer(self, chunk: Sequence[Picture]) -> Answered:
        """Read every picture of a chunk; the network runs on all of them at once."""
        prepared = prepare_pictures((picture.source for picture in chunk), self._looking)
        predictions = iter(predict([item for item in prepared if isinstance(item, Prepared)], self._classifier))
        rows = [
            Row(picture.name, item if isinstance(item, Fault) else next(predictions))
            for picture, item in zip(chunk, prepared, strict=True)
        ]
        failed = sum(isinstance(row.result, Fault) for row in rows)
        accepted = sum(not isinstance(row.result, Fault) and row.result["accepted"] for row in rows)
        return Answered(self._encode(rows), len(rows), accepted, failed)


_reader: Reader


def start_worker(options: ReaderOptions) -> None:
    """Make this process a worker: it has a reader, and ends when its parent does."""
    global _reader
    Thread(target=_end_with_parent, daemon=True).start()
    keep_small_buffers()
    _reader = Reader(options)
    gc.freeze()  # what is there now stays
    gc.disable()  # collections in the midst of a chunk cost a picture 15 µs; there is one after each


def answer_in_worker(chunk: Sequence[Picture]) -> Answered:
    """What the parent asks of a worker."""
    answered = _reader.answer(chunk)
    gc.collect()
    return answered


def _end_with_parent() -> None:
    """A killed parent cannot say that there will be no more chunks: its workers would wait for ever."""
    if parent := parent_process():
        parent.join()
        os._exit(1)
