"""Every failure has one shape: problem+json with a stable type, a sentence that helps, and the request's id."""

import json
import re
import socket

import httpx2 as httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service import errors
from service.app import create_app
from service.auth import is_authorized
from service.errors import MAX_INSTANCE, PROBLEM_JSON, ServiceError, instance
from service.reload import Serving
from service.settings import Settings
from tests.conftest import ROOT, encoded, png, running_server, unwritten
from tests.test_imaging import png_header
from tests.wire import Wire, asked, get, request

PICTURE = png(np.zeros((28, 28), np.uint8))
JSON = {"Content-Type": "application/json"}

FAILURES = [
    ("POST", "/predict", {"content": b""}, 400, "malformed-body"),
    ("POST", "/predict", {"content": b"{", "headers": JSON}, 400, "malformed-body"),
    ("POST", "/predict", {"content": b'{"image": NaN}', "headers": JSON}, 400, "malformed-body"),
    ("POST", "/predict", {"content": b'{"image": "\\ud800"}', "headers": JSON}, 400, "malformed-body"),
    ("POST", "/predict", {"json": {"image": "?"}}, 400, "malformed-body"),
    (
        "POST",
        "/predict",
        {"content": PICTURE, "headers": {"Content-Type": "multipart/form-data"}},
        400,
        "malformed-body",
    ),
    ("GET", "/nothing", {}, 404, "not-found"),
    ("POST", "/predict/", {"content": PICTURE}, 404, "not-found"),
    ("GET", "/%00%ff/<script>", {}, 404, "not-found"),
    ("GET", "/predict", {}, 405, "method-not-allowed"),
    ("DELETE", "/livez", {}, 405, "method-not-allowed"),
    ("POST", "/predict", {"content": b"x" * (10 * 1024 * 1024 + 1)}, 413, "body-too-large"),
    ("POST", "/predict", {"content": iter([b"x" * 1024 * 1024] * 11)}, 413, "body-too-large"),
    ("POST", "/predict", {"content": png_header(5001, 5000)}, 413, "image-too-large"),
    ("POST", "/predict/batch", {"json": {"images": ["eA=="] * 257}}, 413, "batch-too-large"),
    ("POST", "/predict", {"content": b"no picture at all"}, 415, "unsupported-image"),
    ("POST", "/predict", {"content": PICTURE, "headers": {"Content-Encoding": "gzip"}}, 415, "unsupported-body"),
    ("POST", "/predict/batch", {"content": PICTURE}, 415, "unsupported-body"),
    ("POST", "/predict", {"content": PICTURE[:45]}, 422, "corrupt-image"),
    ("POST", "/predict", {"files": {"picture": PICTURE}}, 422, "invalid-request"),
    ("POST", "/predict", {"json": {"picture": "eA=="}}, 422, "invalid-request"),
    ("POST", "/predict", {"json": [1] * 50_000}, 400, "malformed-body"),
    ("POST", "/predict?polarity=red", {"content": PICTURE}, 422, "invalid-request"),
    ("POST", "/predict?include=weights", {"content": PICTURE}, 422, "invalid-request"),
    ("POST", "/predict/batch", {"json": {"images": []}}, 422, "invalid-request"),
    ("POST", "/v2/models/lenet5/infer", {"json": {"inputs": []}}, 400, "invalid-inference"),
    ("GET", "/v2/models/another", {}, 404, "not-found"),
]


def assert_problem(response: httpx.Response, status: int, name: str) -> dict:
    """The one shape; returns the problem."""
    problem = response.json()
    assert response.status_code == problem["status"] == status, problem
    assert response.headers["content-type"] == PROBLEM_JSON
    assert problem["type"] == f"/problems/{name}"
    assert problem.get("error") == (problem["detail"] if problem["instance"].startswith("/v2") else None)
    assert set(problem) - {"errors", "error"} == {"type", "title", "status", "detail", "instance", "request_id"}
    assert problem["request_id"] == response.headers["x-request-id"]
    assert problem["detail"].endswith(".")
    assert len(response.content) <= 1024
    assert not re.search(r"Traceback|site-packages|\.py|/usr|0x[0-9a-f]{6}", response.text)
    return problem


@pytest.mark.parametrize(("method", "path", "request_", "status", "name"), FAILURES)
def test_every_failure_has_the_one_shape(client, method, path, request_, status, name):
    """404, 405 and validation included."""
    problem = assert_problem(client.request(method, path, **request_), status, name)

    assert problem["instance"] == path.partition("?")[0].replace("<", "%3C").replace(">", "%3E").replace(
        "%ff", "%EF%BF%BD"
    )
    if status == 422 and name == "invalid-request":
        assert problem["errors"][0]["loc"]


