"""What was measured: kept as JSON, shown in the terminal and as Markdown, which `python -m benchmarks.table` prints."""

import json
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.contestants import BARE
from benchmarks.figures import Figure
from benchmarks.measure import Cost

KEPT = Path(__file__).with_name("results.json")
TOLD = ("uvicorn", "fastapi", "onnxruntime", "pillow")

SERVERS = (
    "server",
    "req/s, 1 connection",
    "32 connections",
    "over bare",
    "p50 ms, 1",
    "over bare",
    "p50 / p99 ms, 32",
    "CPU µs",
    "over bare",
    "MB",
    "start s",
)
FIGURES = ("figure", "measured", "wanted", "")


@dataclass(frozen=True)
class Results:
    """One run of the benchmark."""

    date: str
    machine: str
    costs: dict[str, Cost]
    figures: list[Figure]

    def write(self, path: Path = KEPT) -> None:
        """Keep it."""
        path.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, path: Path = KEPT) -> "Results":
        """What was kept."""
        kept = json.loads(path.read_text())
        costs = {name: Cost(**cost) for name, cost in kept["costs"].items()}
        return cls(kept["date"], kept["machine"], costs, [Figure(**figure) for figure in kept["figures"]])

    def servers(self) -> list[list[str]]:
        """A row for each server and kind of body."""
        bare = self.costs[BARE]
        return [
            [
                name,
                f"{cost.rate_1:,.0f}",
                f"{cost.rate_32:,.0f}",
                f"{cost.rate_32 / bare.rate_32:.2f}",
                f"{cost.p50_ms_1:.2f}",
                f"{cost.p50_ms_1 / bare.p50_ms_1:.1f}",
                f"{cost.p50_ms_32:.1f} / {cost.p99_ms_32:.1f}",
                f"{cost.cpu_us:,.0f}",
                f"{cost.cpu_us / bare.cpu_us:.1f}",
                f"{cost.megabytes:,.0f}",
                f"{cost.start_s:.1f}",
            ]
            for name, cost in self.costs.items()
        ]

    def promises(self) -> list[list[str]]:
        """A row for each figure."""
        return [
            [
                figure.name,
                f"{figure.value:.2f} {figure.unit}".strip(),
                f"{'≥' if figure.more_is_better else '≤'} {figure.wanted:g} {figure.unit}".strip(),
                "met" if figure.met else "missed",
            ]
            for figure in self.figures
        ]

    def show(self, console: Console) -> None:
        """In a terminal."""
        for title, head, rows in (("Servers", SERVERS, self.servers()), ("Figures", FIGURES, self.promises())):
            table = Table(*head, title=title)
            for row in rows:
                table.add_row(*row)
            console.print(table)
        console.print(f"{self.date}, {self.machine}")

    def markdown(self) -> tuple[str, str]:
        """Both tables as Markdown: the servers with date and machine, as the README has them, and the figures."""
        servers = markdown_table(SERVERS, self.servers())
        return f"{servers}\nMeasured on {self.date}: {self.machine}.\n", markdown_table(FIGURES, self.promises())


def markdown_table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    """Rows of text as Markdown has them."""
    return "".join(f"| {' | '.join(row)} |\n" for row in [list(head), ["---"] * len(head), *rows])


def here() -> str:
    """This machine, and what is installed on it."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = names[0].partition(": ")[2] if names else platform.machine()
    versions = ", ".join(f"{name} {version(name)}" for name in TOLD)
    return f"{model}, {len(names)} cores, Linux {platform.release()}, Python {platform.python_version()}, {versions}"


def today() -> str:
    """The date, as ISO 8601 has it."""
    return datetime.now(UTC).date().isoformat()


if __name__ == "__main__":
    print(*Results.read().markdown(), sep="\n", end="")
