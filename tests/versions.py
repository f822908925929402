"""Two versions of the tiny model, in folders that one link leads to, as a ConfigMap is mounted."""

import os
from pathlib import Path

from model.contract import LAYERS_FILE, MODEL_FILE, RECORD_FILE
from tests.conftest import tiny_onnx, tiny_record

DIGITS = {"0.0.1": 7, "0.0.2": 8}
"""What each version of the tiny model calls its golden sample."""


class Folder:
    """Models as a ConfigMap mounts them: links to the files of a folder that one rename exchanges for another."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / MODEL_FILE
        for version, digit in DIGITS.items():
            content = tiny_onnx(digit - 7)
            (root / version).mkdir()
            (root / version / MODEL_FILE).write_bytes(content)
            tiny_record(content, version, digit).write(root / version / RECORD_FILE)
        for name in (MODEL_FILE, RECORD_FILE, LAYERS_FILE):
            (root / name).symlink_to(f"..data/{name}")
        self.switch("0.0.1")

    def switch(self, name: str) -> None:
        """Lead the links to another folder, for all files at once."""
        (self.root / "..data_tmp").symlink_to(name)
        os.rename(self.root / "..data_tmp", self.root / "..data")