def test_a_method_that_is_not_allowed_names_those_that_are(client):
    """RFC 9110 asks for the header."""
    response = client.get("/predict")

    assert response.headers["allow"] == "POST"
    assert "POST" in response.json()["detail"]


def test_a_connection_whose_body_was_not_read_is_closed(client):
    """The rest of a body too large would be taken for the next request otherwise."""
    response = client.post("/predict", content=b"x" * (10 * 1024 * 1024 + 1))

    assert response.headers["connection"] == "close"


def test_nothing_of_the_input_is_echoed(client):
    """An answer must not be a way to make others read what one has sent."""
    marker = "qjxzvw"
    for options in (
        {"json": {marker: marker}},
        {"content": marker.encode()},
        {"files": {marker: (marker, marker.encode())}},
        {"params": {"polarity": marker}, "content": PICTURE},
        {"params": {"include": marker}, "content": PICTURE},
        {"content": PICTURE, "headers": {"Content-Type": f"multipart/{marker}"}},
    ):
        response = client.post("/predict", **options)
        assert marker not in response.text


@pytest.mark.parametrize("sent", ["a-B_1.2", "x" * 64])
def test_a_harmless_request_id_is_kept(client, sent):
    """On success and on failure."""
    for method, path in (("GET", "/livez"), ("GET", "/nothing")):
        assert client.request(method, path, headers={"X-Request-ID": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a;b", 'a"b', "ü".encode(), "<b>"])
def test_any_other_request_id_is_replaced(client, sent):
    """It ends up in logs and pages."""
    found = client.get("/livez", headers={"X-Request-ID": sent}).headers["x-request-id"]

    assert re.fullmatch("[0-9a-f]{32}", found)


def test_every_failure_is_of_the_closed_family():
    """Each has a status, a stable name and a title of its own, and FAILURES or a test below shows it."""
    family = ServiceError.__subclasses__()

    assert all(400 <= kind.status < 600 for kind in family)
    assert len({kind.name for kind in family}) == len({kind.title for kind in family}) == len(family)
    shown = {name for *_, name in FAILURES} | {
        "unauthorized",
        "internal-error",
        "overloaded",
        "not-ready",
        "model-not-ready",
        "deadline-exceeded",
    }
    assert {kind.name for kind in family} == shown


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/predict", "/predict"),
        ("/a b", "/a%20b"),
        ("/ü", "/%C3%BC"),
        ("/" + "x" * 500, "/" + "x" * (MAX_INSTANCE - 1)),
        ("/" + "x" * 198 + "ü", "/" + "x" * 198),
        ("/" + "x" * 197 + "ü", "/" + "x" * 197),
    ],
)
def test_the_instance_is_short_and_escaped(path, expected):
    """Cut at 200 characters, never in the middle of an escape."""
    assert instance(path) == expected


def test_a_bug_is_a_500_that_tells_nothing(tiny_model, caplog):
    """The log has the traceback and the request's id, the client only the id."""
    app = create_app(Settings(), Serving.load(tiny_model), unwritten)

    @app.get("/bug")
    async def bug() -> None:
        raise ZeroDivisionError("a secret of ours")

    with TestClient(app) as client:
        problem = assert_problem(client.get("/bug"), 500, "internal-error")

    assert "secret" not in str(problem)
    assert problem["request_id"] in caplog.text
    assert "a secret of ours" in caplog.text


@pytest.fixture(scope="module")
def locked():
    """A client of a server that asks for a key."""
    with running_server(api_key="open sesame") as server, httpx.Client(base_url=server.url) as client:
        yield client


@pytest.mark.parametrize(
    "authorization",
    [None, "", "open sesame", "Bearer", "Bearer open", "Basic open sesame", "Bearer ü".encode()],
)
def test_without_the_key_nothing_is_answered(locked, authorization):
    """Checked before the body is read, also for routes that do not exist."""
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in (("POST", "/predict"), ("GET", "/v1/model"), ("GET", "/docs"), ("GET", "/nothing")):
        response = locked.request(method, path, headers=headers)
        assert_problem(response, 401, "unauthorized")
        assert response.headers["www-authenticate"] == "Bearer"


def test_two_keys_are_no_key(locked):
    """Who knows which one a proxy in front has looked at."""
    headers = [("Authorization", "Bearer open sesame"), ("Authorization", "Bearer open sesame")]

    assert locked.get("/v1/model", headers=headers).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_with_the_key_all_is_answered(locked, scheme):
    """The scheme's case does not matter (RFC 9110)."""
    headers = {"Authorization": f"{scheme} open sesame"}

    assert locked.post("/predict", content=PICTURE, headers=headers).status_code == 200
    assert locked.get("/docs", headers=headers).status_code == 200


