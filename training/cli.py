"""`python -m training`: remake the artifacts, showing every step, and say at the end what the card says."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from model.contract import ARTIFACTS
from model.record import Record
from training.artifacts import CARD_FILE
from training.card import summarise
from training.dataset import DatasetError, fetch_mnist
from training.export import ExportError
from training.pictures.fonts import FontsError
from training.pipeline import make_artifacts
from training.progress import make_progress
from training.recipes import BEST, RECIPES, Best, Recipe

app = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise typer.BadParameter(f"there is no recipe {name!r}; there is {', '.join(RECIPES)}")
    return RECIPES[name]


@app.command()
def train(
    recipe: Annotated[
        Recipe, typer.Option(parser=_recipe, metavar="NAME", help=f"How to train: {', '.join(RECIPES)}.")
    ] = BEST.name,  # type: ignore[assignment]  # typer parses defaults too
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's own number.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="The same seed gives the same weights.")] = 0,
    data: Annotated[Path | None, typer.Option(help="Folder of the four IDX files, gzipped or not.")] = None,
    out: Annotated[Path, typer.Option(help="Where the artifacts go.", show_default="model/artifacts")] = ARTIFACTS,
) -> None:
    """Train LeNet-5 on MNIST and write the model, its record, its card and its pictures."""
    chosen = recipe if epochs is None else replace(recipe, epochs=epochs)
    console = Console()
    try:
        with make_progress(console) as progress:
            record = make_artifacts(chosen, seed, fetch_mnist(progress, data), out, progress)
    except (DatasetError, FontsError, ExportError, OSError) as error:
        console.print(Text(f"error: {error}", style="red"), soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        further = "goes on after the last finished stage" if isinstance(chosen, Best) else "begins anew"
        console.print(Text(f"Interrupted. What was in {out} is as it was; the same command {further}."))
        raise typer.Exit(130) from None
    console.print(_table(record))
    console.print(Text(f"Written to {out}; start with {CARD_FILE}."))


def _table(record: Record) -> Table:
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in summarise(record):
        table.add_row(name, value)
    return table
