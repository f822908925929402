"""A batch's answers as rows: the same columns whether a picture was read or not, and whatever the format."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from pydantic_core import to_json

from model.contract import LABELS
from service.pictures import Fault
from service.schemas import Prediction

CSV_HEADER = (
    "source",
    "digit",
    "confidence",
    *(f"p{label}" for label in LABELS),
    "accepted",
    "reason",
    "warnings",
    "error",
    "detail",
)
"""What is a list or an object elsewhere is spread over columns here; warnings are separated by spaces."""


@dataclass(frozen=True, slots=True)
class Row:
    """One picture's answer, or why there is none."""

    source: str
    result: Prediction | Fault

    def document(self) -> dict[str, Any]:
        """As JSON and Parquet have it."""
        match self.result:
            case Fault() as fault:
                return {
                    "source": self.source,
                    "digit": None,
                    "confidence": None,
                    "probabilities": None,
                    "accepted": False,
                    "reason": None,
                    "warnings": [],
                    "error": {"type": fault.type, "detail": fault.detail},
                }
            case found:
                return {
                    "source": self.source,
                    "digit": found["digit"],
                    "confidence": found["confidence"],
                    "probabilities": found["probabilities"],
                    "accepted": found["accepted"],
                    "reason": found["reason"],
                    "warnings": found["preprocessing"]["warnings"],
                    "error": None,
                }


def encode_jsonl(rows: Sequence[Row]) -> bytes:
    """One JSON object a line, UTF-8."""
    return b"".join(to_json(row.document()) + b"\n" for row in rows)


def encode_csv(rows: Sequence[Row]) -> bytes:
    """One line a row, without the header, UTF-8. What is null is empty."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        found = row.document()
        error = found["error"] or {"type": None, "detail": None}
        writer.writerow(
            [
                found["source"],
                found["digit"],
                found["confidence"],
                *(found["probabilities"] or [None] * len(LABELS)),
                str(found["accepted"]).lower(),
                found["reason"],
                " ".join(found["warnings"]),
                error["type"],
                error["detail"],
            ]
        )
    return buffer.getvalue().encode()
