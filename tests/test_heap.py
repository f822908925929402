"""The network's buffers are kept from run to run, as the kernel counts it."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

MODEL = ROOT / "model" / "artifacts" / "lenet5.onnx"
RUNS = 500
PROGRAM = f"""
import resource, sys
import numpy as np
from pathlib import Path
from service.classifier import CHUNK, Classifier
from service.heap import keep_small_buffers

kept = keep_small_buffers()
classifier = Classifier.load(Path(sys.argv[1]))
frames = np.zeros((2 * CHUNK, 28, 28), np.uint8)
for run in range({RUNS} + 20):
    if run == 20:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    classifier.classify(frames)
print(kept and resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_runs_of_the_network_ask_the_system_for_no_memory():
    """Returned and asked for again, its buffers would cost some 50 page faults a run, on average."""
    program = [sys.executable, "-c", PROGRAM, str(MODEL)]
    told = subprocess.run(program, capture_output=True, text=True, check=True).stdout.strip()
    if told == "False":
        pytest.skip("another C library, whose allocator is its own")
    assert int(told) < 5 * RUNS  # it settles within a few


CONNECTIONS = """
import gc
from service.heap import look_for_garbage_seldom
from service.server import Server

look_for_garbage_seldom()
before = gc.get_stats()[2]["collections"]
kept = [{"number": [number]} for number in range(150_000)]
print(gc.get_stats()[2]["collections"] - before)
"""


def test_thousands_of_connections_are_not_gone_through_again_and_again():
    """300,000 objects that stay, as 5,000 connections have them: Python by itself begins three collections."""
    told = subprocess.run([sys.executable, "-c", CONNECTIONS], capture_output=True, text=True, check=True).stdout
    assert int(told) <= 1
