"""The model that serves, and how another takes its place while requests run."""

import asyncio
import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from model.contract import LAYERS_FILE, RECORD_FILE
from service.classifier import Classifier
from service.footprint import drop_mapped_files

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Between two looks at the model's files."""

Stamp = tuple[tuple[int, ...] | None, ...]
"""What tells whether the model's files are still the same ones, unchanged: they are not read for it."""


class Serving:
    """The classifier that answers. A request takes it once, so that its answer is one model's from start to end."""

    def __init__(self, path: Path, classifier: Classifier, seen: Stamp) -> None:
        self.classifier = classifier
        self.reloads = Counter(loaded=0, refused=0)
        """Changes of the files by their outcome, since the start."""
        self._path = path
        self._seen = seen
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reload")
        """Of its own: at the end the loop waits for the threads of its own pool, and a volume may never answer."""

    @classmethod
    def load(cls, path: Path) -> "Serving":
        """Serve the model file at `path`, and whatever that path leads to later. Raises ModelError."""
        seen = _stamp(path)  # before they are read: what changes meanwhile is seen at the first look
        classifier = Classifier.load(path)
        drop_mapped_files()
        return cls(path, classifier, seen)

    async def watch(self) -> None:
        """Look for another model, for as long as the process lives; in a thread, since a volume may be slow."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self.look)
            except (MemoryError, RuntimeError) as error:  # no thread can be started now; later one may
                logger.warning("the model's files were not looked at: %s", error)

    def look(self) -> None:
        """Where the files have changed, let the new model answer if it proves itself, and the old one if not."""
        found = _stamp(self._path)
        if found == self._seen:
            return
        try:
            classifier = Classifier.load(self._path)
        except Exception as error:  # whatever it is, the old model serves on
            if _stamp(self._path) == found:  # else they are changing still, and may belong to two models
                self._seen = found
                self.reloads["refused"] += 1
                logger.error("%s serves on: %s", _title(self.classifier), error)  # noqa: TRY400
            return
        drop_mapped_files()
        self._seen = found
        self.reloads["loaded"] += 1
        logger.info("%s is served in place of %s", _title(classifier), _title(self.classifier))
        self.classifier = classifier


def _stamp(path: Path) -> Stamp:
    return tuple(map(_state, (path, path.parent / RECORD_FILE, path.parent / LAYERS_FILE)))


def _state(path: Path) -> tuple[int, ...] | None:
    """Of the file that a path leads to, through any links; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _title(classifier: Classifier) -> str:
    return f"{classifier.record.name} {classifier.record.version} ({classifier.record.sha256[:12]})"
