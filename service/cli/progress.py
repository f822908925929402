"""How far a batch is: a bar with its rate and the time left, or, where no terminal shows it, a line now and then."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from service.batch import BatchError
from service.cli.terminal import errors

if TYPE_CHECKING:
    from service.batch.engine import Job

LINE_SECONDS = 30


class Progress(Protocol):
    """Is told what was done."""

    def advance(self, rows: int) -> None:
        """So many more rows are written."""


@contextmanager
def show_progress(job: "Job", done: int) -> Iterator[Progress]:
    """Show how far a job is of which so many rows were there already. How many there will be is counted meanwhile."""
    if errors.is_terminal:
        columns = (BarColumn(24), TextColumn("{task.completed:,.0f}"), _Total(), _Rate(), TimeRemainingColumn())
        with Bar(*columns, console=errors, transient=True) as bar:
            shown = _Shown(bar, done)
            Thread(target=_count, args=(job, shown), daemon=True).start()
            yield shown
    else:
        lines = _Lines(done)
        Thread(target=_count, args=(job, lines), daemon=True).start()
        yield lines


class _Shown:
    def __init__(self, bar: Bar, done: int) -> None:
        self._bar = bar
        self._task = bar.add_task("", completed=done, total=None)

    def advance(self, rows: int) -> None:
        self._bar.advance(self._task, rows)

    def expect(self, total: int) -> None:
        self._bar.update(self._task, total=total)


class _Lines:
    def __init__(self, done: int) -> None:
        self._done = done
        self._now = 0
        self._total: int | None = None
        self._began = self._said = time.monotonic()

    def advance(self, rows: int) -> None:
        self._now += rows
        if time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            errors.print(self._line(), highlight=False, soft_wrap=True)

    def expect(self, total: int) -> None:
        self._total = total

    def _line(self) -> str:
        rate = self._now / (self._said - self._began)
        done = self._done + self._now
        if self._total is None:
            return f"{done:,} pictures, {rate:,.0f} a second"
        left = (self._total - done) / rate / 60
        return f"{done:,} of {self._total:,} pictures, {rate:,.0f} a second, {left:,.0f} min left"


class _Total(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.total is None else f"of {task.total:,.0f}")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s", "cyan")


def _count(job: "Job", shown: "_Shown | _Lines") -> None:
    """Tell how many there will be. Where the inputs cannot be counted the batch itself will say so."""
    try:
        shown.expect(job.count())
    except BatchError:
        return
