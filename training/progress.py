"""One look for everything that takes time."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn


def make_progress(console: Console) -> Progress:
    """Bars with a description, the share done and the time taken."""
    return Progress(
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
