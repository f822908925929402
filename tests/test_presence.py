"""Nothing is done for a client that has left."""

import base64
import json
import re
import time
from contextlib import ExitStack

import pytest

from tests.conftest import Server, running_server
from tests.slow import SLOW
from tests.wire import Wire, asked, get, post

FORM = "Content-Type: multipart/form-data; boundary=a"
PART = b'--a\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n' + SLOW + b"\r\n"
TENSOR = {"name": "image", "datatype": "BYTES", "shape": [4], "data": [base64.b64encode(SLOW).decode()] * 4}
REQUESTS = {
    "a picture": (post("/predict", SLOW), "/predict", 16),
    "a batch": (post("/predict/batch", PART * 4 + b"--a--\r\n", FORM), "/predict/batch", 4),
    "pictures in tensors": (
        post("/v2/models/lenet5/infer", json.dumps({"inputs": [TENSOR]}).encode()),
        "/v2/models/lenet5/infer",
        4,
    ),
}


def counted(server: Server, pattern: str) -> float:
    """The sum of what the metrics say under names that match."""
    text = asked(server.port, get("/metrics")).body.decode()
    return sum(float(value) for value in re.findall(rf"(?m)^{pattern} (\S+)$", text))


@pytest.mark.parametrize("kind", REQUESTS)
def test_nothing_is_done_for_a_client_that_has_left(kind):
    """Of several that leave at once all but what is in a thread by then is forgotten, and counted as 499.

    Fails where nobody looks whether they are there: all are worked for, and counted as answered.
    """
    data, route, count = REQUESTS[kind]
    patient = {"max_waiting_seconds": 60, "request_timeout_seconds": 60, "max_waiting_pixels": 10**9}
    with running_server(threads=1, **patient) as server:
        deadline = time.monotonic() + 20
        with ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(Wire(server.port)).send(data)
            while counted(server, "lenet5_in_flight") < count / 2:
                assert time.monotonic() < deadline
        while counted(server, "lenet5_in_flight"):
            assert time.monotonic() < deadline
        left = counted(server, rf'lenet5_requests_total\{{[^}}]*route="{route}",status="499"\}}')
        assert left >= count / 2 - 2
        assert asked(server.port, post("/predict", SLOW)).status == 200
