"""Live and ready are two questions."""

import pytest

from service.readiness import Readiness


@pytest.mark.parametrize("probe", ["/livez", "/readyz", "/healthz", "/health"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_serving_process_is_live_and_ready(client, probe, method):
    """HEAD too: some balancers ask that way."""
    response = client.request(method, probe)

    assert response.status_code == 200
    assert response.json()["status"] in ("alive", "ready") if method == "GET" else response.content == b""


def test_readiness_goes_one_way(unstarted):
    """starting → ready → draining: 503, 200, 503."""
    readiness = unstarted.app.state.held.readiness
    assert unstarted.get("/readyz").status_code == 503
    assert "starting" in unstarted.get("/readyz").json()["detail"]
    readiness.ready()
    assert unstarted.get("/readyz").json() == {"status": "ready"}
    readiness.drain()
    assert unstarted.get("/readyz").status_code == 503
    assert "draining" in unstarted.get("/readyz").json()["detail"]


def test_a_probe_names_both_its_methods(client):
    """In Allow, where it is asked in a third way."""
    assert set(client.post("/livez").headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_who_was_told_to_stop_does_not_become_ready():
    """A signal may come while the service starts."""
    readiness = Readiness()
    readiness.drain()
    readiness.ready()
    assert readiness.state == "draining"
