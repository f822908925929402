"""Each row of tests/torture with small counts; `make torture` has the large ones."""

import pytest

from tests.torture.corpora import corpora

LIVEZ_MS = 100


@pytest.mark.timeout(900)  # the first time pip downloads and prepares two source releases
def test_outside_corpora():
    """All 1,093 files of two libraries' tests.

    Fails without the check of dimensions (memory), the list of formats (answers) and the family of errors (500).
    """
    corpora(orders=1, livez_ms=LIVEZ_MS)
