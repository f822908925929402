"""The folder of artifacts, made beside the old one and put in its place when whole."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.contract import LAYERS_FILE, MODEL_FILE, RECORD_FILE

CARD_FILE = "model_card.md"
CURVES_FILE, CONFUSION_FILE = "curves.png", "confusion.png"
RELIABILITY_FILE, RISK_FILE = "reliability.png", "risk_coverage.png"
FILES = (
    MODEL_FILE,
    LAYERS_FILE,
    RECORD_FILE,
    CARD_FILE,
    CURVES_FILE,
    CONFUSION_FILE,
    RELIABILITY_FILE,
    RISK_FILE,
)


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A folder to write FILES into. If the block ends well they replace those in `out`, else nothing changes there.

    It lies in `out`, on the same file system, so that each replacement is a rename. Other files there are left alone.
    Should the machine stop between two renames, the service notices: the record pins the model files by sha256. Raises
    FileNotFoundError if one was not written.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".partial-") as folder:
        yield Path(folder)
        made = [(Path(folder) / name).resolve(strict=True) for name in FILES]
        for path in made:
            path.replace(out / path.name)
