"""Spans, as a collector gets them from a real server process."""

import base64
import http.server
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2 as httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.conftest import ROOT, png, running_server
from tests.samples import IMAGES, photo, written

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PICTURE = png(IMAGES[0])
LARGE = png(photo(written(IMAGES[0], side=2000)))


@contextmanager
def collector():
    """An OTLP endpoint: its address, and the spans that came so far."""
    spans = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    spans.extend(span for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", spans
        server.shutdown()


def ask_one(url, path, options):
    """The status of the answer."""
    return httpx.post(url + path, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"}, **options).status_code


def ask_in_turn(url, requests):
    """Their statuses."""
    return [ask_one(url, *request) for request in requests]


def ask_at_once(url, requests):
    """Their statuses, of more than there are slots."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda request: ask_one(url, *request), requests))


def server_spans(spans):
    """What a collector shows of each request: its name, its parent and what is known of it."""
    return [
        (span.name, span.parent_span_id.hex(), {item.key: value_of(item.value) for item in span.attributes})
        for span in spans
        if span.kind == Span.SPAN_KIND_SERVER
    ]


def value_of(value):
    return getattr(value, value.WhichOneof("value"))


@pytest.fixture
def traced(monkeypatch):
    """Ask a traced server; gives the spans that a collector has once it has stopped."""

    def run(*requests, ask=ask_in_turn, **settings):
        with collector() as (address, spans):
            monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
            with running_server(**settings) as server:
                statuses = ask(server.url, requests)
                server.stop()
            assert set(statuses) <= ({200, 503} if settings else {200})
            return [span for span in spans if span.trace_id.hex() == TRACE]

    return run


def test_the_stages_are_spans_under_the_requests(traced):
    """One trace with the client's, which is the request's parent; each stage within its time, one after the other."""
    spans = traced(("/predict", {"content": PICTURE}))
    by_id = {span.span_id: span for span in spans}
    [request] = [span for span in spans if span.name == "POST /predict"]
    assert request.parent_span_id.hex() == PARENT
    last = request.start_time_unix_nano
    for name in ("decode", "frame", "infer"):
        [stage] = [span for span in spans if span.name == name]
        above = stage
        while above.span_id != request.span_id:
            above = by_id[above.parent_span_id]
        assert last <= stage.start_time_unix_nano <= stage.end_time_unix_nano <= request.end_time_unix_nano
        last = stage.start_time_unix_nano


def test_the_same_span_whatever_way_it_was_answered(traced):
    """What untraced the front would have taken, what it would have left to the app, and another name."""
    form = {"files": {"file": ("a.png", PICTURE)}}
    image = {"json": {"image": base64.b64encode(PICTURE).decode()}}
    ways = [{"content": PICTURE}, form, image, {"content": iter([PICTURE])}, {"content": LARGE}]
    first, *others = server_spans(traced(*(("/predict", way) for way in ways)))
    assert len(others) == len(ways) - 1
    name, parent, attributes = first
    assert (name, parent) == ("POST /predict", PARENT)
    assert attributes["http.response.status_code"] == 200
    assert attributes.pop("server.port")
    for name, parent, other in others:
        other.pop("server.port")
        assert (name, parent, other) == ("POST /predict", PARENT, attributes)


def test_what_is_turned_away_has_its_span_too(traced):
    """Under its route's name and its client's trace, with the status that the client saw."""
    statuses = []

    def ask(url, requests):
        statuses.extend(ask_at_once(url, requests))
        return statuses

    spans = server_spans(
        traced(*[("/predict", {"content": LARGE}), ("/predict", {"content": PICTURE})] * 20, ask=ask, max_inflight=1)
    )
    assert set(statuses) == {200, 503}
    assert {(name, parent) for name, parent, _ in spans} == {("POST /predict", PARENT)}
    assert sorted(known["http.response.status_code"] for _, _, known in spans) == sorted(statuses)


def test_every_picture_of_a_batch_has_its_spans(traced):
    """And the network ran once; of a tensor there is nothing to decode."""
    files = [("files", ("a.png", PICTURE))] * 3
    tensor = {"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 28, 28], "data": IMAGES[:1].tolist()}]}
    spans = traced(("/predict/batch", {"files": files}), ("/v2/models/lenet5/infer", {"json": tensor}))
    names = [span.name for span in spans]
    assert (names.count("decode"), names.count("frame"), names.count("infer")) == (3, 3, 2)


def test_nothing_of_an_sdk_is_imported_unasked():
    """Where the extra is not installed there is none; where it is, it costs nothing until it is configured."""
    code = "import sys, service.server, service.app; print(*(name for name in sys.modules if 'opentelemetry' in name))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "opentelemetry.trace" in loaded
    assert not [
        name for name in loaded if name.split(".")[1:2] in (["sdk"], ["exporter"], ["proto"], ["instrumentation"])
    ]
