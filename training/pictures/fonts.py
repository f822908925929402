"""Free fonts on the disk: fetched out of Debian packages, looked through for digits, split by family.

How every family is licensed is written in `training.pictures.families`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import platformdirs
from PIL import ImageFont
from rich.progress import Progress

from training.pictures.debian import PackageError, fetch_packages
from training.pictures.families import FAMILIES, SCRIPT_FAMILIES, Family

SUFFIXES = {".ttf", ".otf"}
NOWHERE = "\U000ffffe"
"""A character that no font has: what is drawn for it is drawn for every missing one."""
DIGITS = "0123456789"
SHARES = (0.7, 0.15, 0.15)
"""Of the families: for training, validation and test."""
LARGEST_APART = 3
"""Designs of more families than this are for training: one of them would be most of a smaller part."""


class FontsError(Exception):
    """The fonts cannot be had; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Typeface:
    """A family, and the font files of its styles, in a fixed order."""

    family: Family
    styles: tuple[Path, ...]

    @property
    def has_digits(self) -> bool:
        """Whether digits are to be rendered from it."""
        return self.family.kind != "script"

    @property
    def is_print(self) -> bool:
        """Whether its digits look printed, and not as a hand writes them."""
        return self.family.kind not in ("hand", "script")


Split = tuple[tuple[Typeface, ...], tuple[Typeface, ...], tuple[Typeface, ...]]


def default_cache() -> Path:
    """Where unpacked packages are kept on this system."""
    return platformdirs.user_cache_path("lenet5") / "fonts"


def fetch_fonts(
    progress: Progress, families: Sequence[Family] = (*FAMILIES, *SCRIPT_FAMILIES), *, cache: Path | None = None
) -> tuple[Typeface, ...]:
    """Find every family's styles, downloading the packages that the cache does not hold. Raises FontsError."""
    packages = sorted({f"fonts-{package}" for family in families for package in family.packages.split()})
    try:
        folders = fetch_packages(progress, packages, cache or default_cache())
    except PackageError as error:
        raise FontsError(f"no fonts to render digits from: {error}") from error
    files = {package: _font_files(folder) for package, folder in folders.items()}
    return tuple(
        _typeface(family, [path for package in family.packages.split() for path in files[f"fonts-{package}"]])
        for family in progress.track(families, description="Look through fonts")
    )


def _font_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _typeface(family: Family, files: Iterable[Path]) -> Typeface:
    """The styles of a family among the files of its packages. Some come in two formats: one is enough."""
    styles: dict[str, Path] = {}
    for path in files:
        name = path.stem
        if _matches(name, family.files) and not _matches(name, family.but) and "[" not in name:
            styles.setdefault(name, path)
    usable = tuple(path for path in styles.values() if family.kind == "script" or has_digits(path))
    if not usable:
        raise FontsError(f"{family.name}: no usable style in {family.packages}; is the package another version?")
    return Typeface(family, usable)


def _matches(name: str, patterns: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns.split())


def has_digits(path: Path) -> bool:
    """Whether a font file draws ten different digits, none of them blank or the sign for a missing character."""
    try:
        font = ImageFont.truetype(str(path), 40, layout_engine=ImageFont.Layout.BASIC)
        drawn = {bytes(font.getmask(character)) for character in (*DIGITS, NOWHERE)}
        return len(drawn) == len(DIGITS) + 1 and all(any(mask) for mask in drawn - {bytes(font.getmask(NOWHERE))})
    except OSError:  # bitmaps of one size only, or damaged
        return False


def split_families(typefaces: Sequence[Typeface], seed: int) -> Split:
    """Split by family into training, validation and test, about 70 : 15 : 15 of each kind.

    Families of one design stay together. Kind by kind, in an order drawn from the seed, each design goes to the part
    that lacks most families. Of kin, those in a later part than others are left out.
    """
    designs: dict[str, list[Typeface]] = {}
    for typeface in sorted(typefaces, key=lambda face: face.family.name):
        designs.setdefault(typeface.family.lineage, []).append(typeface)
    generator = np.random.default_rng(seed)
    drawn = sorted(designs.values(), key=lambda design: design[0].family.lineage)
    drawn = [drawn[index] for index in generator.permutation(len(drawn))]
    parts: tuple[list[Typeface], ...] = ([], [], [])
    for design in sorted(drawn, key=lambda design: design[0].family.kind):
        count = sum(len(part) for part in parts) + len(design)
        lacking = [share * count - len(part) for share, part in zip(SHARES, parts, strict=True)]
        lacking[1:] = [lack + 1e-6 * generator.random() for lack in lacking[1:]]
        place = 0 if len(design) > LARGEST_APART else int(np.argmax(lacking))
        parts[place].extend(design)
    training, validation, test = (tuple(sorted(part, key=lambda face: face.family.name)) for part in parts)
    return training, _without_kin(validation, training), _without_kin(test, training + validation)


def _without_kin(faces: tuple[Typeface, ...], before: tuple[Typeface, ...]) -> tuple[Typeface, ...]:
    known = {face.family.kin for face in before if face.family.kin}
    return tuple(face for face in faces if face.family.kin not in known)
