"""The arrows between the folders: training → model ← service."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MATPLOTLIB_HOME = "model/plots.py"


def imported(folder: str) -> set[str]:
    """Top-level names of every module imported anywhere below a folder, in functions too."""
    names: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("service", {"training", "tests", "benchmarks", "torch", "torchvision", "onnx", "matplotlib"}),
        ("training", {"service", "tests", "benchmarks", "fastapi", "uvicorn"}),
        ("model", {"service", "training", "tests", "torch", "fastapi", "onnxruntime", "onnx", "pydantic"}),
    ],
)
def test_arrows_point_at_the_model(folder, forbidden):
    """Training and service know the model and not each other; the model knows neither."""
    assert not forbidden & imported(folder)


def test_pictures_are_drawn_without_torch():
    """Every worker process imports what it draws with; only the studio, which sends them out, hands over tensors."""
    importers = [
        path.name for path in (ROOT / "training" / "pictures").glob("*.py") if "import torch" in path.read_text()
    ]
    assert importers == ["studio.py"]


def test_one_module_draws():
    """matplotlib has one importer, so that serving never loads it by accident."""
    importers = [
        str(path.relative_to(ROOT))
        for folder in ("service", "model", "training")
        for path in (ROOT / folder).rglob("*.py")
        if "matplotlib" in path.read_text()
    ]
    assert importers == [MATPLOTLIB_HOME]


def test_typer_and_rich_stay_in_the_command_line():
    """They are an extra: the container has neither."""
    importers = {
        path.relative_to(ROOT).parts[1]
        for path in (ROOT / "service").rglob("*.py")
        if any(f"{word} {name}" in path.read_text() for word in ("import", "from") for name in ("typer", "rich"))
    }
    assert importers == {"cli"}


def test_one_module_knows_ray():
    """It is an extra, and takes seconds to import."""
    importers = {path.name for path in (ROOT / "service").rglob("*.py") if "import ray" in path.read_text()}
    assert importers == {"cluster.py"}


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "misc"])
def test_no_drawer_for_everything(name):
    """A module is named after what it holds."""
    assert not [path for folder in ("service", "model", "training") for path in (ROOT / folder).rglob(f"{name}.py")]


def test_nothing_that_runs_what_it_reads_is_imported():
    """No pickle in any form, and no colour management, which goes through a picture's profile: its greys need none."""
    for folder in ("service", "model"):
        assert not {"pickle", "marshal", "shelve", "joblib", "dill", "cloudpickle"} & imported(folder)
        for path in (ROOT / folder).rglob("*.py"):
            assert not re.search(r"allow_pickle|ImageCms|\beval\(|\bexec\(", path.read_text()), path


def test_only_the_log_and_the_traces_know_the_time_of_day():
    """Clocks on the wall jump: every deadline goes by one that does not. Fails where a module reads `time.time`."""
    reads = re.compile(r"\btime\.time\b|from time import .*\btime(_ns)?\b|\.now\(|utcnow")
    readers = {path.name for path in (ROOT / "service").rglob("*.py") if reads.search(path.read_text())}
    assert readers == {"logs.py", "pipeline.py", "tracing.py"}
