"""Row `stops`: SIGTERM under load, over and over, and not a request lost."""

import subprocess
import sys
import time

from tests.conftest import ROOT, running_server


def stops(count: int) -> str:
    """So many stops, one half under kept connections and the other under new ones."""
    answered = lost = 0
    for number in range(count):
        kind = ("keep-alive", "new-connections")[number % 2]
        with running_server(access_log=False) as server:
            command = [sys.executable, "-m", "tests.load", str(server.port), kind]
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as load:
                assert load.stdout.readline() == "under way\n"
                time.sleep(0.1 + number % 10 / 20)
                assert server.stop() == 0
                counts = [int(word) for word in load.stdout.read().split()]
        answered, lost = answered + counts[0], lost + counts[1]
        assert not lost, f"stop {number} under {kind} lost {lost} of {answered}"
    return f"{count} stops, {answered:,} answered, {lost} lost"
