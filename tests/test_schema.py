"""What OpenAPI promises, tried with thousands of generated requests against a real server process."""

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
    ("POST", "/v2/models/lenet5/infer"),
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

    @settings(max_examples=CASES[method], deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(described[path][method].as_strategy())
    def ask(case):
        case.call_and_validate(checks=CHECKS)

    ask()
