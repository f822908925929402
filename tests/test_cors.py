"""Pages of other sites: none by default, those an operator lists."""

from collections.abc import Iterator

import httpx2 as httpx
import pytest

from tests.conftest import running_server

ORIGIN = "https://drawings.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


@pytest.fixture(scope="module")
def opened() -> Iterator[httpx.Client]:
    """A client of a server that lists one origin and asks for a key."""
    with (
        running_server(cors_origins=ORIGIN, api_key="k") as server,
        httpx.Client(base_url=server.url) as client,
    ):
        yield client


def allowed(response: httpx.Response) -> str | None:
    """Whose pages may read an answer."""
    return response.headers.get("access-control-allow-origin")


def test_no_origin_is_allowed_by_default(client, digit_png):
    """Neither to ask nor to read: not a header speaks of it. Fails where the middleware is always there."""
    for response in (
        client.options("/predict", headers=PREFLIGHT),
        client.post("/predict", content=digit_png, headers={"Origin": ORIGIN}),
    ):
        assert not [name for name in response.headers if name.startswith("access-control")]


def test_a_listed_origin_may_ask_and_read(opened, digit_png):
    """A browser asks first, without the key; errors can be read too."""
    preflight = opened.options("/predict", headers=PREFLIGHT)
    assert (preflight.status_code, allowed(preflight)) == (200, ORIGIN)
    for key, status in (("k", 200), ("wrong", 401)):
        headers = {"Origin": ORIGIN, "Authorization": f"Bearer {key}"}
        answer = opened.post("/predict", content=digit_png, headers=headers)
        assert (answer.status_code, allowed(answer)) == (status, ORIGIN)
        assert "x-request-id" in answer.headers["access-control-expose-headers"].lower()
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", ORIGIN + ".elsewhere.example"])
def test_any_other_origin_is_not(opened, origin):
    """However much its name looks like one that is. Fails where all are."""
    preflight = opened.options("/predict", headers=PREFLIGHT | {"Origin": origin})
    assert preflight.status_code == 400
    assert allowed(preflight) is None
    assert allowed(opened.get("/livez", headers={"Origin": origin})) is None
