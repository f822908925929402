"""Spans, as a collector gets them from a real server process."""

import http.server
import subprocess
import sys
import threading
from contextlib import contextmanager

import httpx2 as httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.conftest import ROOT, png, running_server
from tests.samples import IMAGES

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PICTURE = png(IMAGES[0])


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


@pytest.fixture
def traced(monkeypatch):
    """Ask a traced server; gives the spans that a collector has once it has stopped."""

    def run(*requests):
        with collector() as (address, spans):
            monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
            with running_server() as server:
                headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
                for path, options in requests:
                    assert httpx.post(server.url + path, headers=headers, **options).status_code == 200
                server.stop()
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


def test_every_picture_of_a_batch_has_its_spans(traced):
    """And the network ran once; of a tensor there is nothing to decode."""
    files = [("files", ("a.png", PICTURE))] * 3
    tensor = {"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 28, 28], "data": IMAGES[:1].tolist()}]}
    spans = traced(("/predict/batch", {"files": files}), ("/v2/models/lenet5/infer", {"json": tensor}))
    names = [span.name for span in spans]
    assert (names.count("decode"), names.count("frame"), names.count("infer")) == (3, 3, 2)


def test_nothing_of_an_sdk_is_imported_unasked():
    """Where the extra is not installed there is none; where it is, it costs nothing until it is configured."""
    code = "import sys, service.server; print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
