"""GET /metrics: what a real server tells, what promtool says of it, and a real Prometheus that scrapes it."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import numpy as np
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import ROOT, free_port, png, running_server
from tests.samples import IMAGES, photo, written

DEPLOYED = ROOT / "deploy" / "observability"
BLANK = png(np.full((40, 40), 255, np.uint8))


@pytest.fixture
def fresh():
    """A server of its own, so that counts begin at zero, and a client of it."""
    with running_server(max_inflight=1) as server, httpx.Client(base_url=server.url) as client:
        yield client


def samples(client: httpx.Client) -> dict[tuple, float]:
    """(name, label values in the order of their names) -> value."""
    text = client.get("/metrics").text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def needed(tool: str) -> str:
    """The path of a program of Debian's package prometheus; without it a test is skipped, but in CI it fails."""
    path = shutil.which(tool)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{tool} is not installed (Debian: prometheus)")
    return path


def test_requests_are_counted_by_route(fresh):
    """By the template, with the method and the status; what was never offered shares one name."""
    fresh.post("/predict", content=png(IMAGES[0]))
    fresh.post("/v1/predict", content=b"no picture")
    fresh.post("/v2/models/lenet5/infer", content=b"{")
    fresh.post("/v2/models/lenet5/versions/1/infer", content=b"{")
    for path in ("/secret/1", "/secret/2"):
        fresh.get(path)
    fresh.request("PROPFIND", "/predict")
    fresh.get("/livez")
    for path in ("/docs", "/openapi.json", "/", "/page/main.js", "/page/page.css", "/docs/assets/swagger-ui.css"):
        fresh.get(path)
    found = {key[1:]: value for key, value in samples(fresh).items() if key[0] == "lenet5_requests_total"}
    assert found.pop(("GET", "/readyz", "200")) >= 1  # asked by the fixture, until it was
    assert found == {
        ("POST", "/predict", "200"): 1,
        ("POST", "/v1/predict", "415"): 1,
        ("POST", "/v2/models/lenet5/infer", "400"): 1,
        ("POST", "/v2/models/lenet5/versions/1/infer", "400"): 1,
        ("GET", "unmatched", "404"): 2,
        ("other", "/predict", "405"): 1,
        ("GET", "/livez", "200"): 1,
        ("GET", "/docs", "200"): 1,
        ("GET", "/openapi.json", "200"): 1,
        ("GET", "/", "200"): 1,
        ("GET", "/page/{path}", "200"): 2,
        ("GET", "/docs/assets/{path}", "200"): 1,
    }


def test_digits_reasons_and_confidence(fresh):
    """Of single pictures and of those in a batch; blank ones have no digit and no confidence."""
    fresh.post("/predict", content=png(IMAGES[8]))
    files = [("files", ("a.png", picture)) for picture in (png(IMAGES[8]), BLANK, b"no picture")]
    answers = fresh.post("/predict/batch", files=files).json()["predictions"]
    digit = str(answers[0]["digit"])
    found = samples(fresh)
    assert found["lenet5_predictions_total", "true", digit] == 2
    assert found["lenet5_predictions_total", "false", "none"] == 1
    assert found["lenet5_rejections_total", "blank"] == 1
    assert found[("lenet5_confidence_count",)] == 2
    assert found["lenet5_confidence_bucket", "+Inf"] == 2
    assert [found["lenet5_stage_seconds_count", stage] for stage in ("decode", "frame", "infer")] == [2, 2, 2]


def test_time_bytes_and_the_model(fresh):
    """Seconds as they passed, bytes as they came, and which model answers."""
    picture = png(photo(written(IMAGES[0], side=900)))
    fresh.post("/predict", content=picture)
    found = samples(fresh)
    model = fresh.get("/v1/model").json()
    assert found[("lenet5_body_bytes_sum",)] == len(picture)
    assert 0.001 < found["lenet5_request_seconds_sum", "/predict"] < 5
    assert found["lenet5_stage_seconds_sum", "decode"] < found["lenet5_request_seconds_sum", "/predict"]
    assert found["lenet5_model_info", model["name"], model["sha256"], model["version"]] == 1
    assert found[("lenet5_in_flight",)] == 0
    assert found[("process_resident_memory_bytes",)] > 10_000_000


def test_buckets_begin_where_answers_are_fast(fresh):
    """At 250 µs; a histogram that begins at 5 ms would have all of them in one."""
    fresh.post("/predict", content=png(IMAGES[0]))
    bounds = [key[1] for key in samples(fresh) if key[0] == "lenet5_request_seconds_bucket" and key[2] == "/predict"]
    assert [float(bound) for bound in bounds][:3] == [0.00025, 0.0005, 0.001]


def test_what_is_in_work_is_counted_while_it_is():
    """A picture that takes some time is in flight meanwhile."""
    picture = png(photo(written(IMAGES[0], side=3000)))
    with running_server() as server, httpx.Client(base_url=server.url) as client, ThreadPoolExecutor(4) as pool:
        pool.map(lambda _: httpx.post(f"{server.url}/predict", content=picture), range(8))
        deadline = time.monotonic() + 20
        while samples(client)[("lenet5_in_flight",)] == 0:
            assert time.monotonic() < deadline


