"""`lenet5 model`: the model card, for people and programs."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.padding import Padding

from service.cli.terminal import console, fail, print_table, read_settings

if TYPE_CHECKING:
    from model.record import Record
    from service.tables import Table

EXAMPLES = """\
Examples:

  lenet5 model
  lenet5 model --json | jq .evaluation.mnist_test
"""


def show_model(
    model: Annotated[Path | None, typer.Option(help="Model file; the one that would be served if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as GET /v1/model answers it.")] = False,
) -> None:
    """Print the model card: what the model was made of, what it was seen to do, its limits."""
    from service.classifier import Classifier, ModelError
    from service.schemas import ModelCard

    path = model or read_settings().model_path
    try:
        record = Classifier.load(path).record
    except ModelError as error:
        fail(str(error))
    if as_json:
        typer.echo(ModelCard(**asdict(record)).model_dump_json(indent=2))
    else:
        show(record, path)


def show(record: "Record", path: Path) -> None:
    """Print what a person asks of a card. A record of another recipe may lack any of it."""
    accepted = record.acceptance
    facts = {
        "file": path,
        "sha256": record.sha256,
        "parameters": _number(record.training.get("parameters")),
        "training": _training(record.training),
        "data": record.data.get("name"),
        "accepted": f"from confidence {accepted.min_confidence:.4g} and evidence {accepted.min_evidence:.4g}",
        "temperature": record.calibration.get("temperature"),
    }
    console.print(f"[bold]{escape(record.name)} {escape(record.version)}[/], verified\n", highlight=False)
    for name, fact in facts.items():
        if fact is not None:
            console.print(f"  {name:<12} {escape(str(fact))}", highlight=False, soft_wrap=True)
    if record.evaluation:
        print_table(_evaluation(record))
    if record.limits:
        console.print("\n[italic]Limits[/]\n")
    for limit in record.limits:
        console.print(Padding(escape(limit), (0, 0, 0, 2)), highlight=False)


def _training(training: Mapping[str, Any]) -> str | None:
    found = [f"{name} {training[name]}" for name in ("recipe", "seed", "epochs") if name in training]
    return ", ".join(found) or None


def _number(value: int | None) -> str | None:
    return None if value is None else f"{value:,}"


def _evaluation(record: "Record") -> "Table":
    """The figures of each kind of picture; a dash where there is none, as of pictures that are no digits."""
    from service.tables import DASH, Table, between, percent

    rows: list[tuple[str, ...]] = []
    for name, found in record.evaluation.items():
        images, errors, accepted = found.get("images"), found.get("errors"), found.get("accepted")
        right = None if None in (images, errors) else images - errors
        ece = record.calibration.get("ece", {}).get(name)
        rows.append(
            (
                name.replace("_", " "),
                _number(images) or DASH,
                percent(right, images),
                DASH if right is None else between(right, images),
                DASH if accepted is None else f"{accepted:.2%}",
                DASH if ece is None else f"{ece:.2%}",
            )
        )
    header = ("pictures", "images", "accuracy", "95 %\ninterval", "accepted", "ECE")
    return Table("What it was seen to do", header, rows)
