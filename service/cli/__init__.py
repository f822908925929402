"""The command `lenet5`, for people: typer and rich stay out of what the container runs.

The commands import what they run when they run: help and completion answer without loading a network.
"""

import os
import sys
from collections.abc import Callable
from inspect import getdoc
from typing import Annotated

try:
    import rich  # noqa: F401
    import typer
except ImportError:
    sys.exit("lenet5 needs the extra cli: pip install 'lenet5-service[cli]'; to serve, python -m service is enough")

from service import __version__
from service.cli import batch, evaluate, model, predict

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}

EXAMPLES = """\
Examples:

  lenet5 serve --port 9000
  lenet5 predict photo.jpg
  lenet5 batch scans -o answers.jsonl
"""

SERVE_EXAMPLES = """\
Example:

  LENET_MAX_INFLIGHT=64 lenet5 serve --port 9000
"""

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, context_settings=HELP_OPTIONS, epilog=EXAMPLES)


def print_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        typer.echo(f"lenet5 {__version__}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Read handwritten and printed digits with LeNet-5."""


@app.command(epilog=SERVE_EXAMPLES)
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104
    port: Annotated[int, typer.Option(help="Port to listen on.", envvar="PORT", min=0, max=65535)] = 8000,
) -> None:
    """Serve over HTTP, exactly as `python -m service` does."""
    command = [sys.executable, "-m", "service", "--host", host, "--port", str(port)]
    os.execv(sys.executable, command)  # noqa: S606  signals go straight to the server


def add(name: str, command: Callable[..., None], examples: str) -> None:
    """Add a command. Its docstring is its help, broken where the terminal breaks it and not where the source does."""
    paragraphs = (getdoc(command) or "").split("\n\n")
    flowing = "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)
    app.command(name=name, help=flowing, epilog=examples)(command)


add("predict", predict.predict_files, predict.EXAMPLES)
add("batch", batch.run_batch, batch.EXAMPLES)
add("evaluate", evaluate.evaluate_pictures, evaluate.EXAMPLES)
add("model", model.show_model, model.EXAMPLES)


def main() -> None:
    """The entry point."""
    app(prog_name="lenet5")
