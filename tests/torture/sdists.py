"""Bad inputs that nobody here wrote: the test files in the source releases of Pillow and python-multipart.

pip downloads both, pinned by hash, to the user's cache; nothing of them is kept in this repository.
"""

import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs

RELEASES = {
    "pillow-13.0.0.tar.gz": "pillow==13.0.0 "
    "--hash=sha256:cdcd1ba258178f7356d74170c9a81ba4eab6a5d55748bc402a5a2a6fe6be3510",
    "python_multipart-0.0.34.tar.gz": "python-multipart==0.0.34 "
    "--hash=sha256:b998ae90ca6e1e363261ce2e0e230281b8af53867b757970abd69ee9edcd843a",
}
CACHE = platformdirs.user_cache_path("lenet5") / "corpora"
PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps", "--no-binary=:all:")

Body = tuple[str, bytes, str]
"""Name, content and media type."""


def release(name: str) -> Path:
    """The file of a release, downloaded when it is asked for the first time."""
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        wanted = CACHE / f"{name}.txt"
        wanted.write_text(RELEASES[name] + "\n")
        command = [sys.executable, *PIP, "--require-hashes", f"--requirement={wanted}", f"--dest={CACHE}"]
        subprocess.run(command, check=True, timeout=600)
    return path


def pillow_files() -> Iterator[Body]:
    """All 1,060 files of Pillow's tests: pictures of every format, sound and broken, and what lies beside them."""
    with tarfile.open(release("pillow-13.0.0.tar.gz")) as archive:
        for member in archive:
            if "/Tests/images/" in member.name and member.isfile():
                yield member.name, archive.extractfile(member).read(), "application/octet-stream"


def multipart_files() -> Iterator[Body]:
    """The 33 forms of python-multipart's tests, each with its boundary; some are broken on purpose."""
    with tarfile.open(release("python_multipart-0.0.34.tar.gz")) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}
    for name, content in files.items():
        if name.endswith(".http"):
            description = files[name.removesuffix(".http") + ".yaml"]
            [boundary] = re.findall(rb"(?m)^boundary: *(\S+)", description)
            yield name, content, f'multipart/form-data; boundary="{boundary.decode()}"'


def all_files() -> list[Body]:
    """All 1,093, in the order of their archives."""
    return [*pillow_files(), *multipart_files()]
