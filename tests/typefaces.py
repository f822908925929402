"""Fonts that every development environment has: matplotlib brings them."""

from pathlib import Path

import matplotlib

from training.pictures.families import Family
from training.pictures.fonts import Typeface

FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def typeface(name, kind, *files, design="", letters=""):
    """A family of so many files of the folder."""
    family = Family(name, kind, "free", "nowhere", "*", design=design, letters=letters)
    return Typeface(family, tuple(FOLDER / f"{file}.ttf" for file in files))


SANS = typeface("DejaVu Sans", "sans", "DejaVuSans", "DejaVuSans-Bold")
SERIF = typeface("DejaVu Serif", "serif", "DejaVuSerif")
HAND = typeface("Roman", "hand", "cmti10")
SCRIPT = typeface("Georgian", "script", "DejaVuSans", letters="GEORGIAN")
ALL = (SANS, SERIF, HAND, SCRIPT)
