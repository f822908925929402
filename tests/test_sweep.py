"""The sweep that enforces deadlines gives way to everything else."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

from service import server as serving
from service.server import SWEPT_TOGETHER, Server

MANY = 10 * SWEPT_TOGETHER


@dataclass(frozen=True)
class Connection:
    """All that the sweep knows of one."""

    enforce_deadlines: Callable[[float], None]
    id: object = field(default_factory=object)


def test_others_have_their_turn_while_many_are_swept(monkeypatch):
    """And who ends meanwhile is left alone. Fails where all are swept in one turn, and where those are swept too."""
    turns, swept = 0, []

    def enforce_deadlines(now: float) -> None:
        still_open.discard(connections[-1])
        swept.append(turns)

    connections = [Connection(enforce_deadlines) for _ in range(MANY)]
    still_open = set(connections)

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def watch() -> None:
        server = SimpleNamespace(
            watchdog=SimpleNamespace(beat=lambda: None),
            guarded=lambda: connections,
            server_state=SimpleNamespace(connections=still_open),
        )
        tasks = [asyncio.create_task(count()), asyncio.create_task(Server.sweep(server))]
        while len(swept) < MANY - 1:  # noqa: ASYNC110  turns of the loop are what is counted
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()

    monkeypatch.setattr(serving, "SWEEP_SECONDS", 0.2)
    asyncio.run(asyncio.wait_for(watch(), 20))
    assert len(set(swept)) >= MANY // SWEPT_TOGETHER
    assert len(swept) == MANY - 1


def test_a_bug_in_one_connection_costs_no_other_its_deadlines(caplog):
    """It is cut off, and told of."""

    def fail(now):
        raise RuntimeError("a bug")

    aborted = []
    serving.enforce_deadlines(
        SimpleNamespace(enforce_deadlines=fail, transport=SimpleNamespace(abort=lambda: aborted.append(1))), 0.0
    )
    assert aborted == [1]
    assert "a bug" in caplog.text
