"""README, OpenAPI and code say the same: settings, routes, commands and what they print."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import httpx2 as httpx
import numpy as np
import pytest
from fastapi import APIRouter
from PIL import Image
from playwright.sync_api import sync_playwright

from model.contract import ARTIFACTS, RECORD_FILE
from model.record import Record
from service.settings import Settings
from tests.conftest import ROOT, running_server

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```(?:\n+```json\n(.*?)```)?", README, re.DOTALL)
"""Every command block, with the output printed below it where there is one."""

SEVEN = (ROOT / "docs" / "seven.jpg").read_bytes()

COMMANDS = [
    (command, output) for block, output in BLOCKS for command in block.replace("\\\n", "").splitlines() if command
]
CURL = [(command, output) for command, output in COMMANDS if "curl" in command]
MAKE = [command for command, _ in COMMANDS if command.startswith("make")]
LENET5 = [(command, output) for command, output in COMMANDS if command.startswith("lenet5 ")]
ELSEWHERE = ("docker ", "git clone", "cd ")
"""Run by test_container.py, or by whoever has read this far."""


def documented_settings() -> dict[str, str]:
    """Name -> default, as the README's table has them."""
    return dict(re.findall(r"^\| `(LENET_\w+)` \| (.*?) \|", README, re.MULTILINE))


def test_every_setting_is_documented_with_its_default():
    """And no setting that does not exist."""

    def shown(default: object) -> str:
        return "none" if default in (None, ()) else f"`{str(default).lower()}`"

    expected = {
        f"LENET_{name.upper()}": "the model in the repository" if name == "model_path" else shown(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert documented_settings() == expected


def test_every_route_is_documented(client):
    """In the README's table, by method and path."""
    schema = client.get("/openapi.json").json()
    routes = {f"`{method.upper()} {path}`" for path, methods in schema["paths"].items() for method in methods}

    assert routes
    assert not {route for route in routes if route not in README}


def test_every_command_block_is_run_by_some_test():
    """A command nobody runs is a command that will break."""
    run = ("make", "lenet5 ", *ELSEWHERE)
    others = [command for command, _ in COMMANDS if "curl" not in command and not command.startswith(run)]

    assert CURL
    assert MAKE
    assert LENET5
    assert not others


@pytest.mark.parametrize("command", MAKE)
def test_every_make_target_exists(command):
    """make itself is asked; it is not run from within itself."""
    assert (
        subprocess.run([*shlex.split(command, comments=True), "--dry-run"], cwd=ROOT, capture_output=True).returncode
        == 0
    )


@pytest.mark.parametrize(("command", "output"), CURL, ids=[command[:60] for command, _ in CURL])
def test_curl_lines_print_what_the_readme_says(server, command, output):
    """Each with curl itself, from the repository's root; request ids differ from run to run."""
    if not shutil.which("curl"):
        pytest.fail("curl is not installed")
    command = command.replace("localhost:8000", f"127.0.0.1:{server.port}")
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=30)

    assert done.returncode == 0, done.stderr
    if output:
        assert leaves(json.loads(done.stdout)) == pytest.approx(leaves(json.loads(output)), abs=0.02)


@pytest.mark.parametrize(("command", "output"), LENET5, ids=[command[:60] for command, _ in LENET5])
def test_lenet5_lines_print_what_the_readme_says(server, tmp_path, command, output):
    """Each by a shell, in a folder that has the pictures and may be written to."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    command = command.replace("localhost:8000", f"127.0.0.1:{server.port}")
    script = f'lenet5() {{ "{sys.executable}" -m service.cli "$@"; }}; {command}'
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    if output:
        assert leaves(json.loads(done.stdout)) == pytest.approx(leaves(json.loads(output)), abs=0.02)


HOW_TO = (ROOT / "docs" / "how-to.md").read_text()


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", HOW_TO, re.DOTALL))
def test_the_how_to_runs(server, code):
    """Each example by itself, as a program of its own."""
    code = code.replace("localhost:8000", f"127.0.0.1:{server.port}")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_how_to_has_every_way_to_ask(server):
    """Its commands run too, and its pictures are read as sevens."""
    [command] = re.findall(r"```sh\n(.*?)```", HOW_TO, re.DOTALL)
    command = command.replace("localhost:8000", f"127.0.0.1:{server.port}").replace("> /dev/null", "")
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, timeout=30)
    assert done.stdout.startswith(b"\x89PNG"), done.stderr
    assert {"curl", "Python", "tritonclient", "JavaScript"} <= set(re.findall(r"^## (.*)$", HOW_TO, re.MULTILINE))


@pytest.mark.skipif(not shutil.which("chromium"), reason="Debian's chromium is not installed")
def test_the_how_to_runs_in_a_browser(server):
    """On a page of the service's origin that has what the examples look for: a file, a canvas and an image."""
    upload, drawing = re.findall(r"```js\n(.*?)```", HOW_TO, re.DOTALL)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"]) as browser,
    ):
        page = browser.new_page()
        said = []
        page.on("console", lambda message: said.append(message.text))
        own = "<link rel=icon href=data:,><input type=file><canvas></canvas><img>"
        page.route("**/own", lambda route: route.fulfill(content_type="text/html", body=own))
        page.goto(f"{server.url}/own")
        page.locator("input").set_input_files(ROOT / "docs" / "seven.jpg")
        page.evaluate(f"async () => {{ {upload} }}")
        assert said == ["7"]
        page.evaluate(f"async () => {{ const canvas = document.querySelector('canvas'); {drawing} }}")
        assert page.evaluate("document.querySelector('img').decode().then(() => document.images[0].naturalWidth)") == 28


