"""`lenet5 batch --engine ray` on a cluster of several nodes, each with processes of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.dataset
import pytest

from tests.conftest import ROOT
from tests.scans import BLANK, write_scans

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]

os.environ.setdefault("RAY_raylet_start_wait_time_s", "100")  # read with ray itself; 30 are too few on a busy machine
ray = pytest.importorskip("ray", reason="the extra ray is not installed")


@pytest.fixture
def cluster() -> Iterator:
    """A head that reads nothing, and two nodes of one CPU each."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        yield cluster
    finally:
        cluster.shutdown()


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "service.cli", "batch", *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=200)


def rows(output: Path) -> list[dict]:
    return pyarrow.dataset.dataset(output).to_table().to_pylist()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Scans, one that is damaged, and one of nothing."""
    folder = tmp_path / "pictures"
    write_scans(folder, 1500)
    (folder / "damaged.png").write_bytes(BLANK[:60])
    (folder / "blank.png").write_bytes(BLANK)
    return folder


def test_a_node_that_is_killed_costs_no_row(cluster, pictures, tmp_path):
    """Amid the run; the rows are those of a run by one process here."""
    output = tmp_path / "ray.parquet"
    arguments = command(pictures, "-o", output, "--engine", "ray", "--address", cluster.address)
    with subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, text=True) as batch:
        node = cluster.list_all_nodes()[-1]
        torn = tmp_path / ".ray.parquet.tmp"
        deadline = time.monotonic() + 100
        while not list(torn.glob("*.parquet")):
            assert batch.poll() is None, batch.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        cluster.remove_node(node, allow_graceful=False)
        assert not output.exists(), "the node was killed too late to tell anything"
        said = batch.communicate(timeout=200)[1]
    assert batch.returncode == 0, said
    assert "1,502 pictures" in said

    here = tmp_path / "here.parquet"
    assert run(pictures, "-o", here, "--workers", 1).returncode == 0
    assert rows(output) == rows(here)
    assert not torn.exists()


def test_a_cluster_of_its_own(pictures, tmp_path):
    """Started for the batch, and ended with it; a second time it is refused what is there."""
    output = tmp_path / "ray.parquet"
    first = run(pictures, "-o", output, "--engine", "ray", "--workers", 2)
    assert first.returncode == 0, first.stderr
    assert "1 unreadable" in first.stderr
    again = run(pictures, "-o", output, "--engine", "ray", "--workers", 2)
    assert again.returncode == 1
    assert "is there already" in again.stderr


def test_what_ray_cannot_do_is_told_at_once(pictures, tmp_path):
    """Lines go to one file in order, which no cluster writes; and nothing is written."""
    done = run(pictures, "-o", tmp_path / "answers.jsonl", "--engine", "ray")
    assert done.returncode == 2
    assert "writes a .parquet" in done.stderr
    assert not list(tmp_path.glob("answers*"))