def test_what_is_shed_is_counted(fresh):
    """At the door and with its route, though it never came to one."""
    picture = png(photo(written(IMAGES[0], side=2000)))
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: fresh.post("/predict", content=picture), range(24))
        statuses = [answer.status_code for answer in answers]
    found = samples(fresh)
    assert statuses.count(503) > 0
    assert found[("lenet5_shed_total",)] == statuses.count(503)
    assert found["lenet5_requests_total", "POST", "/predict", "503"] == statuses.count(503)
    assert found["lenet5_requests_total", "POST", "/predict", "200"] == statuses.count(200)


def test_a_client_that_left_is_no_success(fresh):
    """It is counted as 499, once the server has noticed."""
    with socket.create_connection(("127.0.0.1", fresh.base_url.port)) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
        time.sleep(0.2)
    deadline = time.monotonic() + 20
    while ("lenet5_requests_total", "POST", "/predict", "499") not in samples(fresh):
        assert time.monotonic() < deadline
    assert samples(fresh)["lenet5_requests_total", "POST", "/predict", "499"] == 1


def test_promtool_finds_nothing_to_mend(fresh):
    """Names, units and help texts as Prometheus wants them."""
    fresh.post("/predict", content=png(IMAGES[0]))
    fresh.post("/predict", content=BLANK)
    text = fresh.get("/metrics").text
    checked = subprocess.run([needed("promtool"), "check", "metrics"], input=text, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    assert "_created" not in text


def test_a_real_prometheus_scrapes_it(fresh, tmp_path):
    """With the configuration that is deployed, but for the address; its rules are loaded, and its target is up."""
    fresh.post("/predict", content=png(IMAGES[0]))
    configuration = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text())
    [job] = configuration["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["lenet5:8000"]}]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{fresh.base_url.port}"]}]
    job["scrape_interval"] = job["scrape_timeout"] = "1s"
    configuration["rule_files"] = [str(DEPLOYED / "alerts.yml")]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    port = free_port()
    command = [
        needed("prometheus"),
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    api = f"http://127.0.0.1:{port}/api/v1"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            assert value(api, 'lenet5_predictions_total{accepted="true"}') == 1
            assert value(api, 'up{job="lenet5"}') == 1
            rules = httpx.get(f"{api}/rules").json()["data"]["groups"][0]["rules"]
            assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
        finally:
            process.terminate()


def value(api: str, query: str) -> float:
    """What Prometheus answers, once it does."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError, ValueError):  # it is starting
            found = httpx.get(f"{api}/query", params={"query": query}).json()["data"]["result"]
            if found:
                return float(found[0]["value"][1])
        time.sleep(0.1)
    raise AssertionError(f"Prometheus does not know {query}")


def test_the_deployed_files_are_sound():
    """As promtool sees them: configuration, rules, and the rules' own tests."""
    promtool = needed("promtool")
    for arguments in (
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
    ):
        done = subprocess.run([promtool, *arguments], cwd=DEPLOYED, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_to_fire_and_to_rest():
    """An alert that no test makes fire may never do so."""
    rules = yaml.safe_load((DEPLOYED / "alerts.yml").read_text())["groups"][0]["rules"]
    tests = yaml.safe_load((DEPLOYED / "alerts_test.yml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    for rule in rules:
        outcomes = {bool(case.get("exp_alerts")) for case in cases if case["alertname"] == rule["alert"]}
        assert outcomes == {True, False}, rule["alert"]


def test_dashboard_and_alerts_ask_for_series_that_exist(fresh):
    """Every name of ours in them is one that the service gives."""
    fresh.post("/predict", content=BLANK)
    known = {key[0] for key in samples(fresh)} | {"lenet5_requests_total"}
    dashboard = json.loads((DEPLOYED / "dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    rules = yaml.safe_load((DEPLOYED / "alerts.yml").read_text())["groups"][0]["rules"]
    queries += [rule["expr"] for rule in rules]
    assert len(queries) > 15
    for query in queries:
        ours = set(re.findall(r"\b(?:lenet5|process)_\w+", query))
        assert ours, query
        assert ours <= known, query


def test_the_compose_profile_mounts_what_is_there():
    """Prometheus and Grafana start only when asked for, from files of this repository."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    others = {name: service for name, service in services.items() if name != "lenet5"}
    assert set(others) == {"prometheus", "grafana"}
    assert "profiles" not in services["lenet5"]
    for service in others.values():
        assert service["profiles"] == ["observability"]
        mounted = [volume.split(":")[0] for volume in service["volumes"] if volume.startswith("./")]
        assert mounted
        assert all((ROOT / path).exists() for path in mounted)
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    [source] = yaml.safe_load((DEPLOYED / "grafana/datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    [provider] = yaml.safe_load((DEPLOYED / "grafana/dashboards/lenet5.yml").read_text())["providers"]
    assert f"{provider['options']['path']}/dashboard.json" in services["grafana"]["volumes"][1]
