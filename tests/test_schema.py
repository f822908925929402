"""What OpenAPI promises, tried with thousands of generated requests against a real server process."""

import base64
import json
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.conftest import encoded, png
from tests.samples import IMAGES, enlarged

CASES = {"POST": 1_700, "GET": 20}
"""Of each operation; what has no body has little that could vary. More than 5,000 in all."""

PICTURES = strategies.sampled_from(
    [
        png(IMAGES[0]),
        png(IMAGES[11])[:120],
        encoded(enlarged(IMAGES[20]), "JPEG"),
        encoded(enlarged(IMAGES[30]), "WEBP"),
        encoded(enlarged(IMAGES[39]).convert("1"), "TIFF"),
        b"no picture",
    ]
) | strategies.binary(max_size=200)

schemathesis.openapi.format("binary", PICTURES)
schemathesis.openapi.media_type("image/*", PICTURES)
schemathesis.openapi.media_type("application/octet-stream", PICTURES)


INFER = "/v2/models/lenet5/infer"
INPUTS = [
    None,
    {"datatype": "UINT8", "shape": [1, 28, 28], "data": IMAGES[0].tolist()},
    {"datatype": "FP32", "shape": [2, 1, 28, 28], "data": [0.5] * 2 * 784},
    {"datatype": "BYTES", "shape": [1], "data": [base64.b64encode(png(IMAGES[0])).decode()]},
    {"datatype": "BYTES", "shape": [1], "data": ["no picture"]},
]
"""What a case's input is made, or left as it is."""

OPERATIONS = [
    ("POST", "/predict"),
    ("POST", "/predict/batch"),
    ("GET", "/v1/model"),
    ("GET", "/v1/model/kernels"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/v2"),
    ("GET", "/v2/health/live"),
    ("GET", "/v2/health/ready"),
    ("GET", "/v2/models/lenet5"),
    ("GET", "/v2/models/lenet5/ready"),
    ("POST", INFER),
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="session")
def described(server):
    """The schema as the server gives it."""
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


def test_every_operation_is_tried(described):
    """A route that is new is tried too."""
    found = {(operation.ok().method.upper(), operation.ok().path) for operation in described.get_all_operations()}
    assert found == set(OPERATIONS)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_one_that_openapi_promises(described, method, path):
    """Its status, its type, its headers and its shape; and nothing fails by our fault."""

    answered = Counter()

    @settings(max_examples=CASES[method], deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(described[path][method].as_strategy(), strategies.sampled_from(INPUTS))
    def ask(case, given_input):
        if path == INFER and given_input:
            give(case, given_input)
        answer = case.call_and_validate(checks=CHECKS)
        answered[case.media_type, answer.status_code] += 1

    ask()
    if method == "POST":
        kinds = described.raw_schema["paths"][path]["post"]["requestBody"]["content"]
        assert answered.total() >= CASES[method]
        assert {kind for kind in kinds if (kind, 200) in answered} == set(kinds)
        assert {status for _, status in answered} - {200}


def give(case, given_input):
    """Make the input one that holds together, whatever else was generated; random ones never do."""
    body = case.body if isinstance(case.body, dict) else {}
    body = body | {"inputs": [{"name": "image", **given_input}]}
    if case.media_type == "application/octet-stream":
        case.body = json.dumps(body).encode()
        case.headers["Inference-Header-Content-Length"] = str(len(case.body))
    else:
        case.body = body
