"""The command `lenet5`, for people: typer and rich stay out of what the container runs."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

try:
    import typer
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import track
    from rich.table import Table
except ImportError:
    sys.exit("lenet5 needs the extra cli: pip install 'lenet5-service[cli]'; to serve, python -m service is enough")

from pydantic import ValidationError

from service import __version__
from service.classifier import ModelError
from service.command import explain
from service.evaluate import Evaluation, evaluate, load_model, summarise
from service.labelled import EvaluationError, find_labelled
from service.settings import Settings
from service.tables import Table as TextTable
from service.tables import make_notes, make_tables

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
console = Console()
errors = Console(stderr=True)


def print_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        console.print(f"lenet5 {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Read handwritten and printed digits with LeNet-5."""


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104
    port: Annotated[int, typer.Option(help="Port to listen on.", envvar="PORT", min=0, max=65535)] = 8000,
) -> None:
    """Serve over HTTP, exactly as `python -m service` does.

    Example: LENET_MAX_INFLIGHT=64 lenet5 serve --port 9000
    """
    command = [sys.executable, "-m", "service", "--host", host, "--port", str(port)]
    os.execv(sys.executable, command)  # noqa: S606  signals go straight to the server


@app.command(name="evaluate")
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
    """Score a model on labelled pictures and print a table per set and digit.

    Example: lenet5 evaluate ~/pictures/digits --report report
    """
    try:
        settings = Settings()
        classifier = load_model(model or settings.model_path)
        pictures = find_labelled(source)
        write_report = find_report_writer(report) if report else None
    except ValidationError as error:
        fail(explain(error))
    except (ModelError, EvaluationError) as error:
        fail(str(error))
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


def find_report_writer(folder: Path) -> Callable[[Evaluation, Path, int], None]:
    """What writes reports, once it is known that it can. Raises EvaluationError: before the work, not after it."""
    try:
        from service.report import write_report
    except ImportError:
        raise EvaluationError("--report needs the extra plots: pip install 'lenet5-service[plots]'") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EvaluationError(f"no report can be written to {folder} ({error.strerror})") from None
    return write_report


def show(evaluation: Evaluation) -> None:
    """Print the figures. They fit a terminal of 80 columns."""
    console.print(f"[bold]{escape(evaluation.model)}[/]  sha256 {evaluation.record.sha256[:12]}", highlight=False)
    for table in make_tables(evaluation):
        console.print(f"\n[italic]{escape(table.title)}[/]", highlight=False)
        roomy, tight = as_rich(table, 1), as_rich(table, 0)
        needed = console.measure(roomy, options=console.options.update_width(10 * console.width)).maximum
        console.print(roomy if needed <= console.width else tight)
    for note in make_notes(evaluation):
        console.print(f"\n{escape(note)}", highlight=False)


def as_rich(table: TextTable, padding: int) -> Table:
    """The table as rich draws it: names to the left, broken where they must be; numbers to the right, never broken."""
    drawn = Table(box=SIMPLE_HEAD, padding=(0, 0, 0, padding), pad_edge=False, show_edge=False)
    drawn.add_column(table.header[0], vertical="bottom")
    for name in table.header[1:]:
        drawn.add_column(name, justify="right", no_wrap=True, vertical="bottom")
    for row in table.rows:
        drawn.add_row(*map(escape, row))
    drawn.add_section()
    for row in table.summary:
        drawn.add_row(*row)
    return drawn


def fail(reason: str) -> NoReturn:
    """Say in one line what is wrong, and leave."""
    errors.print(f"[bold red]lenet5:[/] {escape(reason)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1) from None


def main() -> None:
    """The entry point."""
    app()


if __name__ == "__main__":
    main()
