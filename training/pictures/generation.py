"""Pictures by the thousand: in chunks, on every core, the same whatever the number of cores."""

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from rich.progress import Progress

from model.contract import Frames
from model.framing import frame_digit
from model.grey import Pixels

CHUNK = 500
"""Pictures that one worker draws at a time, from a random sequence of their own."""


class Drawn(NamedTuple):
    """Frames, uint8 (N, 28, 28), what each shows, [N], and how many pictures were refused, by what they show."""

    frames: Frames
    kinds: Sequence[str]
    refused: Mapping[str, int]


Draw = Callable[..., Drawn]
"""Draws so many pictures from a random generator and whatever else it needs; a function that a process can be sent."""


def draw_framed(
    count: int, draw: Callable[[], tuple[str, Pixels] | None], refuse: Callable[[str, Pixels], bool] | None = None
) -> Drawn:
    """Draw until so many pictures were framed as the service frames one digit.

    `draw` gives what a picture shows and the picture, uint8 (H, W), or None where there is nothing to draw. Beside
    framing, `refuse` may turn one down by what it shows and its frame.
    """
    frames: list[Pixels] = []
    kinds: list[str] = []
    refused = Counter[str]()
    while len(frames) < count:
        drawn = draw()
        if drawn is None:
            continue
        kind, picture = drawn
        framed = frame_digit(picture)
        if framed.reason or (refuse and refuse(kind, framed.image)):
            refused[kind] += 1
            continue
        frames.append(framed.image)
        kinds.append(kind)
    return Drawn(np.stack(frames), kinds, refused)


def generate(
    draw: Draw, arguments: tuple[Any, ...], count: int, seed: int, progress: Progress, label: str, workers: int | None
) -> Drawn:
    """Draw so many pictures in chunks; each depends on the seed and its place only. `workers` None: one a core."""
    starts = range(0, count, CHUNK)
    sizes = [min(CHUNK, count - start) for start in starts]
    workers = min(workers or len(os.sched_getaffinity(0)), len(sizes))
    task = progress.add_task(label, total=count)
    chunks: list[Drawn] = []
    if workers <= 1:
        chunks.extend(_advance(progress, task, draw(size, _rng(seed, at), *arguments)) for at, size in enumerate(sizes))
    else:
        context = multiprocessing.get_context("spawn")  # forking a process that runs torch's threads may hang
        with ProcessPoolExecutor(workers, context, _take, (draw, arguments)) as pool:
            jobs = [(seed, at, size) for at, size in enumerate(sizes)]
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # workers inherit it: Ctrl-C is this process's
            try:
                drawn = pool.map(_draw_chunk, jobs)
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            chunks.extend(_advance(progress, task, chunk) for chunk in drawn)
    refused: Counter[str] = Counter()
    for chunk in chunks:
        refused.update(chunk.refused)
    kinds = [kind for chunk in chunks for kind in chunk.kinds]
    return Drawn(np.concatenate([chunk.frames for chunk in chunks]), kinds, dict(refused))


def _advance(progress: Progress, task: Any, chunk: Drawn) -> Drawn:
    progress.update(task, advance=len(chunk.kinds))
    return chunk


def _rng(seed: int, chunk: int) -> Generator:
    return np.random.default_rng([seed, chunk])


_work: list[tuple[Draw, tuple[Any, ...]]] = []
"""What this worker process was started for: sent once, not with every chunk."""


def _take(draw: Draw, arguments: tuple[Any, ...]) -> None:
    _work.append((draw, arguments))


def _draw_chunk(job: tuple[int, int, int]) -> Drawn:
    seed, chunk, size = job
    draw, arguments = _work[-1]
    return draw(size, _rng(seed, chunk), *arguments)
