"""`make bench`: what a request costs here, beside a bare server and others. Takes some minutes and two quiet cores."""

import argparse
import os

from rich.console import Console

from benchmarks import figures
from benchmarks.contestants import Contestant, bare, installed_rivals, ours, tutorial
from benchmarks.load import check_tools
from benchmarks.measure import Cores, measure
from benchmarks.process import running
from benchmarks.table import Results, here, today


def main() -> None:
    """Measure, print, and keep."""
    available = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of all servers (%(default)s)")
    parser.add_argument("--server-core", type=int, default=available[-1], help="(%(default)s)")
    parser.add_argument("--load-core", type=int, default=available[0], help="(%(default)s)")
    parser.add_argument("--rivals", action="store_true", help="measure the frameworks of benchmarks/rivals too")
    parser.add_argument("--keep", action="store_true", help="as the figures of the documentation")
    options = parser.parse_args()
    check_tools()
    cores = Cores(options.server_core, options.load_core)
    if cores.server == cores.load:
        raise SystemExit("bench: the server needs one core and the load another")
    os.sched_setaffinity(0, {cores.load})
    rivals = installed_rivals() if options.rivals else []
    results = run(rivals, options.rounds, cores)
    results.show(Console())
    if options.keep:
        results.write()


def run(rivals: list[Contestant], rounds: int, cores: Cores) -> Results:
    """Everything that is measured."""
    with running(ours(), cores.server) as server:
        answer = server.answer
    costs = measure([bare(answer), ours(), tutorial(), *rivals], rounds, cores)
    promised = [
        *figures.of_requests(costs),
        *figures.of_photos(cores),
        *figures.of_big_pictures(cores),
        *figures.of_batches(cores),
        *figures.of_start(cores),
        *figures.of_memory(cores),
    ]
    return Results(today(), here(), costs, promised)


if __name__ == "__main__":
    main()
