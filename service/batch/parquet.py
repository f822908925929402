"""Parquet out: a folder of part files, each written under another name and renamed when it is whole."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from service.batch import BatchError
from service.batch.rows import Row

SCHEMA = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("digit", pa.int8()),
        pa.field("confidence", pa.float64()),
        pa.field("probabilities", pa.list_(pa.float64())),
        pa.field("accepted", pa.bool_(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("warnings", pa.list_(pa.string()), nullable=False),
        pa.field("error", pa.struct([("type", pa.string()), ("detail", pa.string())])),
    ]
)


def encode_parquet(rows: Sequence[Row]) -> bytes:
    """The rows as an Arrow stream, which `Parts` takes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as stream:
        stream.write_batch(pa.RecordBatch.from_pylist([row.document() for row in rows], SCHEMA))
    content: bytes = sink.getvalue().to_pybytes()
    return content


@dataclass(frozen=True, slots=True)
class _Part:
    """A part to be written, with its rows so far.

    Replaced as a whole, since an interruption may come between any two steps.
    """

    number: int
    rows: pa.Table


class Parts:
    """A folder of `part-00000.parquet` and so on, of `part_rows` rows each, the last one excepted."""

    def __init__(self, folder: Path, part_rows: int) -> None:
        self._folder = folder
        self._part_rows = part_rows
        self._next = _Part(0, SCHEMA.empty_table())

    @property
    def begun(self) -> bool:
        """Whether something is there already."""
        return self._folder.exists() and (not self._folder.is_dir() or bool(self._parts()))

    def remove(self) -> None:
        """Remove the parts, and nothing else that may lie there; or the file in their place. Raises OSError."""
        for part in self._parts():
            part.unlink()
        if self._folder.is_file():
            self._folder.unlink()

    def sources(self) -> Iterator[str]:
        """The source of every row of every part. Raises BatchError."""
        for part in self._parts():
            try:
                with part.open("rb") as file:
                    for batch in pq.ParquetFile(file).iter_batches(columns=["source"]):
                        yield from batch.column(0).to_pylist()
            except (pa.ArrowException, OSError, KeyError, IndexError) as error:
                reason = str(error).partition("\n")[0]
                raise BatchError(f"{part} is no part of this batch ({reason}); --restart begins anew") from None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        for torn in self._folder.glob(".part-*.tmp"):
            torn.unlink()
        parts = self._parts()
        number = 1 + int(parts[-1].stem.removeprefix("part-")) if parts else 0
        self._next = _Part(number, SCHEMA.empty_table())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        """Write what is left, also where an error or an interruption ends the batch: it need not be done again."""
        empty = kind is None and not self._parts()  # still a table, with its columns
        if self._next.rows.num_rows or empty:
            self._write_part()

    def write(self, rows: bytes) -> None:
        """Take an Arrow stream of rows."""
        more = pa.ipc.open_stream(rows).read_all()
        self._next = replace(self._next, rows=pa.concat_tables([self._next.rows, more]))
        while self._next.rows.num_rows >= self._part_rows:
            self._write_part()

    def _write_part(self) -> None:
        """Write the next part. Interrupted, it is written anew under the same name."""
        number, rows = self._next.number, self._next.rows
        part = self._folder / f"part-{number:05}.parquet"
        torn = part.with_name(f".{part.name}.tmp")  # what begins with a dot is no part to any reader
        pq.write_table(rows.slice(0, self._part_rows), torn)
        with torn.open("rb") as file:
            os.fsync(file.fileno())
        torn.rename(part)
        self._next = _Part(number + 1, rows.slice(self._part_rows))

    def _parts(self) -> list[Path]:
        return sorted(self._folder.glob("part-*.parquet"))
