"""What the commands share of the terminal: where to print, tables, pictures, one-line failures."""

from typing import TYPE_CHECKING, NoReturn

import typer
from pydantic import ValidationError
from rich.box import SIMPLE_HEAD
from rich.color import Color
from rich.console import Console
from rich.markup import escape
from rich.style import Style
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from model.contract import Frames
    from service.settings import Settings
    from service.tables import Table as TextTable

POLARITY = typer.Option(
    metavar="KIND", help="What the ink is on its ground: dark-on-light, light-on-dark, or auto, which finds out."
)
"""Both commands that read pictures have it; its choices, spelt out, would leave no room for words."""

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130

console = Console()
errors = Console(stderr=True)

_HALVES = " ▄▀█"
"""Two pixels, one above the other, where there are no colours: neither is light, the lower, the upper, both."""


def complain(reason: str) -> None:
    """Say in one line what is wrong."""
    errors.print(f"[bold red]lenet5:[/] {escape(reason)}", highlight=False, soft_wrap=True)


def fail(reason: str, code: int = FAILED) -> NoReturn:
    """Say in one line what is wrong, and leave."""
    complain(reason)
    raise typer.Exit(code) from None


def read_settings() -> "Settings":
    """The settings, from the environment; where one is wrong, say which, and leave."""
    from service.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        from service.command import explain

        fail(explain(error), WRONG_USAGE)


def print_table(table: "TextTable") -> None:
    """Print a table, roomy where the terminal is wide enough."""
    console.print(f"\n[italic]{escape(table.title)}[/]", highlight=False)
    roomy, tight = as_rich(table, 1), as_rich(table, 0)
    needed = console.measure(roomy, options=console.options.update_width(10 * console.width)).maximum
    console.print(roomy if needed <= console.width else tight)


def as_rich(table: "TextTable", padding: int) -> Table:
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


def draw(frame: "Frames", coloured: bool) -> Text:
    """uint8 (28, 28) -> 14 lines of 28 half blocks: each is two pixels, the upper one its ink, the lower its ground."""
    pairs_of_rows = zip(frame[::2].tolist(), frame[1::2].tolist(), strict=True)
    return Text("\n").join(_half_blocks(upper, lower, coloured) for upper, lower in pairs_of_rows)


def _half_blocks(upper_row: list[int], lower_row: list[int], coloured: bool) -> Text:
    line = Text(no_wrap=True)
    for upper, lower in zip(upper_row, lower_row, strict=True):
        if coloured:
            line.append("▀", Style(color=_grey(upper), bgcolor=_grey(lower)))
        else:
            line.append(_HALVES[2 * (upper > 127) + (lower > 127)])
    return line


def _grey(level: int) -> Color:
    return Color.from_rgb(level, level, level)
