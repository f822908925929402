"""How far a batch is: a bar with its rate and the time left, or, where no terminal shows it, a line now and then."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING

from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from service.batch import BatchError
from service.cli.terminal import errors

if TYPE_CHECKING:
    from service.batch.engine import Job

LINE_SECONDS = 30


class Progress:
    """Is told what was done, and says how fast that is."""

    def __init__(self, done: int) -> None:
        """`done`: rows that were there already."""
        self.done = done
        self.total: int | None = None
        self._now = 0
        self._began = time.monotonic()

    def advance(self, rows: int) -> None:
        """So many more rows are written."""
        self._now += rows
        self.done += rows

    def expect(self, total: int) -> None:
        """There will be so many rows."""
        self.total = total

    def line(self) -> str:
        """How far it is, as words."""
        rate = self._now / max(time.monotonic() - self._began, 1e-3)
        if self.total is None or not rate:
            return f"{self.done:,} pictures, {rate:,.0f} a second"
        left = timedelta(seconds=round((self.total - self.done) / rate))
        return f"{self.done:,} of {self.total:,} pictures, {rate:,.0f} a second, {left} left"


class _Shown(Progress):
    """As a bar."""

    def __init__(self, done: int, bar: Bar) -> None:
        super().__init__(done)
        self._bar = bar
        self._task = bar.add_task("", completed=done, total=None, line="")

    def advance(self, rows: int) -> None:
        super().advance(rows)
        self._bar.update(self._task, completed=self.done, total=self.total, line=self.line())


class _Logged(Progress):
    """As lines, such as logs are made of."""

    def __init__(self, done: int) -> None:
        super().__init__(done)
        self._said = time.monotonic()

    def advance(self, rows: int) -> None:
        super().advance(rows)
        if time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            errors.print(self.line(), highlight=False, soft_wrap=True)


@contextmanager
def show_progress(job: "Job", done: int) -> Iterator[Progress]:
    """Show how far a job is of which so many rows were there already. How many there will be is counted meanwhile."""
    if errors.is_terminal:
        with Bar(BarColumn(20), TextColumn("{task.fields[line]}"), console=errors, transient=True) as bar:
            yield _counted(job, _Shown(done, bar))
    else:
        yield _counted(job, _Logged(done))


def _counted(job: "Job", progress: Progress) -> Progress:
    Thread(target=_count, args=(job, progress), daemon=True).start()
    return progress


def _count(job: "Job", progress: Progress) -> None:
    """Tell how many there will be. Where the inputs cannot be counted the batch itself will say so."""
    try:
        progress.expect(job.count())
    except BatchError:
        return
