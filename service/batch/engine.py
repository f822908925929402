"""The batch itself: inputs in order, through a process per core, to rows in the same order."""

import hashlib
import json
import os
import signal
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import active_children, get_context
from pathlib import Path

from model.record import Record
from service import __version__
from service.batch import BatchError
from service.batch.inputs import PICTURES, Found, Inputs
from service.batch.journal import Identity, keep_journal
from service.batch.outputs import Output, open_output
from service.batch.reader import Answered, Picture, ReaderOptions, answer_in_worker, start_worker

CHUNK = 256
"""Pictures of a chunk: enough that handing it over costs nothing beside it."""

CHUNK_BYTES = 4 * 1024 * 1024
"""A chunk ends early with that many bytes of pictures: photos take a hundred times a scan's time and memory."""

AHEAD = 3
"""Chunks under way for each worker: while the first in line is waited for, others may overtake it."""


@dataclass(frozen=True, slots=True)
class Shard:
    """The pictures whose number, from 0, leaves `index` when divided by `count`."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


WHOLE = Shard(0, 1)


@dataclass(frozen=True, slots=True)
class Job:
    """All that a batch is told."""

    inputs: Inputs
    output: Path
    reader: ReaderOptions
    workers: int
    shard: Shard = WHOLE
    part_rows: int = 65_536
    """Rows of one part of Parquet."""
    restart: bool = False

    def found(self) -> Generator[Found, None, None]:
        """This shard's pictures, in order. To be closed where not all are taken, as a tar is. Raises BatchError."""
        with closing(iter(self.inputs)) as found:
            yield from islice(found, self.shard.index, None, self.shard.count)

    def count(self) -> int:
        """How many they are. Looks through all inputs. Raises BatchError."""
        return sum(1 for _ in self.found())


class Batch:
    """A batch that was begun, now or before."""

    def __init__(self, job: Job, output: Output, found: Iterator[Found]) -> None:
        """Raises BatchError where rows that are there do not belong to the pictures that are found."""
        self._job = job
        self._output = output
        self._left = found
        self.done = self._skip_done()
        """Rows that were there already."""

    def run(self) -> Generator[Answered, None, None]:
        """Answer what is left; each chunk is yielded when its rows are written. Raises BatchError, OSError."""
        with self._output:
            for answered in _answer(_chunks(self._left), self._job):
                self._output.write(answered.encoded)
                yield answered

    def _skip_done(self) -> int:
        done = 0
        for done, source in enumerate(self._output.sources(), 1):
            found = next(self._left, None)
            if found is None or found.name != source:
                there = f"{found.name} is now" if found else "now nothing is"
                raise BatchError(
                    f"the inputs have changed: row {done} of {self._job.output} is of {source}, where {there};"
                    " --restart begins anew"
                )
        return done


@contextmanager
def begin(job: Job, record: Record) -> Iterator[Batch]:
    """Begin a batch, or go on with one after its last whole row. Raises BatchError, OSError."""
    with closing(iter(job.inputs)) as found:
        if next(found, None) is None:
            endings = ", ".join(sorted(PICTURES))
            raise BatchError(f"there is no picture in {', '.join(job.inputs.given)}; in folders and tars: {endings}")
    output = open_output(job.output, job.reader.format, job.part_rows)
    with (
        keep_journal(job.output, output, identity(job, record), job.restart),
        closing(job.found()) as found,  # else a tar with a damaged picture stays open for as long as the error is kept
    ):
        yield Batch(job, output, found)


def identity(job: Job, record: Record) -> Identity:
    """What an output is begun with, and must be gone on with: all that its rows depend on."""
    accepted = f"{record.acceptance.min_confidence} and {record.acceptance.min_evidence}"
    looking = job.reader.looking
    return {
        "program": __version__,
        "model": f"{record.name} {record.version}, sha256 {record.sha256}",
        "thresholds": accepted,
        "inputs": f"sha256 {hashlib.sha256(json.dumps(job.inputs.given).encode()).hexdigest()[:12]}",
        "shard": str(job.shard),
        "format": job.reader.format,
        "polarity": looking.polarity,
        "limits": f"{looking.max_bytes} bytes, {looking.max_pixels} pixels",
    }


def _chunks(found: Iterable[Found]) -> Iterator[list[Picture]]:
    """Pictures in chunks. Those before a place where an input is damaged come out before it is told."""
    chunk: list[Picture] = []
    size = 0
    try:
        for each in found:
            picture = Picture(each.name, each.fetch())
            chunk.append(picture)
            size += _size(picture.source)
            if len(chunk) == CHUNK or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
    except BatchError:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def _size(source: str | bytes) -> int:
    """Bytes of a picture; 0 where it cannot be known, which its row will say."""
    if isinstance(source, bytes):
        return len(source)
    try:
        return os.stat(source).st_size  # noqa: PTH116  a Path for each of a million costs seconds
    except OSError:
        return 0


def _answer(chunks: Iterator[list[Picture]], job: Job) -> Iterator[Answered]:
    """Chunks through worker processes, in order. Raises BatchError after all that could be answered is."""
    # Spawned, not forked: of a process with threads and a loaded onnxruntime no fork is safe.
    pool = ProcessPoolExecutor(job.workers, get_context("spawn"), start_worker, (job.reader,))
    under_way: deque[Future[Answered]] = deque()
    damage: BatchError | None = None
    finished = False
    try:
        while True:
            try:
                chunk = next(chunks, None)
            except BatchError as error:
                chunk, damage = None, error
            if chunk is None:
                break
            with _interrupts_held():
                under_way.append(pool.submit(answer_in_worker, chunk))
            if len(under_way) > AHEAD * job.workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
        finished = True
    except BrokenProcessPool:
        raise BatchError(
            "a worker process died, perhaps for want of memory (--workers 1 needs least);"
            " the same command goes on after the last row"
        ) from None
    finally:
        if not finished:  # nobody would wait for what the workers are at
            for worker in active_children():
                worker.kill()
            # Else the pool would wait for the rest of a result that was cut short: it holds that end of the pipe too.
            pool._result_queue._writer.close()  # type: ignore[attr-defined]
        pool.shutdown(wait=True, cancel_futures=True)
    if damage:
        raise damage


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait. A worker that is started meanwhile inherits that for good: it is its parent's to stop it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
