"""How many scans a second one core reads: `python -m benchmarks.batch`.

Makes grey PNGs of 100×100 pixels, pins itself and its worker to one core, and prints what `lenet5 batch` does there,
beside a plain loop that decodes, frames and infers the same bytes in memory: what the command costs on top of it.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from time import perf_counter

from PIL import Image

from model.contract import ARTIFACTS, MODEL_FILE
from service.batch.engine import CHUNK, Job, begin
from service.batch.inputs import Inputs
from service.batch.reader import ReaderOptions
from service.classifier import Classifier
from service.imaging import open_image
from service.pictures import Looking
from service.pipeline import Prepared, predict, prepare
from service.settings import Settings
from tests.samples import IMAGES, photo, written

DIFFERENT = 400


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=20_000, help="scans that the command reads (%(default)s)")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="core to run on (%(default)s)")
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.core})
    scans = [make_scan(number) for number in range(DIFFERENT)]
    with folder_of(scans, options.count) as folder:
        command = run_command(folder)
        again = run_command(folder)
    loop, stages = run_loop(scans * 10)
    print(f"scans of 100×100 grey, {sum(map(len, scans)) / len(scans):,.0f} bytes each as PNG, on one core:")
    print(f"lenet5 batch          {command:7,.0f} and {again:,.0f} a second, process by process, to JSONL")
    print(f"the plain loop        {loop:7,.0f} a second: {stages}")
    print(f"the command does      {max(command, again) / loop:7.0%} of what the loop does")


def make_scan(number: int) -> bytes:
    """A dark digit on paper, with the grain of a scanner, as a PNG."""
    levels = written(IMAGES[number % len(IMAGES)], side=70, margin=15, noise=1.0, seed=number)
    buffer = BytesIO()
    Image.fromarray(photo(levels)).save(buffer, "PNG")
    return buffer.getvalue()


@contextmanager
def folder_of(scans: list[bytes], count: int) -> Iterator[Path]:
    """A folder of so many files; those that are alike are links to one."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "scans"
        folder.mkdir()
        for number in range(count):
            path = folder / f"{number:07}.png"
            if number < len(scans):
                path.write_bytes(scans[number])
            else:
                os.link(folder / f"{number % len(scans):07}.png", path)
        yield folder


def run_command(folder: Path) -> float:
    """Pictures a second once the worker runs: a million scans take minutes, so that its start does not count."""
    settings = Settings()
    looking = Looking(settings.max_body_bytes, settings.max_pixels)
    model = ARTIFACTS / MODEL_FILE
    with tempfile.TemporaryDirectory() as out:
        inputs = Inputs([str(folder)], looking.max_bytes)
        job = Job(inputs, Path(out) / "answers.jsonl", ReaderOptions(model, looking, "jsonl"), workers=1)
        with begin(job, Classifier.load(model).record) as batch:
            answers = batch.run()
            next(answers)
            began = perf_counter()
            rows = sum(answered.rows for answered in answers)
            return rows / (perf_counter() - began)


def run_loop(scans: list[bytes]) -> tuple[float, str]:
    """Pictures a second of decoding, framing and inference alone, and what each of the three takes."""
    classifier = Classifier.load(ARTIFACTS / MODEL_FILE)
    looked: list[Prepared] = []
    infer = 0.0
    began = perf_counter()
    for start in range(0, len(scans), CHUNK):
        chunk = [prepare(open_image(raw, 25_000_000)) for raw in scans[start : start + CHUNK]]
        looked += chunk
        middle = perf_counter()
        predict(chunk, classifier)
        infer += perf_counter() - middle
    seconds = perf_counter() - began
    decode = sum(item.decode_seconds for item in looked)
    frame = sum(item.frame_seconds for item in looked)
    parts = {"open": seconds - decode - frame - infer, "decode": decode, "frame": frame, "infer": infer}
    shown = ", ".join(f"{name} {part / len(scans) * 1e6:.0f} µs" for name, part in parts.items())
    return len(scans) / seconds, shown


if __name__ == "__main__":  # the worker imports this file as well
    main()
