"""Each row of tests/torture with small counts; `make torture` has the large ones."""

import pytest

from tests.torture.corpora import corpora
from tests.torture.damaged import damaged
from tests.torture.generated import generated, generated_http
from tests.torture.slow import slow
from tests.torture.stops import stops

LIVEZ_MS = 100


@pytest.mark.timeout(900)  # the first time pip downloads and prepares two source releases
def test_outside_corpora():
    """All 1,093 files of two libraries' tests.

    Fails without the list of formats: 185 MB for one file.
    """
    corpora(orders=1, livez_ms=LIVEZ_MS)


@pytest.mark.timeout(300)
def test_generated_inputs():
    """20,000 in this process: an answer or an error of the family, and no more than 400 ms of CPU.

    Fails without the limit of pixels (832 ms), where open_image catches OSError only, and where numbers in JSON are
    compared unseen.
    """
    generated(20_000, seed=0)


@pytest.mark.timeout(300)
def test_generated_inputs_over_http():
    """3,000 of another seed; each answer is of the contract.

    Fails without the limit of pixels: 2.7 GB for one request.
    """
    generated_http(3_000, seed=1_000_000, livez_ms=LIVEZ_MS)


@pytest.mark.timeout(300)
def test_slow_clients():
    """1,000 of each kind.

    Each kind fails without its own deadline: of the head, the body, an idle connection, an answer that is not read.
    """
    slow(1_000, livez_ms=LIVEZ_MS)


@pytest.mark.timeout(300)
def test_stops_under_load():
    """Ten, under kept connections and new ones, and none loses a request.

    tests/test_stop.py has the control: without the drain of the accept queue requests are lost.
    """
    stops(10)


@pytest.mark.timeout(300)
def test_damaged_models():
    """200 of them, three by a service that is started. Fails where the hash is not compared: most would be served."""
    damaged(200, started=3)
