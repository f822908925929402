"""Each row of tests/torture with small counts; `make torture` has the large ones."""

import pytest

from tests.torture.corpora import corpora
from tests.torture.generated import generated, generated_http

LIVEZ_MS = 100


@pytest.mark.timeout(900)  # the first time pip downloads and prepares two source releases
def test_outside_corpora():
    """All 1,093 files of two libraries' tests.

    Fails without the check of dimensions (memory), the list of formats (answers) and the family of errors (500).
    """
    corpora(orders=1, livez_ms=LIVEZ_MS)


@pytest.mark.timeout(300)
def test_generated_inputs():
    """20,000 in this process: an answer or an error of the family, and no more than 400 ms of CPU.

    Fails without the last `except` of decode_image (IndexError and its like), without the limit of pixels (time), or
    where numpy is handed JSON unseen (OverflowError).
    """
    generated(20_000, seed=0)


@pytest.mark.timeout(300)
def test_generated_inputs_over_http():
    """3,000 of another seed; each answer of the contract, and what each costs."""
    generated_http(3_000, seed=1_000_000, livez_ms=LIVEZ_MS)
