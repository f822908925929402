"""`lenet5 evaluate`: score a model on labelled pictures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import track

from service.cli.terminal import console, errors, fail, print_table, read_settings

if TYPE_CHECKING:
    from service.evaluate import Evaluation

EXAMPLES = """\
Examples:

  lenet5 evaluate mnist
  lenet5 evaluate ~/pictures/digits --report report
  lenet5 evaluate labels.csv --model other.onnx --json
"""


def evaluate_pictures(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder with a labels.csv, with sub-folders named 0 to 9, or with MNIST's files; a CSV with the"
            " columns file and label; or the word mnist, for the test set that training downloads.",
        ),
    ],
    model: Annotated[Path | None, typer.Option(help="Model file; the one that would be served if not given.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write plots, the errors as contact sheets, and every answer.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of tables.")] = False,
) -> None:
    """Score a model on labelled pictures and print a table per set and digit."""
    from service.classifier import ModelError
    from service.decoders import silence_decoders
    from service.evaluate import evaluate, load_model, summarise
    from service.labelled import EvaluationError, find_labelled

    settings = read_settings()
    try:
        classifier = load_model(model or settings.model_path)
        pictures = find_labelled(source)
        write_report = find_report_writer(report) if report else None
    except (ModelError, EvaluationError) as error:
        fail(str(error))
    silence_decoders()
    answers = evaluate(pictures, classifier, settings.max_pixels)
    judged = list(track(answers, "Evaluating", len(pictures), console=errors, transient=True))
    evaluation = summarise(judged, classifier)
    if as_json:
        typer.echo(json.dumps(evaluation.document(), indent=2))
    else:
        show(evaluation)
    if report and write_report:
        try:
            with errors.status("Drawing the report"):
                write_report(evaluation, report, settings.max_pixels)
        except OSError as error:
            fail(f"the report could not be written: {error}")
        errors.print(f"The report is in {escape(str(report))}; start with index.md.", highlight=False, soft_wrap=True)


def find_report_writer(folder: Path) -> "Callable[[Evaluation, Path, int], None]":
    """What writes reports, once it is known that it can. Raises EvaluationError: before the work, not after it."""
    from service.labelled import EvaluationError

    try:
        from service.report import write_report
    except ImportError:
        raise EvaluationError("--report needs the extra plots: pip install 'lenet5-service[plots]'") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EvaluationError(f"no report can be written to {folder} ({error.strerror})") from None
    return write_report


def show(evaluation: "Evaluation") -> None:
    """Print the figures. They fit a terminal of 80 columns."""
    from service.tables import make_notes, make_tables

    console.print(f"[bold]{escape(evaluation.model)}[/]  sha256 {evaluation.record.sha256[:12]}", highlight=False)
    for table in make_tables(evaluation):
        print_table(table)
    for note in make_notes(evaluation):
        console.print(f"\n{escape(note)}", highlight=False)
