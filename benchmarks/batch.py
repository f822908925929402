"""How many pictures `lenet5 batch` reads in a second of one core: `python -m benchmarks.batch`.

Of grey scans, PNGs of 100×100 pixels, and of digits that are framed already, 28×28, where what the command itself
costs shows most. Beside it a plain loop that decodes, frames and infers the same bytes in memory, and what share of
its pace the command keeps. Seconds are the processor's, the worker's and the parent's together, so that other load
on the machine hardly counts.
"""

import argparse
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from time import process_time

import numpy as np
from PIL import Image

from model.contract import ARTIFACTS, MODEL_FILE
from service.batch.engine import CHUNK, Job, begin
from service.batch.inputs import Inputs
from service.batch.reader import ReaderOptions
from service.classifier import Classifier
from service.pictures import Looking
from service.pipeline import decode_raw, frame_ready, predict
from service.settings import Settings
from tests.samples import IMAGES, photo, written

DIFFERENT = 400
MODEL = ARTIFACTS / MODEL_FILE


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="How many pictures lenet5 batch reads in a second of one core.")
    parser.add_argument("--count", type=int, default=10_000, help="pictures of each kind (%(default)s)")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="core to run on (%(default)s)")
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.core})
    scans = [encode(photo(written(IMAGES[n % 40], side=70, margin=15, noise=1.0, seed=n))) for n in range(DIFFERENT)]
    framed = [encode(image) for image in IMAGES]
    for name, pictures in (("scans, 100×100", scans), ("framed digits, 28×28", framed)):
        size = sum(map(len, pictures)) / len(pictures)
        print(f"{name}, {size:,.0f} bytes each as PNG, {options.count:,} of them", flush=True)
        loop, stages = run_loop((pictures * (options.count // len(pictures) + 1))[: options.count])
        print(f"  the plain loop  {loop:7,.0f} a second: {stages}", flush=True)
        command = run_command(pictures, options.count)
        print(f"  lenet5 batch    {command:7,.0f} a second, {command / loop:.0%} of the loop", flush=True)


def encode(pixels: np.ndarray) -> bytes:
    """uint8 pixels -> a PNG."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def run_loop(pictures: list[bytes]) -> tuple[float, str]:
    """Pictures a second of decoding, framing and inference alone, and what each of them takes of it."""
    classifier = Classifier.load(MODEL)
    decode = frame = infer = 0.0
    began = process_time()
    for start in range(0, len(pictures), CHUNK):
        chunk = frame_ready([decode_raw(raw, 25_000_000) for raw in pictures[start : start + CHUNK]])
        middle = process_time()
        predict(chunk, classifier)
        infer += process_time() - middle
        decode += sum(item.decode_seconds for item in chunk)
        frame += sum(item.frame_seconds for item in chunk)
    seconds = process_time() - began
    prepared = (seconds - infer) / (decode + frame)  # these two are of the clock on the wall
    parts = {"decode": decode * prepared, "frame": frame * prepared, "infer": infer}
    shown = ", ".join(f"{name} {1e6 * part / len(pictures):,.0f} µs" for name, part in parts.items())
    return len(pictures) / seconds, shown


def run_command(pictures: list[bytes], count: int) -> float:
    """Pictures a second of the command, from files to JSONL, without its start: few pictures are taken off many."""
    few = CHUNK
    with folder_of(pictures, few) as some, folder_of(pictures, few + count) as many:
        started = processor_seconds(some)
        return count / (processor_seconds(many) - started)


@contextmanager
def folder_of(pictures: list[bytes], count: int) -> Iterator[Path]:
    """A folder of so many files; those that are alike are links to one."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for number in range(count):
            path = folder / f"{number:07}.png"
            if number < len(pictures):
                path.write_bytes(pictures[number])
            else:
                os.link(folder / f"{number % len(pictures):07}.png", path)
        yield folder


def processor_seconds(folder: Path) -> float:
    """What a batch of a folder takes of the processor, with one worker."""
    settings = Settings()
    looking = Looking(settings.max_body_bytes, settings.max_pixels)
    before = used()
    with tempfile.TemporaryDirectory() as out:
        inputs = Inputs([str(folder)], looking.max_bytes)
        job = Job(inputs, Path(out) / "answers.jsonl", ReaderOptions(MODEL, looking, "jsonl"), workers=1)
        with begin(job, Classifier.load(MODEL).record) as batch:
            for _ in batch.run():
                pass
    return used() - before


def used() -> float:
    """Processor seconds so far of this process and of those that have ended."""
    usages = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":  # the worker imports this file as well
    main()
