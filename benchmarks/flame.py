"""A flame graph of the server under load, `python -m benchmarks.flame OUT.svg`: width is time, a row is a call."""

import argparse
import os
import subprocess
import sys
import threading
from pathlib import Path

from benchmarks.asks import SEVEN, raw
from benchmarks.contestants import ours
from benchmarks.load import check_tools, load
from benchmarks.measure import MANY, WARM_SECONDS
from benchmarks.process import running

SECONDS = 10
SAMPLES_A_SECOND = 500


def main() -> None:
    """Load the server, and look at its stack again and again meanwhile."""
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flame", description=__doc__)
    parser.add_argument("out", type=Path, help="an SVG")
    options = parser.parse_args()
    check_tools()
    with running(ours(), cores[-1]) as server:
        load(server.port, raw(SEVEN), MANY, WARM_SECONDS, cores[0])
        asking = threading.Thread(target=load, args=(server.port, raw(SEVEN), MANY, SECONDS + 2, cores[0]))
        asking.start()
        spy = ["py-spy", "record", "--native", "--threads", "--rate", str(SAMPLES_A_SECOND)]
        spy += ["--pid", str(server.process.pid), "--duration", str(SECONDS), "--output", str(options.out)]
        # The command is the picture's title, so it is called by its name, wherever it is installed.
        subprocess.run(spy, executable=Path(sys.executable).with_name("py-spy"), check=True)
        asking.join()


if __name__ == "__main__":
    main()
