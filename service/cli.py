"""The command `lenet5`, for people: typer and rich stay out of what the container runs."""

import os
import sys
from pathlib import Path
from typing import Annotated

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
from service.classifier import Classifier, ModelError
from service.command import explain
from service.evaluate import EvaluationError, SetScore, evaluate, find_labelled, macro_accuracy, score
from service.settings import Settings

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
def evaluate_folder(
    folder: Annotated[Path, typer.Argument(help="Folder with a labels.csv, or with sub-folders named 0 to 9.")],
    model: Annotated[Path | None, typer.Option(help="Model file; the one that would be served if not given.")] = None,
) -> None:
    """Score the model on labelled pictures and print a table per set.

    Example: lenet5 evaluate ~/pictures/digits
    """
    try:
        settings = Settings()
        classifier = Classifier.load(model or settings.model_path)
        pictures = find_labelled(folder)
    except (ModelError, EvaluationError, ValidationError) as error:
        reason = explain(error) if isinstance(error, ValidationError) else str(error)
        errors.print(f"[bold red]lenet5:[/] {escape(reason)}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    answers = evaluate(pictures, classifier, settings.max_pixels)
    judged = list(track(answers, "Evaluating", len(pictures), console=errors, transient=True))
    console.print(score_table(score(judged), f"{classifier.record.name} {classifier.record.version}"))


def score_table(scores: list[SetScore], title: str) -> Table:
    """The figures of each set, and their macro average. Fits a terminal of 80 columns."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_footer=True)
    table.add_column("set", footer="macro average", no_wrap=True)
    table.add_column("pictures", justify="right")
    table.add_column("right", justify="right")
    table.add_column("accuracy", justify="right", footer=percent(macro_accuracy(scores)))
    table.add_column("accepted", justify="right")
    table.add_column("right of them", justify="right")
    for each in scores:
        table.add_row(
            each.name,
            str(each.pictures),
            str(each.right) if each.digits else "–",
            percent(each.accuracy),
            percent(each.accepted / each.pictures),
            percent(each.accepted_right / each.accepted if each.accepted and each.digits else None),
        )
    unreadable = sum(each.unreadable for each in scores)
    if unreadable:
        table.caption = f"{unreadable} of the pictures could not be read; they count as wrong and not accepted."
    return table


def percent(share: float | None) -> str:
    """A share as a percentage, a dash where there is none."""
    return "–" if share is None else f"{share:.1%}"


def main() -> None:
    """The entry point."""
    app()


if __name__ == "__main__":
    main()
