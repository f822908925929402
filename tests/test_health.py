"""Live and ready are two questions."""

import asyncio

import pytest

from service.errors import NotReady
from service.health import readyz
from service.readiness import Readiness


@pytest.mark.parametrize("probe", ["/livez", "/readyz", "/healthz", "/health"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_serving_process_is_live_and_ready(client, probe, method):
    """HEAD too: some balancers ask that way."""
    response = client.request(method, probe)

    assert response.status_code == 200
    assert response.json()["status"] in ("alive", "ready") if method == "GET" else response.content == b""


async def ready(readiness: Readiness) -> str:
    """The status that readyz answers."""
    return (await readyz(readiness)).status


def test_readiness_goes_one_way():
    """starting → ready → draining: 503, 200, 503."""
    readiness = Readiness()
    with pytest.raises(NotReady, match="starting"):
        asyncio.run(ready(readiness))
    readiness.ready()
    assert asyncio.run(ready(readiness)) == "ready"
    readiness.drain()
    with pytest.raises(NotReady, match="draining"):
        asyncio.run(ready(readiness))


def test_a_probe_names_both_its_methods(client):
    """In Allow, where it is asked in a third way."""
    assert set(client.post("/livez").headers["allow"].split(", ")) == {"GET", "HEAD"}
