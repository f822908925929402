"""`lenet5 batch`: any number of pictures in, one row each out, by a process per core."""

from typing import Literal

Format = Literal["jsonl", "csv", "parquet"]


class BatchError(Exception):
    """The batch cannot be begun, or not gone on with; the message says why in one line."""