def test_the_figures_are_of_the_model_that_is_served():
    """Those of the README that the record has; UCI's digits are not in it."""
    record = Record.read(ARTIFACTS / RECORD_FILE)
    mnist, printed, photographed, letters, branched = (
        record.evaluation[name]
        for name in ("mnist_test", "printed_test", "photographed_test", "characters_holdout", "branched_holdout")
    )
    accuracy, *interval = (f"{100 * share:.2f}" for share in (mnist["accuracy"], *mnist["interval_95"]))
    assert f"| {accuracy} % (95 % interval {' to '.join(interval)}) |" in README
    assert f"down to 10 pixels high | {100 * printed['accuracy']:.2f} % |" in README
    assert f"faint, marked | {100 * photographed['accuracy']:.2f} % |" in README
    assert f"error on MNIST is {100 * record.calibration['ece']['mnist_test']:.2f} %." in README
    assert f"accept {100 * mnist['accepted']:.1f} % of MNIST's test set" in README
    refused = [f"{100 * (1 - each['accepted']):.0f}" for each in (letters, branched)]
    assert refused[0] == refused[1], "the README says as many of both"
    assert f"\n{refused[0]} % of handwritten letters" in README
    assert f"| `best` | the model in this repository | {accuracy} % |" in README


@pytest.mark.parametrize("script", ["layers.py", "prediction.py"])
def test_the_pictures_are_of_the_model_that_is_served(tmp_path, script):
    """Drawn again they are the same, but for what another release of the library draws otherwise: letters, say."""
    for name in (script, "seven.jpg"):
        shutil.copy(ROOT / "docs" / name, tmp_path)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, tmp_path / script], env=environment, check=True, timeout=60)
    drawn = list(tmp_path.glob("*.png"))

    assert drawn
    for path in drawn:
        now, then = (np.asarray(Image.open(file).convert("L"), int) for file in (path, ROOT / "docs" / path.name))
        assert now.shape == then.shape
        assert np.mean(abs(now - then) > 10) < 0.003, path.name


def leaves(document: object, place: str = "") -> dict[str, object]:
    """Every value of an answer by its place, without what differs from request to request or after `make train`."""
    if isinstance(document, dict):
        items = [(f"{place}.{key}", value) for key, value in document.items() if key not in ("request_id", "sha256")]
    elif isinstance(document, list):
        items = [(f"{place}.{index}", value) for index, value in enumerate(document)]
    else:
        return {place: document}
    return {leaf: value for key, item in items for leaf, value in leaves(item, key).items()}


def test_openapi_documents_every_status_and_body_kind(client):
    """Clients are generated from it."""
    operation = client.get("/openapi.json").json()["paths"]["/predict"]["post"]

    assert set(operation["responses"]) == {"200", "400", "401", "408", "413", "415", "422", "500", "503", "504"}
    assert {"multipart/form-data", "application/json", "image/*"} <= set(operation["requestBody"]["content"])
    kinds = {"200": "application/json", "408": "text/plain"}
    for status, response in operation["responses"].items():
        assert set(response["content"]) == {kinds.get(status, "application/problem+json")}


def headers_of(response: httpx.Response) -> set[str]:
    """Those that are not of HTTP itself."""
    return set(response.headers) - {"date", "content-type", "content-length", "connection"}


def documented_headers(schema: dict, response: httpx.Response) -> tuple[set[str], set[str]]:
    """Those that such an answer must have, and those that it may have."""
    operation = schema["paths"][response.request.url.path][response.request.method.lower()]
    headers = operation["responses"][str(response.status_code)]["headers"]
    return {name.lower() for name in headers if headers[name]["required"]}, {name.lower() for name in headers}


