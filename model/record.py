"""`record.json`: everything known about a model file, written by training and read by the service.

It lies beside the model file and pins it by sha256; a model without a record is not served.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from model.contract import SIZE, Frames


class RecordError(ValueError):
    """The record is missing, is not JSON or lacks a field; the message says which, in one line."""


@dataclass(frozen=True)
class Acceptance:
    """When an answer is good enough to be accepted. Both thresholds were chosen on hold-outs."""

    min_confidence: float
    """The least calibrated probability of the best digit; below it: `low_confidence`."""
    min_evidence: float
    """The least of the file's `evidence`; below it: `not_a_digit`."""


@dataclass(frozen=True)
class Golden:
    """One image and the answer it must get before a process calls itself ready."""

    image: str
    """base64 of the 784 grey levels, row by row, light ink on dark ground."""
    digit: int
    probabilities: list[float]

    def frame(self) -> Frames:
        """uint8 (28, 28)."""
        return np.frombuffer(base64.b64decode(self.image), np.uint8).reshape(SIZE, SIZE)


@dataclass(frozen=True)
class Record:
    """One model file: what it is, where it came from and what it was seen to do."""

    name: str
    version: str
    sha256: str
    """Of the model file, as hexadecimal digits."""
    layers_sha256: str
    """Of `lenet5-layers.onnx`, the same weights with every layer as an output."""
    labels: list[str]
    input: dict[str, Any]
    outputs: dict[str, Any]
    data: dict[str, Any]
    training: dict[str, Any]
    evaluation: dict[str, Any]
    calibration: dict[str, Any]
    acceptance: Acceptance
    limits: list[str]
    golden: Golden

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Read a record. Raises RecordError."""
        try:
            document = json.loads(path.read_bytes())
        except OSError as error:
            raise RecordError(f"no readable record at {path} ({error.strerror})") from None
        except ValueError:
            raise RecordError(f"{path} is not JSON") from None
        try:
            record = cls(
                **_only(cls, document)
                | {
                    "acceptance": Acceptance(**_only(Acceptance, document["acceptance"])),
                    "golden": Golden(**_only(Golden, document["golden"])),
                }
            )
            record.golden.frame()
        except (KeyError, TypeError, ValueError):
            raise RecordError(f"{path} is not a record of this program's kind") from None
        return record

    def write(self, path: Path) -> None:
        """Write the record as JSON that a person can read."""
        path.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _only(kind: type, document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that `kind` has, all of them required: a later version may have written more."""
    return {field.name: document[field.name] for field in fields(kind)}
