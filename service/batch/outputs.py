"""Where a batch's rows go: files of lines, or Parquet. Whatever was whole at a kill is found again after it."""

import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, Self, get_args

from service.batch import BatchError, Format
from service.batch.rows import CSV_HEADER, Row, encode_csv, encode_jsonl

FORMATS: tuple[Format, ...] = get_args(Format)


class Output(Protocol):
    """Rows in the order they were given. Entered before it is written to."""

    @property
    def begun(self) -> bool:
        """Whether something is there already."""

    def remove(self) -> None:
        """Remove what is there. Raises BatchError where that is no file, OSError."""

    def sources(self) -> Iterator[str]:
        """The source of each whole row that is there; at their end what is torn is cut off. Raises BatchError."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None: ...

    def write(self, rows: bytes) -> None:
        """Append rows, encoded for this output. Raises OSError."""


class Lines:
    """A text file of one row a line, below a header where the format has one."""

    def __init__(self, path: Path, header: bytes, read_source: Callable[[bytes], str]) -> None:
        self._path = path
        self._header = header
        self._read_source = read_source

    @property
    def begun(self) -> bool:
        return self._path.exists() and (not self._path.is_file() or self._path.stat().st_size > 0)

    def remove(self) -> None:
        if self._path.exists() and not self._path.is_file():
            raise BatchError(f"{self._path} is no file; name another")
        self._path.unlink(missing_ok=True)

    def sources(self) -> Iterator[str]:
        if not self._path.exists():
            return
        whole = 0
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    break
                if whole or line != self._header:
                    yield self._source_of(line, number)
                whole += len(line)
        os.truncate(self._path, whole)

    def _source_of(self, line: bytes, number: int) -> str:
        try:
            return self._read_source(line)
        except (ValueError, LookupError, TypeError, csv.Error):
            raise BatchError(f"{self._path}, line {number}, is no row of this batch; --restart begins anew") from None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab")
        try:
            if not self._file.tell():
                self.write(self._header)
        except OSError:
            self._file.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        with self._file:
            os.fsync(self._file.fileno())

    def write(self, rows: bytes) -> None:
        self._file.write(rows)
        self._file.flush()


def find_format(path: Path) -> Format | None:
    """The format that a name ends in."""
    ending = path.suffix.lower().removeprefix(".").replace("ndjson", "jsonl")
    return next((format for format in FORMATS if format == ending), None)


def open_output(path: Path, format: Format, part_rows: int) -> Output:
    """The output of a format; nothing is written yet. Raises BatchError where Parquet cannot be written."""
    match format:
        case "jsonl":
            return Lines(path, b"", lambda line: str(json.loads(line)["source"]))
        case "csv":
            header = ",".join(CSV_HEADER).encode() + b"\n"
            return Lines(path, header, lambda line: next(csv.reader([line.decode()]))[0])
        case "parquet":
            _require_pyarrow()
            from service.batch.parquet import Parts

            return Parts(path, part_rows)


def encoder(format: Format) -> Callable[[Sequence[Row]], bytes]:
    """What makes rows into the bytes that this format's output takes."""
    match format:
        case "jsonl":
            return encode_jsonl
        case "csv":
            return encode_csv
        case "parquet":
            from service.batch.parquet import encode_parquet

            return encode_parquet


def _require_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise BatchError("Parquet needs the extra parquet: pip install 'lenet5-service[parquet]'") from None
