"""A batch on a Ray cluster: the same reader in an actor for each CPU, from shared files to Parquet. Knows ray.

Ray does what a cluster needs: it hands out the work, holds it back where a worker is slow, and does again what a lost
node had not finished. The rows appear when all of them are there.
"""

import logging
import os
import shutil
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute
import pyarrow.dataset
import ray
from ray.data import ActorPoolStrategy, DataContext

from service.batch import BatchError
from service.batch.engine import CHUNK, Job
from service.batch.parquet import SCHEMA
from service.batch.reader import Picture, Reader, ReaderOptions

IO_CPUS = 0.25
"""Of a task that reads or writes files: each CPU has room for one beside its reader, also when nodes are lost."""


class RayReader:
    """A reader in an actor of Ray's: paths and bytes in, rows out."""

    def __init__(self, options: ReaderOptions, root: str) -> None:
        """A picture's name is its path without `root`."""
        self._reader = Reader(options)
        self._root = root

    def __call__(self, files: pa.Table) -> pa.Table:
        """A batch of files, with the columns `path` and `bytes` -> their rows."""
        paths, contents = files["path"].to_pylist(), files["bytes"].to_pylist()
        pictures = [Picture(path.removeprefix(self._root), raw) for path, raw in zip(paths, contents, strict=True)]
        return pa.ipc.open_stream(self._reader.answer(pictures).encoded).read_all()


def run_on_ray(job: Job, address: str | None) -> tuple[int, int, int]:
    """Answer every picture of a job; how many, how many accepted, how many unreadable. Raises BatchError, OSError.

    `address` is a cluster's; without one a cluster is started here, with `job.workers` CPUs, and ended.
    """
    if job.output.exists():
        raise BatchError(f"{job.output} is there already; a batch on Ray is not gone on with, but begun anew elsewhere")
    root, paths = _files(job)
    torn = job.output.with_name(f".{job.output.name}.tmp")
    shutil.rmtree(torn, ignore_errors=True)
    torn.parent.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # its own account of every step
    own = {} if address else {"num_cpus": job.workers, "include_dashboard": False}
    ray.init(address or "local", log_to_driver=False, logging_level="error", **own)
    try:
        _write(job, root, paths, torn)
    finally:
        ray.shutdown()
    torn.rename(job.output)
    return _count(job.output, len(paths))


def _files(job: Job) -> tuple[str, list[str]]:
    """What the paths of a job's pictures begin with, before their names; and the paths. Raises BatchError."""
    root, paths = None, []
    with closing(job.found()) as pictures:
        for found in pictures:
            path = found.fetch()
            if isinstance(path, bytes):
                raise BatchError("a batch on Ray reads files; unpack the tar")
            path = os.path.abspath(path)  # noqa: PTH100  a Path for each of a million costs seconds
            root = path.removesuffix(found.name) if root is None else root
            if path != root + found.name:
                raise BatchError(
                    f"a batch on Ray reads from one folder, under plain names; {found.name} is not of them"
                )
            paths.append(path)
    if root is None:
        raise BatchError(f"there is no picture in {', '.join(job.inputs.given)}")
    return root, paths


def _write(job: Job, root: str, paths: list[str], folder: Path) -> None:
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
    files = ray.data.read_binary_files(paths, include_paths=True, num_cpus=IO_CPUS, concurrency=workers)
    rows = files.map_batches(
        RayReader,
        fn_constructor_args=(job.reader, root),
        batch_size=CHUNK,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=workers),
        num_cpus=1 - IO_CPUS,
    )
    rows.write_parquet(str(folder.resolve()), ray_remote_args={"num_cpus": IO_CPUS}, concurrency=workers)


def _count(output: Path, expected: int) -> tuple[int, int, int]:
    """Rows, accepted and unreadable ones. Raises BatchError where one is missing, or there twice."""
    columns = pyarrow.dataset.dataset(output, SCHEMA).to_table(["source", "accepted", "error"])
    if columns.num_rows != expected or len(columns["source"].unique()) != expected:
        raise BatchError(f"{output} has {columns.num_rows:,} rows of {expected:,} pictures; begin anew elsewhere")
    return expected, pa.compute.sum(columns["accepted"]).as_py(), expected - columns["error"].null_count
