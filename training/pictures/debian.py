"""Files out of Debian packages, without installing them: downloaded with apt-get, unpacked with dpkg-deb, cached.

No root is needed, and nothing outside the cache is written to.
"""

import subprocess
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from rich.progress import Progress

from training.progress import step

_SECONDS = 900
_OPTIONS = (
    *("-o", "APT::Sandbox::User=root"),  # else root's apt-get downloads as a user who cannot write to the cache
    *("-o", "Acquire::Retries=1"),
    *("-o", "Acquire::http::Timeout=15"),
    *("-o", "Acquire::https::Timeout=15"),
)


class PackageError(Exception):
    """A Debian package cannot be had; the message says why, in one line."""


def fetch_packages(progress: Progress, names: Collection[str], cache: Path) -> dict[str, Path]:
    """Download and unpack what the cache does not hold yet; returns the folder of each package's files.

    Once a package is in the cache no network is needed for it. Raises PackageError.
    """
    folders = {name: cache / name for name in sorted(names)}
    missing = [name for name, folder in folders.items() if not folder.is_dir()]
    if missing:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache, prefix=".partial-") as partial:
                _download(progress, missing, Path(partial))
                _unpack(progress, Path(partial), cache)
        except OSError as error:
            raise PackageError(f"{error.filename or cache}: {error.strerror or error}") from error
    absent = [name for name, folder in folders.items() if not folder.is_dir()]
    if absent:
        raise PackageError(f"apt-get did not deliver {', '.join(absent)}")
    return folders


def _download(progress: Progress, names: Sequence[str], folder: Path) -> None:
    """Put the .deb files into a folder.

    Where the system's lists of packages are missing or old, as they are in containers, lists of our own are made.
    """
    with step(progress, f"Download {len(names)} Debian packages"):
        try:
            _run(["apt-get", *_OPTIONS, "download", *names], folder)
        except PackageError as error:
            try:
                _download_anew(names, folder)
            except PackageError as again:
                reasons = dict.fromkeys((str(error), str(again)))
                raise PackageError("; with new lists of packages: ".join(reasons)) from again


def _download_anew(names: Sequence[str], folder: Path) -> None:
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True)
    own = ["-o", f"Dir::State::Lists={lists}", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="]
    _run(["apt-get", *_OPTIONS, *own, "-o", "APT::Update::Error-Mode=any", "update"], folder)
    _run(["apt-get", *_OPTIONS, *own, "download", *names], folder)


def _unpack(progress: Progress, downloaded: Path, cache: Path) -> None:
    """Unpack every .deb of a folder into the cache; each package is there whole or not at all."""
    for archive in progress.track(sorted(downloaded.glob("*.deb")), description="Unpack Debian packages"):
        name = archive.name.partition("_")[0]
        unpacked = downloaded / name
        _run(["dpkg-deb", "-x", str(archive), str(unpacked)], downloaded)
        if not (cache / name).is_dir():  # another process may have been faster
            unpacked.rename(cache / name)


def _run(command: Sequence[str], folder: Path) -> None:
    """Run a command in a folder. Raises PackageError with its own last words."""
    program = command[0]
    try:
        subprocess.run(  # noqa: S603  the commands are written out above
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=_SECONDS
        )
    except FileNotFoundError:
        raise PackageError(f"{program} is needed to get files out of Debian packages, and is not here") from None
    except subprocess.TimeoutExpired:
        raise PackageError(f"{program} took longer than {_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.splitlines() if line.strip() and not line.startswith("W:")]
        raise PackageError(f"{program} failed ({said[-1].strip() if said else 'no reason given'})") from error
