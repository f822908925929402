"""`python -m tests.torture ROW [COUNT]`: run one row for long, and note in docs/reliability.md what was seen."""

import sys
import time
from collections.abc import Callable

from tests.conftest import ROOT
from tests.torture.corpora import corpora
from tests.torture.damaged import damaged
from tests.torture.generated import generated, generated_http
from tests.torture.guided import guided
from tests.torture.overload import overload
from tests.torture.raw import raw_http
from tests.torture.slow import slow
from tests.torture.soak import soak
from tests.torture.stops import stops

PAGE = ROOT / "docs" / "reliability.md"
LIVEZ_MS = 50


def http(count: int) -> str:
    """Half of them bad requests in sound HTTP, half bad HTTP."""
    bad = generated_http(count // 2, 20_000_000, LIVEZ_MS)
    return f"{bad}; {raw_http(count - count // 2, 30_000_000, LIVEZ_MS)}"


ROWS: dict[str, tuple[int, Callable[[int], str]]] = {
    "corpora": (3, lambda orders: corpora(orders, LIVEZ_MS)),
    "generated": (3_000_000, lambda count: generated(count, seed=10_000_000)),
    "atheris": (1_000_000, lambda count: guided(count, seed=1)),
    "generated-http": (200_000, http),
    "slow": (5_000, lambda clients: slow(clients, LIVEZ_MS)),
    "overload-small": (300, lambda seconds: overload("small", seconds, 0.9, 2)),
    "overload-large": (300, lambda seconds: overload("large", seconds, 0.9, 2)),
    "stops": (300, stops),
    "damaged": (2_000, lambda count: damaged(count, started=20)),
    "soak": (3_000_000, lambda count: soak(count, most_bytes=3_000_000)),
}
"""How many of its unit each row takes by itself, and the row."""


def main(row: str, count: str = "") -> None:
    """Run one row. Nothing is noted where it fails."""
    usual, run = ROWS[row]
    said = run(int(count) if count else usual)
    with PAGE.open("a") as page:
        page.write(f"| {time.strftime('%Y-%m-%d')} | `{row}` | {said} |\n")
    print(said)


if __name__ == "__main__":
    main(*sys.argv[1:])