@pytest.mark.parametrize("probe", ["/livez", "/readyz", "/healthz", "/health"])
def test_probes_need_no_key(locked, probe):
    """An orchestrator has none."""
    assert locked.get(probe).status_code == 200


def test_work_past_its_deadline_is_a_504(digit_png):
    """The thread may go on for a while, the client is told at once."""
    body = encoded(Image.effect_noise((2500, 2500), 60), "PNG")
    with running_server(request_timeout_seconds=0.02) as server, httpx.Client(base_url=server.url) as client:
        assert_problem(client.post("/predict", content=body), 504, "deadline-exceeded")
        assert client.post("/predict", content=digit_png).status_code == 200


def test_a_body_declared_too_large_is_refused_before_it_is_sent(server):
    """A client that asks first (Expect: 100-continue, as curl does) never sends it."""
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {10**8}\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head.encode())

        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_has_arrived_no_longer_counts_as_arriving(digit_png):
    """Else the service would refuse everybody after so many bytes in all."""
    with running_server(max_buffered_bytes=2 * len(digit_png)) as server, httpx.Client(base_url=server.url) as client:
        assert {client.post("/predict", content=digit_png).status_code for _ in range(10)} == {200}


def test_bodies_in_arrival_are_bounded_together(digit_png):
    """Beyond the limit: 503, whether the picture would have been good or not. Another client still has its share."""
    chunk = b"%x\r\n%b\r\n" % (len(digit_png), digit_png)
    with running_server(max_buffered_bytes=400) as server, Wire(server.port) as first, Wire(server.port) as second:
        first.send(request("POST", "/predict", "Transfer-Encoding: chunked", body=chunk))
        assert asked(server.port, get()).status == 200
        second.send(request("POST", "/predict", "Transfer-Encoding: chunked", body=chunk))
        answer = second.answer()
        assert (answer.status, json.loads(answer.body)["type"]) == (503, "/problems/overloaded")
        with Wire(server.port, source="127.0.0.2") as other:
            other.send(request("POST", "/predict", "Transfer-Encoding: chunked", body=chunk + b"0\r\n\r\n"))
            assert other.answer().status == 200
        first.send(b"0\r\n\r\n")
        assert first.answer().status == 200


def test_errors_are_documented():
    """Each type of problem is in the README's table."""
    readme = (ROOT / "README.md").read_text()

    for kind in ServiceError.__subclasses__():
        assert f"`{kind.name}`" in readme


def test_names_are_kebab_case_of_their_class():
    """So that the log, the code and the client speak of the same thing."""
    for kind in ServiceError.__subclasses__():
        assert re.sub(r"(?<!^)([A-Z])", r"-\1", kind.__name__).lower() == kind.name
        assert getattr(errors, kind.__name__) is kind


@pytest.mark.parametrize("path", ["/livez", "/predict", "/nothing", "/v1/model", "/openapi.json", "/metrics"])
def test_no_answer_can_be_taken_for_a_page(client, path):
    """Whatever a browser makes of it, nothing runs and nothing is framed; nor does it tell which software answers."""
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "server" not in headers


def test_keys_are_compared_at_one_length(monkeypatch):
    """However long what was sent is. Fails where the key itself is compared: its length would show in the time."""
    lengths = set()

    def compared(given: bytes, wanted: bytes) -> bool:
        lengths.update((len(given), len(wanted)))
        return given == wanted

    monkeypatch.setattr("hmac.compare_digest", compared)
    for sent, right in ((b"Bearer open sesame", True), (b"Bearer x", False), (b"Bearer " + b"x" * 10_000, False)):
        assert is_authorized([(b"authorization", sent)], "open sesame") is right
    assert len(lengths) == 1


@pytest.mark.parametrize("host", ["localhost", "localhost/livez?", "localhost/page/"])
@pytest.mark.parametrize(
    "path",
    ["//v1/model", "/livez/../v1/model", "/livez/%2e%2e/v1/model", "/livez;/v1/model", "/v1/model;/livez",
     "/v1/model/", "/v1%2fmodel", "/v1/model?/livez", "/page/../v1/model", "/page/%2e%2e/v1/model",
     "/page/%2e%2e/%2e%2e/settings.py", "/page//etc/passwd", "http://localhost/v1/model"],
)  # fmt: skip
def test_no_way_to_write_a_path_goes_round_the_key(locked, path, host):
    """Fails where a path that only begins like a probe's is open."""
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    within_the_page = path.startswith("/page/")
    assert asked(locked.base_url.port, head).status == (404 if within_the_page else 401)
