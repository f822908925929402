"""`lenet5 batch`: read any number of pictures into a file of rows."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from model.ink import Polarity
from service.batch import BatchError, Format
from service.cli.progress import show_progress
from service.cli.terminal import INTERRUPTED, POLARITY, WRONG_USAGE, complain, errors, fail, read_settings

if TYPE_CHECKING:
    from service.batch.engine import Job, Shard

EXAMPLES = """\
Examples:

  lenet5 batch scans -o answers.jsonl
  lenet5 batch 'scans/**/*.png' more.tar.gz -o answers.csv
  lenet5 batch manifest.txt -o answers.parquet --workers 4
  lenet5 batch scans -o answers-0.jsonl --shard 0/8
  lenet5 batch scans -o answers.parquet --engine ray --address ray-head:6379
"""


def run_batch(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUTS",
            help="Folders, patterns ('scans/*.png'), tars, manifests (.txt or .lst: a path on each line, from the"
            " manifest's folder), or pictures.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT", help="A .jsonl, a .csv, or a .parquet, which is a folder."),
    ],
    format: Annotated[Format | None, typer.Option(help="What is written, where OUT does not end in it.")] = None,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Read each Nth picture only, from number I on; the first is 0.")
    ] = "0/1",
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Processes that read; one for each CPU if not given.")
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew, whatever OUT holds.")] = False,
    engine: Annotated[
        Literal["processes", "ray"],
        typer.Option(help="What runs the workers: processes here, or a Ray cluster, from and to shared files."),
    ] = "processes",
    address: Annotated[str | None, typer.Option(help="The Ray cluster; one is started here if not given.")] = None,
    part_rows: Annotated[int, typer.Option(metavar="N", min=1, help="Rows of each part of a Parquet.")] = 65_536,
    polarity: Annotated[Polarity, POLARITY] = "auto",
    model: Annotated[Path | None, typer.Option(help="Model file; the one that would be served if not given.")] = None,
) -> None:
    """Read the digit in each of many pictures: a row in OUT for each, in the order of the inputs.

    Of folders and tars the files with a picture's ending are taken. A picture that cannot be read has a row that says
    why. Killed or interrupted, the same command goes on after the last row; done, it does nothing. Exits with 0 when
    every picture has its row.
    """
    from service.batch.engine import Job
    from service.batch.inputs import Inputs
    from service.batch.outputs import find_format
    from service.batch.reader import ReaderOptions
    from service.pictures import Looking
    from service.settings import available_cpus

    chosen = format or find_format(output)
    if chosen is None:
        fail(f"name {output} .jsonl, .csv or .parquet, or say which it is with --format", WRONG_USAGE)
    settings = read_settings()
    looking = Looking(settings.max_body_bytes, settings.max_pixels, polarity)
    try:
        job = Job(
            Inputs(inputs, looking.max_bytes),
            output,
            ReaderOptions(model or settings.model_path, looking, chosen),
            workers or available_cpus(),
            parse_shard(shard),
            part_rows,
            restart,
        )
    except BatchError as error:
        fail(str(error), WRONG_USAGE)
    if engine == "ray":
        if chosen != "parquet" or restart:
            fail("a batch on Ray writes a .parquet that is not there yet", WRONG_USAGE)
        _run_on_ray(job, address)
    else:
        _run(job)


def parse_shard(text: str) -> "Shard":
    """`I/N` as a shard. Raises BatchError."""
    from service.batch.engine import Shard

    if not (found := re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)) or int(found[1]) >= int(found[2]):
        raise BatchError(f"--shard {text} is none: I/N has I from 0 to N - 1, such as 0/4 to 3/4")
    return Shard(int(found[1]), int(found[2]))


def _run(job: "Job") -> None:
    from service.batch.engine import begin
    from service.classifier import Classifier, ModelError

    rows = accepted = failed = 0
    began = time.monotonic()
    try:
        record = Classifier.load(job.reader.model_path).record
        with (
            _stops_as_interrupts(),
            begin(job, record) as batch,
            show_progress(job, batch.done) as progress,
            closing(batch.run()) as answers,
        ):
            for answered in answers:
                rows, accepted = rows + answered.rows, accepted + answered.accepted
                failed += answered.failed
                progress.advance(answered.rows)
    except ModelError as error:
        fail(str(error))
    except BatchError as error:
        fail(f"{error} ({rows:,} rows were written)" if rows else str(error))
    except OSError as error:
        fail(f"{job.output} could not be written: {error.strerror or error}")
    except KeyboardInterrupt:
        complain(f"interrupted; {rows:,} rows were written, the same command goes on after them")
        raise typer.Exit(INTERRUPTED) from None
    _sum_up(job, batch.done, rows, accepted, failed, time.monotonic() - began)


def _run_on_ray(job: "Job", address: str | None) -> None:
    from service.classifier import Classifier, ModelError

    try:
        from service.batch.cluster import run_on_ray
    except ModuleNotFoundError:
        fail("a batch on Ray needs pip install 'lenet5-service[ray]'")
    began = time.monotonic()
    try:
        Classifier.load(job.reader.model_path)
        rows, accepted, failed = run_on_ray(job, address)
    except (ModelError, BatchError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{job.output} could not be written: {error.strerror or error}")
    _sum_up(job, 0, rows, accepted, failed, time.monotonic() - began)


def _sum_up(job: "Job", done: int, rows: int, accepted: int, failed: int, seconds: float) -> None:
    place = escape(str(job.output))
    if not rows:
        line = f"{place} has all its {done:,} rows already; nothing was done."
    else:
        rejected = rows - accepted - failed
        line = (
            f"{rows:,} pictures in {seconds:,.1f} s ({rows / seconds:,.0f} a second): {accepted:,} accepted,"
            f" {rejected:,} rejected, {failed:,} unreadable."
        )
        line += f" With the {done:,} of before they are in {place}." if done else f" They are in {place}."
    errors.print(line, highlight=False, soft_wrap=True)


@contextmanager
def _stops_as_interrupts() -> Iterator[None]:
    """SIGTERM, as Kubernetes sends it, ends a batch in good order, as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
