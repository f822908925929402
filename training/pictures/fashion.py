"""Fashion-MNIST (Xiao, Rasul, Vollgraf 2017; MIT licence), out of its Debian package: pictures that are no digits."""

import gzip
import zlib
from pathlib import Path

import platformdirs
from rich.progress import Progress

from model.contract import SIZE, Frames
from model.idx import TEST_IMAGES, TRAIN_IMAGES, decode_idx
from training.pictures.debian import PackageError, fetch_packages
from training.pictures.fonts import FontsError

PACKAGE = "dataset-fashion-mnist"


def fetch_fashion(progress: Progress, *, cache: Path | None = None) -> tuple[Frames, Frames]:
    """Its images for training and for the test, uint8 (60000, 28, 28) and (10000, 28, 28). Raises FontsError."""
    try:
        folder = fetch_packages(progress, [PACKAGE], cache or platformdirs.user_cache_path("lenet5") / "fashion")[
            PACKAGE
        ]
        files = {path.name: path for path in folder.rglob("*-ubyte.gz")}
        training, test = (_read(files[f"{name}.gz"]) for name in (TRAIN_IMAGES, TEST_IMAGES))
    except PackageError as error:
        raise FontsError(f"no Fashion-MNIST: {error}") from error
    except KeyError as error:
        raise FontsError(f"no Fashion-MNIST: {PACKAGE} holds no file {error}") from None
    return training, test


def _read(path: Path) -> Frames:
    try:
        images = decode_idx(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise FontsError(f"{path.name} cannot be read ({error})") from error
    if images.shape[1:] != (SIZE, SIZE):
        raise FontsError(f"{path.name} holds no images of {SIZE} x {SIZE} pixels: {images.shape}")
    return images
