"""`lenet5 predict`: read some pictures, here or by a service, and show the answers."""

import base64
import json
import sys
from collections.abc import Iterator, Sequence
from errno import EBADF
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from model.ink import Polarity
from service.cli.terminal import FAILED, POLARITY, WRONG_USAGE, complain, console, draw, fail, read_settings

if TYPE_CHECKING:
    from service.cli.ask import Document, Reader
    from service.pipeline import Include

STDIN = "-"
BAR = 24
"""Columns of the bar that stands for a probability of 1."""

EXAMPLES = """\
Examples:

  lenet5 predict photo.jpg
  lenet5 predict scans/*.png --json | jq .digit
  scanimage --format=png | lenet5 predict -
  lenet5 predict photo.jpg --url http://localhost:8000
"""


class Outcome(NamedTuple):
    """What came of one file: an answer, or a problem."""

    file: str
    answer: "Document | None"
    problem: "Document | None"

    def document(self) -> "Document":
        """As JSON has it."""
        found = self.answer if self.problem is None else {"error": self.problem}
        return {"file": self.file, **(found or {})}


def predict_files(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Pictures; - is standard input.")],
    url: Annotated[
        str | None,
        typer.Option(help="Ask a running service there instead of reading here. LENET_API_KEY is its key, if set."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what POST /predict answers, one line for each file.")
    ] = False,
    will_draw: Annotated[
        bool | None,
        typer.Option("--draw/--no-draw", help="Draw what the network saw. Of several files only if asked to."),
    ] = None,
    polarity: Annotated[Polarity, POLARITY] = "auto",
    model: Annotated[Path | None, typer.Option(help="Model file; the one that would be served if not given.")] = None,
) -> None:
    """Read the digit in each picture.

    Exits with 1 where a file could not be read, with 2 where the command is wrong.
    """
    drawn = not as_json and (len(files) == 1 if will_draw is None else will_draw)
    outcomes = []
    for outcome in _read_all(files, url, model, polarity, drawn):
        outcomes.append(outcome)
        if as_json:
            typer.echo(json.dumps(outcome.document(), ensure_ascii=False))
        elif outcome.problem:
            complain(f"{outcome.file}: {outcome.problem['detail']}")
        elif outcome.answer and drawn:
            _show(outcome.file, outcome.answer)
    if not as_json and not drawn:
        _tabulate(outcomes)
    if any(outcome.problem for outcome in outcomes):
        raise typer.Exit(FAILED)


def _read_all(
    files: Sequence[str], url: str | None, model: Path | None, polarity: Polarity, drawn: bool
) -> Iterator[Outcome]:
    """Read file after file; where nobody is there to read, say so and leave."""
    from service.cli.ask import Refused, Unreachable
    from service.errors import ServiceError
    from service.names import readable
    from service.pictures import Fault, read_file

    reader, max_bytes = _find_reader(url, model, polarity, drawn)
    for file in files:
        try:
            raw = _standard_input(max_bytes + 1) if file == STDIN else read_file(file, max_bytes)
            yield Outcome(readable(file), reader.read(raw), None)
        except (OSError, ServiceError) as error:
            yield Outcome(readable(file), None, Fault.of(error).document())
        except Refused as refusal:
            yield Outcome(readable(file), None, refusal.problem)
        except Unreachable as error:
            fail(str(error))


def _standard_input(most: int) -> bytes:
    """So many bytes of it. Raises OSError."""
    if sys.stdin is None:
        raise OSError(EBADF, "Standard input is closed")
    return sys.stdin.buffer.read(most)


def _find_reader(url: str | None, model: Path | None, polarity: Polarity, drawn: bool) -> "tuple[Reader, int]":
    """Who reads, and how many bytes of a file at most; where nobody can, say why, and leave."""
    from service.classifier import ModelError
    from service.cli.ask import Here, There
    from service.pictures import Looking

    if url and model:
        fail("--url and --model exclude each other: the service has its own model", WRONG_USAGE)
    settings = read_settings()
    looking = Looking(settings.max_body_bytes, settings.max_pixels, polarity)
    include: list[Include] = ["input"] if drawn else []
    try:
        if url:
            key = settings.api_key.get_secret_value() if settings.api_key else None
            return There(url, key, looking, include), settings.max_body_bytes
        return Here(model or settings.model_path, looking, include), settings.max_body_bytes
    except ValueError as error:
        fail(str(error), WRONG_USAGE)
    except ModelError as error:
        fail(str(error))


def _show(file: str, answer: "Document") -> None:
    """Print what the network saw, and beside it what it said."""
    import numpy as np
    from PIL import Image

    png = base64.b64decode(answer["input"].partition(",")[2])
    with Image.open(BytesIO(png)) as image:
        frame = np.asarray(image)
    side_by_side = Table.grid(padding=(0, 3))
    side_by_side.add_row(draw(frame, console.color_system is not None), _verdict(answer))
    console.print(f"\n[bold]{escape(file)}[/]\n", highlight=False, soft_wrap=True)
    console.print(side_by_side)


def _verdict(answer: "Document") -> Text:
    """The digit, the ten probabilities as bars, and what to think of them: 14 lines, as high as the drawing."""
    lines = Text()
    lines.append(f"{_digit(answer)}", "bold")
    lines.append(f"  {_percent(answer['confidence'])}  ")
    lines.append(_judgement(answer), "green" if answer["accepted"] else "yellow")
    lines.append("\n\n")
    for digit, probability in enumerate(answer["probabilities"]):
        bar = "━" * round(BAR * probability)
        style = "bold" if digit == answer["digit"] else "dim"
        lines.append(f"{digit} {bar:<{BAR}} {_percent(probability):>8}\n", style)
    lines.append("\n" + _warnings(answer), "dim")
    return lines


def _tabulate(outcomes: Sequence[Outcome]) -> None:
    """Print a line for each answer."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("file", overflow="fold")
    table.add_column("digit", justify="right", no_wrap=True)
    table.add_column("confidence", justify="right", no_wrap=True)
    table.add_column("judgement", no_wrap=True)
    table.add_column("warnings")
    for outcome in outcomes:
        if answer := outcome.answer:
            confidence = _percent(answer["confidence"])
            table.add_row(escape(outcome.file), _digit(answer), confidence, _judgement(answer), _warnings(answer))
    if table.row_count:
        console.print(table)


def _digit(answer: "Document") -> str:
    return "–" if answer["digit"] is None else str(answer["digit"])


def _percent(share: float) -> str:
    return f"{share:.2%}"


def _judgement(answer: "Document") -> str:
    return "accepted" if answer["accepted"] else answer["reason"].replace("_", " ")


def _warnings(answer: "Document") -> str:
    return ", ".join(answer["preprocessing"]["warnings"]).replace("_", " ")
