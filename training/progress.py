"""One look for everything that takes time."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn


class _Bars(Progress):
    """Bars of which the last are shown where a terminal has no room for all; when they stop, all are."""

    _stopped = False

    def get_renderables(self) -> Iterable[RenderableType]:
        tasks = self.tasks
        if tasks and not self._stopped:
            tasks = tasks[-self.console.height :]
        yield self.make_tasks_table(tasks)

    def stop(self) -> None:
        self._stopped = True
        super().stop()


def make_progress(console: Console) -> Progress:
    """Bars with a description, the share done and the time taken."""
    return _Bars(
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        refresh_per_second=4,  # drawing costs CPU time that training could use
    )


@contextmanager
def step(progress: Progress, description: str) -> Iterator[TaskID]:
    """A bar for work whose length is not known: it runs to and fro, is full at the end, and goes if the work fails."""
    task = progress.add_task(description, total=None)
    try:
        yield task
    except BaseException:
        progress.remove_task(task)
        raise
    progress.update(task, total=1, completed=1)
