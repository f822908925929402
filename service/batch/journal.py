"""A small file beside a batch's output: what the output was begun with, and a lock while it is written."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from service.batch import BatchError
from service.batch.outputs import Output

SUFFIX = ".run.json"

Identity = Mapping[str, str]
"""Whatever the rows depend on, by the name that a person knows it by."""


@contextmanager
def keep_journal(path: Path, output: Output, identity: Identity, restart: bool) -> Iterator[None]:
    """Hold an output, `path` being its place: begun anew, or gone on with where it was begun with the same identity.

    Raises BatchError where it was begun with another, by another program, or is being written.
    """
    journal = path.with_name(path.name + SUFFIX)
    try:
        journal.parent.mkdir(parents=True, exist_ok=True)
        file = journal.open("a+", encoding="utf-8")
    except OSError as error:
        raise BatchError(f"{path} cannot be written ({error.strerror})") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BatchError(f"another process is writing {path}") from None
        if restart:
            output.remove()
        if output.begun:
            _check(path, _read(file), identity)
        else:
            file.truncate(0)
            file.write(json.dumps(identity, indent=2, ensure_ascii=False) + "\n")
            file.flush()
        yield


def _read(file: IO[str]) -> Identity | None:
    file.seek(0)
    try:
        found = json.load(file)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _check(path: Path, begun: Identity | None, identity: Identity) -> None:
    """Raises BatchError where the output that is there is not of this batch."""
    if begun is None:
        raise BatchError(f"{path} is there already, and no batch that could go on; --restart overwrites it")
    others = sorted(name for name in {*begun, *identity} if begun.get(name) != identity.get(name))
    if others:
        changed = ", ".join(f"{name} {begun.get(name)}" for name in others)
        raise BatchError(f"{path} was begun with {changed}; go on with the same, or begin anew with --restart")