def test_openapi_documents_every_header(client, unstarted):
    """Of what is answered, of failures, without the key, and to those who come too early or too many."""
    schema = client.get("/openapi.json").json()
    infer = "/v2/models/lenet5/infer"
    example = schema["paths"][infer]["post"]["requestBody"]["content"]["application/json"]["example"]
    binary = example | {"parameters": {"binary_data_output": True}}
    answers = [client.get(path) for path, methods in schema["paths"].items() if "get" in methods]
    answers += [client.post(infer, json=body) for body in (example, binary, {})]
    answers += [client.post("/predict", content=body) for body in (SEVEN, b"", b"%PDF-1.7 and so on", SEVEN[:9000])]
    answers += [client.post("/predict/batch", files=files) for files in ([("files", SEVEN)], [("other", SEVEN)])]
    answers += [unstarted.get(path) for path in ("/readyz", "/v2/health/ready")]
    held = unstarted.app.state.held
    held.admission.in_work.take("testclient", held.settings.max_inflight)
    answers += [unstarted.post(path, content=SEVEN) for path in ("/predict", "/predict/batch", infer)]
    with running_server(api_key="secret") as server, httpx.Client(base_url=server.url) as locked:
        answers += [locked.get("/v1/model"), locked.post("/predict", content=SEVEN)]

    assert {answer.status_code for answer in answers} == {200, 400, 401, 415, 422, 503}
    for answer in answers:
        must, may = documented_headers(schema, answer)
        assert must <= headers_of(answer) <= may, answer


def test_openapi_knows_the_key(client):
    """Where a route asks for it; probes do not."""
    schema = client.get("/openapi.json").json()
    [(name, scheme)] = schema["components"]["securitySchemes"].items()
    asking = {path for path, methods in schema["paths"].items() if "security" in next(iter(methods.values()))}

    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert schema["paths"]["/predict"]["post"]["security"] == [{}, {name: []}]
    probes = {"/livez", "/readyz", "/v2/health/live", "/v2/health/ready", "/v2/models/lenet5/ready"}
    assert asking == set(schema["paths"]) - probes


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/v2/models/lenet5/infer"])
def test_the_examples_of_the_docs_can_be_tried(client, path):
    """As they stand: each is a seven."""
    content = client.get("/openapi.json").json()["paths"][path]["post"]["requestBody"]["content"]
    response = client.post(path, json=content["application/json"]["example"])
    answer = response.json()
    assert response.status_code == 200, answer
    match path:
        case "/predict":
            assert answer["digit"] == 7
        case "/predict/batch":
            assert [item["digit"] for item in answer["predictions"]] == [7, 7]
        case _:
            assert int(np.argmax(answer["outputs"][0]["data"])) == 7


def test_the_schema_has_no_loose_ends(client):
    """Every reference leads somewhere, and FastAPI's own error shape is not in it."""
    schema = client.get("/openapi.json").json()
    references = set(re.findall(r'"\$ref": "(.*?)"', json.dumps(schema)))

    assert references <= {f"#/components/schemas/{name}" for name in schema["components"]["schemas"]}
    assert "HTTPValidationError" not in schema["components"]["schemas"]


def test_the_docs_page_loads_nothing_from_outside(client):
    """It must work where there is no internet, under a policy that would forbid anything else."""
    page = client.get("/docs")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert not [link for link in links if "//" in link]
    for link in links:
        if not link.startswith("data:"):
            assert client.get(f"/{link}").status_code == 200


def test_docs_can_be_turned_off():
    """Some keep the shape of their service to themselves."""
    with running_server(docs="false") as server, httpx.Client(base_url=server.url) as client:
        assert {client.get(path).status_code for path in ("/docs", "/openapi.json", "/docs/start.js")} == {404}


@pytest.mark.skipif(not shutil.which("chromium"), reason="Debian's chromium is not installed")
def test_the_docs_page_works_in_a_browser(server, tmp_path):
    """Chromium runs the page's scripts under its policy and shows the operations."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    command = ["chromium", *flags, f"--user-data-dir={tmp_path}", "--virtual-time-budget=10000", "--dump-dom"]
    done = subprocess.run([*command, f"{server.url}/docs"], capture_output=True, text=True, timeout=100)

    assert 'data-path="/predict"' in done.stdout
    assert "Refused to" not in done.stderr


def test_there_is_no_route_that_nobody_knows_of(unstarted):
    """Those of the schema, those that a comment in the code hides from it, and the folders of files; no other.

    Fails for a route that is left out of the schema and of this list.
    """
    app = unstarted.app
    shown = set(app.openapi()["paths"])
    routers = [getattr(part, "original_router", part) for part in app.router.routes]
    found = {
        route.path for router in routers for route in (router.routes if isinstance(router, APIRouter) else [router])
    }
    hidden = {
        *("/v1/predict", "/v1/predict/batch", "/healthz", "/health"),
        *(f"/v2/models/lenet5/versions/1{end}" for end in ("", "/ready", "/infer")),
        *("/docs", "/docs/start.js", "/docs/assets", "/openapi.json", "/", "/page"),
    }
    assert found == shown | hidden
