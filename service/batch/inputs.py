"""Where a batch finds its pictures: folders, patterns, manifests, tars. Of a million it holds the names at most.

The order is the same each time, which sharding and resuming rest on: by name in folders and of what a pattern
matches, as they stand there in manifests and tars.
"""

import os
import re
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from glob import glob, has_magic
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import Self

from service.batch import BatchError
from service.names import readable

PICTURES = frozenset(
    (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".pnm", ".pbm", ".pgm", ".ppm")
)
"""What is taken of a folder or a tar, by name: labels and notes lie there too. What is named itself is always taken."""

MANIFESTS = (".txt", ".lst")

_TAR = re.compile(r"\.(tar(\.(gz|bz2|xz))?|tgz|tbz2?|txz)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A picture that was found, and not yet read."""

    name: str
    fetch: Callable[[], str | bytes]
    """Its path; of a tar's member its bytes, and only before the next one is asked for. Raises BatchError."""


Source = Callable[[str], Iterator[Found]]
"""Finds the pictures of one input; what it is given goes before their names."""


class Inputs:
    """All pictures of some inputs. Each iteration looks anew."""

    def __init__(self, given: Sequence[str], max_bytes: int) -> None:
        """Raises BatchError where one of them is not there. Of what lies in tars at most `max_bytes` + 1 are read."""
        self.given = tuple(given)
        try:
            self._sources = [_source(each, max_bytes) for each in given]
        except OSError as error:  # of a folder on the way that may not be entered, of a name too long
            raise BatchError(f"{error.filename} cannot be read: {error.strerror}") from None

    def __iter__(self) -> Generator[Found, None, None]:
        """To be closed where not all are taken. Raises BatchError where an input turns out to be damaged."""
        for given, (place, source) in zip(self.given, self._sources, strict=True):
            several = len(self._sources) > 1  # then names within one input would not tell pictures apart
            try:
                yield from source(place if several else "")
            except OSError as error:
                raise BatchError(f"{given} cannot be read: {error.strerror or error}") from None


def _source(given: str, max_bytes: int) -> tuple[str, Source]:
    """The place of an input, which goes before names where there are several, and what finds its pictures."""
    path = Path(given)
    if path.is_dir():
        return f"{given.rstrip('/')}/", partial(_in_folder, given)
    if path.is_file():
        if path.suffix.lower() in MANIFESTS:
            return _folder_of(given), partial(_in_manifest, given)
        if _TAR.search(given):
            return f"{given}/", partial(_in_tar, given, max_bytes)
        return "", partial(_file, given)
    if has_magic(given):
        return _root(given), partial(_matching, given)
    raise BatchError(f"{given} is neither a file nor a folder" if path.exists() else f"{given} is not there")


def _file(given: str, prefix: str) -> Iterator[Found]:
    yield Found(readable(given), lambda: given)


def _in_folder(folder: str, prefix: str) -> Iterator[Found]:
    """By name, folder by folder. Hidden ones are passed over, links to folders not followed: they may lead back."""
    with os.scandir(folder) as entries:
        names = sorted(name for entry in entries if (name := _wanted(entry)))
    for name in names:
        path = os.path.join(folder, name)  # noqa: PTH118  a Path for each of a million costs seconds
        if name.endswith("/"):
            yield from _in_folder(path, prefix + name)
        else:
            yield Found(readable(prefix + name), partial(str, path))


def _wanted(entry: os.DirEntry[str]) -> str | None:
    """A picture's name; a folder's, with a slash; None of what is passed over."""
    if entry.name.startswith("."):
        return None
    if entry.is_dir(follow_symlinks=False):
        return f"{entry.name}/"
    return entry.name if _is_picture(entry.name) and entry.is_file() else None


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in PICTURES  # noqa: PTH122  as above


def _matching(pattern: str, prefix: str) -> Iterator[Found]:
    """Every file that a pattern matches, `**` any depth of folders, by name; named from where the pattern begins."""
    root = _root(pattern)
    for path in sorted(glob(pattern, recursive=True)):  # noqa: PTH207  a Path drops the ./ a pattern may begin with
        if os.path.isfile(path):  # noqa: PTH113  as above
            yield Found(readable(prefix + path.removeprefix(root)), partial(str, path))


def _root(pattern: str) -> str:
    """The folders before the first one that is a pattern."""
    parts = pattern.split("/")
    first = next(index for index, part in enumerate(parts) if has_magic(part))
    return "".join(f"{part}/" for part in parts[:first])


def _folder_of(file: str) -> str:
    """What goes before the name of a file in the path to it."""
    return file[: file.rfind("/") + 1]


def _in_manifest(manifest: str, prefix: str) -> Iterator[Found]:
    """A path on each line, from the manifest's folder. Blank lines are passed over; one that leads nowhere is not."""
    folder = _folder_of(manifest)
    with open(manifest, encoding="utf-8-sig", errors="surrogateescape") as lines:  # noqa: PTH123
        for number, line in enumerate(lines, 1):
            if "\0" in line:
                raise BatchError(f"{manifest} is no list of paths: line {number} has a byte of zero")
            if path := line.strip():
                yield Found(readable(os.path.join(prefix, path)), partial(os.path.join, folder, path))  # noqa: PTH118


def _in_tar(tar: str, max_bytes: int, prefix: str) -> Iterator[Found]:
    """The regular files of a tar that are named as pictures, as they come; nothing is written to disk."""

    def content(member: tarfile.TarInfo) -> bytes:
        with _damage(tar):
            stream = file.extractfile(member)
            return stream.read(min(member.size, max_bytes + 1)) if stream else b""

    with _damage(tar):
        file = tarfile.open(tar, tarinfo=_Member)  # noqa: SIM115  closed below
    with file:
        while member := _next(file, tar):
            name = member.name.removeprefix("./")
            hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
            if member.isreg() and not hidden and _is_picture(name):
                yield Found(readable(prefix + name), partial(content, member))


def _next(file: tarfile.TarFile, tar: str) -> tarfile.TarInfo | None:
    """The next member. The tar is kept from remembering them all."""
    with _damage(tar):
        member = file.next()
    file.members.clear()  # type: ignore[attr-defined]
    return member


class _Member(tarfile.TarInfo):
    """A member. At a damaged header in its middle tarfile ends as if the tar ended there: pictures would be lost."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if not any(buf) and buf:  # an empty block, as a tar should end
                raise
            raise tarfile.ReadError(str(error)) from None


@contextmanager
def _damage(tar: str) -> Iterator[None]:
    """Turn what damage raises, in the headers or in one of three decoders, into BatchError."""
    try:
        yield
    except (tarfile.TarError, zlib.error, LZMAError, EOFError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise BatchError(f"{tar} is no tar, or is damaged or cut short ({reason})") from None
