"""The Open Inference Protocol, spoken by NVIDIA's own clients and by hand, against a real server process."""

import asyncio
import base64
import json
import struct
import tracemalloc

import numpy as np
import pytest
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

from model.contract import NAME, SIZE
from service.errors import PROBLEM_JSON, InvalidInference
from service.tensors import decode_request
from tests.conftest import png, running_server
from tests.samples import IMAGES

INFER = f"/v2/models/{NAME}/infer"
LENGTH = "Inference-Header-Content-Length"
MOST = 10_000
"""Images of a request, where an operator allows that many: 31 MB as numbers of the network."""


@pytest.fixture
def nvidia(server):
    """NVIDIA's client."""
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        yield client


@pytest.fixture(scope="module")
def frames():
    """256 digits as the network takes them, uint8 (256, 28, 28)."""
    return np.resize(IMAGES, (256, SIZE, SIZE))


def tensor(datatype: str, values: np.ndarray, binary: bool = True) -> triton.InferInput:
    """The input."""
    given = triton.InferInput("image", list(values.shape), datatype)
    given.set_data_from_numpy(values, binary_data=binary)
    return given


def as_fp32(frames: np.ndarray) -> np.ndarray:
    return (frames / np.float32(255)).astype(np.float32)[:, np.newaxis]


def test_metadata(nvidia):
    """Of the server and of the model, by name and by version."""
    assert nvidia.is_server_live()
    assert nvidia.is_server_ready()
    assert nvidia.is_model_ready(NAME)
    assert nvidia.is_model_ready(NAME, "1")
    assert nvidia.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = nvidia.get_model_metadata(NAME, "1")
    assert metadata == nvidia.get_model_metadata(NAME)
    assert metadata["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 28, 28]}]
    assert [output["name"] for output in metadata["outputs"]] == ["probabilities", "logits", "evidence"]
    assert metadata["versions"] == ["1"]


@pytest.mark.parametrize("count", [1, 65, 256])
@pytest.mark.parametrize("datatype", ["FP32", "UINT8"])
@pytest.mark.parametrize("binary", [True, False])
def test_tensors_in_json_and_binary(nvidia, frames, count, datatype, binary):
    """In and out, mixed: what is asked for as JSON comes as JSON beside what is asked for as bytes."""
    values = as_fp32(frames[:count]) if datatype == "FP32" else frames[:count]
    outputs = [
        triton.InferRequestedOutput("logits", binary_data=not binary),
        triton.InferRequestedOutput("probabilities", binary_data=binary),
    ]
    answer = nvidia.infer(NAME, [tensor(datatype, values, binary)], outputs=outputs, request_id="seventeen")
    said = answer.get_response()
    assert (said["id"], said["model_name"], said["model_version"]) == ("seventeen", NAME, "1")
    assert [output["name"] for output in said["outputs"]] == ["logits", "probabilities"]
    logits, probabilities = answer.as_numpy("logits"), answer.as_numpy("probabilities")
    assert logits.shape == probabilities.shape == (count, 10)
    assert logits.dtype == probabilities.dtype == np.float32
    assert np.allclose(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), probabilities, atol=1e-5)


def test_pictures_are_read_as_predict_reads_them(nvidia, client, frames):
    """The same ten numbers, of digits, of a scan and of a blank sheet, in JSON and in binary."""
    scan = np.full((300, 200), 240, np.uint8)
    scan[100:240, 80:100] = 10
    pictures = [*map(png, frames[:3]), png(scan), png(np.full((50, 50), 255, np.uint8))]
    wanted = [client.post("/predict", content=picture).json()["probabilities"] for picture in pictures]
    for binary in (True, False):
        sent = pictures if binary else [base64.b64encode(picture) for picture in pictures]
        answer = nvidia.infer(NAME, [tensor("BYTES", np.array(sent, object), binary)])
        assert np.allclose(answer.as_numpy("probabilities"), wanted, atol=1e-6)
        assert np.allclose(answer.as_numpy("logits")[-1], 0)


def test_all_outputs_come_where_none_is_asked_for(client, frames):
    """As JSON, unless the request says otherwise."""
    body: dict = asked(data=frames[:1].tolist())
    response = client.post(INFER, json=body)
    assert response.status_code == 200
    assert LENGTH.lower() not in response.headers
    outputs = {output["name"]: output for output in response.json()["outputs"]}
    assert [outputs[name]["shape"] for name in ("probabilities", "logits", "evidence")] == [[1, 10], [1, 10], [1]]
    body["parameters"] = {"binary_data_output": True}
    response = client.post(f"/v2/models/{NAME}/versions/1/infer", json=body)
    head = int(response.headers[LENGTH])
    assert len(response.content) - head == 4 * 21
    binary = np.frombuffer(response.content[head:], "<f4")
    assert np.allclose(binary[:10], outputs["probabilities"]["data"])


def test_the_asyncio_client(server, frames):
    """The same over aiohttp, many at a time."""

    async def ask():
        async with triton_aio.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
            assert await client.is_model_ready(NAME)
            asked = [client.infer(NAME, [tensor("UINT8", frames[k : k + 1])]) for k in range(20)]
            return [answer.as_numpy("probabilities")[0] for answer in await asyncio.gather(*asked)]

    alone = asyncio.run(ask())
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        together = client.infer(NAME, [tensor("UINT8", frames[:20])]).as_numpy("probabilities")
    assert np.allclose(alone, together, atol=1e-5)


@pytest.mark.parametrize("count", [1, 256])
@pytest.mark.parametrize("binary", [True, False])
def test_the_asyncio_client_has_metadata_json_binary_and_errors(server, frames, count, binary):
    """As the other client has them."""

    async def ask():
        async with triton_aio.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
            assert await client.is_server_live()
            assert await client.is_server_ready()
            metadata = await client.get_model_metadata(NAME)
            outputs = [
                triton.InferRequestedOutput(output["name"], binary_data=binary) for output in metadata["outputs"]
            ]
            with pytest.raises(InferenceServerException, match="the only model is lenet5"):
                await client.infer("resnet", [tensor("UINT8", frames[:1])])
            with pytest.raises(InferenceServerException, match="Send 1 to 256 images"):
                await client.infer(NAME, [tensor("UINT8", np.resize(frames, (257, SIZE, SIZE)))])
            return await client.infer(NAME, [tensor("UINT8", frames[:count], binary)], outputs=outputs)

    answer = asyncio.run(ask())
    shapes = [answer.as_numpy(name).shape for name in ("probabilities", "logits", "evidence")]
    assert shapes == [(count, 10), (count, 10), (count,)]


def test_errors_can_be_read_by_the_client(nvidia, frames):
    """Its exception says what ours says."""
    with pytest.raises(InferenceServerException, match="Name the input image"):
        nvidia.infer(NAME, [triton.InferInput("picture", [1, 28, 28], "UINT8").set_data_from_numpy(frames[:1])])
    with pytest.raises(InferenceServerException, match="the only model is lenet5"):
        nvidia.infer("resnet", [tensor("UINT8", frames[:1])])
    with pytest.raises(InferenceServerException, match="the only model is lenet5"):
        nvidia.get_model_metadata(NAME, "2")


def asked(**changes: object) -> dict:
    """A request for one black image, changed."""
    given = {"name": "image", "shape": [1, 28, 28], "datatype": "UINT8", "data": [0] * 784} | changes
    return {"inputs": [{key: value for key, value in given.items() if value is not None}]}


def fp32(value: str) -> bytes:
    """A request in JSON with one number of many written as given."""
    body = json.dumps(asked(datatype="FP32", shape=[1, 1, 28, 28], data=[0.5] + [0] * 783))
    return body.replace("0.5", value, 1).encode()


PICTURE = png(np.zeros((30, 30), np.uint8))
WRONG = {
    "not JSON": b"{",
    "no object": b"[]",
    "no input": {"inputs": []},
    "two inputs": {"inputs": asked()["inputs"] * 2},
    "many broken inputs": {"inputs": [{}] * 50_000},
    "another name": asked(name="x"),
    "another datatype": asked(datatype="FP64"),
    "a shape of another kind": asked(shape=[1, 1, 28, 28]),
    "no shape": asked(shape=[]),
    "a shape that lies": asked(shape=[2, 28, 28]),
    "a huge shape": asked(shape=[2**62, 28, 28]),
    "a shape whose product overflows": asked(shape=[2**60 + 2, 2**4]),
    "no images": asked(shape=[0, 28, 28], data=[]),
    "a negative shape": asked(shape=[-1, 28, 28]),
    "a shape of floats": asked(shape=[1.0, 28, 28]),
    "a shape of booleans": asked(shape=[True, 28, 28]),
    "a shape of 4,000 digits": b'{"inputs": [{"name": "image", "datatype": "UINT8", "shape": [%s], "data": [0]}]}'
    % (b"9" * 4000),
    "too many images": asked(shape=[257, 28, 28], data=[0] * 784 * 257),
    "far more values than images": asked(data=[0] * 1_000_000),
    "too little data": asked(data=[0] * 783),
    "ragged data": asked(data=[[0] * 28] * 27 + [[0] * 27]),
    "data of another shape": asked(data=[[0] * 784]),
    "strings for numbers": asked(data=["0"] * 784),
    "one long string among many": asked(data=["x" * 1_000_000] + ["y"] * 200_000),
    "booleans for numbers": asked(data=[True] * 784),
    "a list among numbers": asked(data=[0] * 783 + [[0]]),
    "a number too large for any float": asked(datatype="FP32", shape=[1, 1, 28, 28], data=[10**400] + [0] * 783),
    "floats for UINT8": asked(data=[0.5] * 784),
    "256 for UINT8": asked(data=[256] + [0] * 783),
    "-1 for UINT8": asked(data=[-1] + [0] * 783),
    "a number of 400 digits": asked(data=[10**400] + [0] * 783),
    "no data": asked(data=None),
    "deep data": b'{"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 28, 28], "data": '
    + b"[" * 150
    + b"]" * 150
    + b"}]}",
    "deeper than any": b"[" * 100_000,
    "deep parameters": b'{"parameters": ' + b'{"a":' * 150 + b"1" + b"}" * 150 + b"}",
    "NaN": fp32("NaN"),
    "infinity": fp32("Infinity"),
    "beyond any number": fp32("1e999"),
    "grey levels for FP32": fp32("255"),
    "below zero": fp32("-0.1"),
    "an unknown output": asked() | {"outputs": [{"name": "embedding"}]},
    "an output twice": asked() | {"outputs": [{"name": "logits"}] * 2},
    "a classification": asked() | {"outputs": [{"name": "logits", "parameters": {"classification": 3}}]},
    "an unknown parameter": asked() | {"parameters": {"qjxzvw": 1}},
    "shared memory": asked(data=None, parameters={"shared_memory_region": "qjxzvw"}),
    "binary data that does not come": asked(data=None, parameters={"binary_data_size": 784}),
    "data twice": asked(parameters={"binary_data_size": 784}),
    "an id that is no string": asked() | {"id": 5},
    "no base64": asked(datatype="BYTES", shape=[1], data=["?"]),
    "fewer pictures than said": asked(datatype="BYTES", shape=[2], data=[base64.b64encode(PICTURE).decode()]),
    "no picture": asked(datatype="BYTES", shape=[1], data=[base64.b64encode(b"qjxzvw" * 9).decode()]),
    "a broken picture": asked(datatype="BYTES", shape=[1], data=[base64.b64encode(PICTURE[:50]).decode()]),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said(client, case):
    """400 with `error`, small, and without a word of what was sent."""
    body = WRONG[case] if isinstance(WRONG[case], bytes) else json.dumps(WRONG[case]).encode()
    response = client.post(INFER, content=body)
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == PROBLEM_JSON
    assert response.json()["error"] == response.json()["detail"]
    assert len(response.content) <= 1024
    assert "qjxzvw" not in response.text


def binary_body(size: object, tail: bytes, **changes: object) -> tuple[bytes, bytes]:
    return json.dumps(asked(data=None, parameters={"binary_data_size": size}, **changes)).encode(), tail


BINARY = {
    "too short": binary_body(784, bytes(783)),
    "too long": binary_body(784, bytes(785)),
    "another size than the shape's": binary_body(1568, bytes(1568)),
    "negative": binary_body(-1, bytes(784)),
    "a float": binary_body(784.0, bytes(784)),
    "bytes nobody asked for": (json.dumps(asked()).encode(), b"x"),
    "NaN": binary_body(3136, struct.pack("<784f", *[float("nan")] * 784), datatype="FP32", shape=[1, 1, 28, 28]),
    "a picture longer than the body": binary_body(
        8, struct.pack("<I", 2**32 - 1) + b"1234", datatype="BYTES", shape=[1]
    ),
    "half a length": binary_body(2, b"12", datatype="BYTES", shape=[1]),
    "more pictures than said": binary_body(8, bytes(8), datatype="BYTES", shape=[1]),
    "fewer pictures than said": binary_body(8, bytes(8), datatype="BYTES", shape=[3]),
    "an empty picture": binary_body(4, bytes(4), datatype="BYTES", shape=[1]),
}


GREEDY = {
    "JSON of a huge shape": (json.dumps(asked(shape=[2**20, 28, 28])).encode(), b"", None),
    "JSON of as many images as may be": (json.dumps(asked(shape=[MOST, 28, 28])).encode(), b"", None),
    "FP32 of as many images as may be": (
        json.dumps(asked(shape=[MOST, 1, 28, 28], datatype="FP32", data=[0])).encode(),
        b"",
        None,
    ),
    "as many pictures as may be": (json.dumps(asked(shape=[MOST], datatype="BYTES", data=[])).encode(), b"", None),
    "binary data of a huge size": (*binary_body(2**40, bytes(784), shape=[MOST, 28, 28]), ""),
    "binary data of as many images as may be": (*binary_body(784, bytes(784), shape=[MOST, 28, 28]), ""),
    "a picture of 4 GB": (
        *binary_body(8, struct.pack("<I", 2**32 - 1) + b"1234", datatype="BYTES", shape=[1]),
        "",
    ),
    "a head of 10 GB": (*binary_body(784, bytes(784)), "9999999999"),
}
"""Head, tail, and the length of the head as told: None for none, "" for the true one."""


@pytest.mark.parametrize("case", GREEDY)
def test_nothing_is_allocated_by_the_size_that_is_claimed(case):
    """However many images a request might have: a few kilobytes are read, a megabyte would be noticed."""
    head, tail, length = GREEDY[case]
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInference):
            decode_request(head + tail, str(len(head)) if length == "" else length, MOST, ["probabilities"])
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("case", BINARY)
def test_binary_data_that_lies_is_refused(client, case):
    """Whatever size it claims."""
    head, tail = BINARY[case]
    response = client.post(INFER, content=head + tail, headers={LENGTH: str(len(head))})
    assert response.status_code == 400, response.text
    assert response.json()["error"]


@pytest.mark.parametrize("length", ["-1", "+5", "1e3", "0", "99999999999", "9" * 300, "", "0x10"])
def test_a_header_length_that_lies_is_refused(client, length):
    """The case that once ended another server."""
    head, tail = binary_body(784, bytes(784))
    response = client.post(INFER, content=head + tail, headers={LENGTH: length})
    assert response.status_code == 400, response.text
    assert response.json()["error"]
    assert client.get("/v2/health/live").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/v2/", "/v2/models", "/v2/models/..%2f..", "/v2/models/%00", "/v2/models/lenet5/versions/-1",
     "/v2/models/lenet5/versions/18446744073709551616", "/v2/models/LeNet5/ready", "/v2/repository/index",
     "/v2/models/l%D0%B5net5", "/v2/models/lenet5/versions/latest",
     "/v2/models/lenet5/config", "/v2/models/lenet5/stats", "/v2/trace/setting", "/v2/systemsharedmemory/status"],
)  # fmt: skip
def test_what_is_not_offered_is_not_found(client, path):
    """Whatever it is called."""
    response = client.get(path)
    assert response.status_code == 404
    assert response.json()["error"] == response.json()["detail"]


def test_not_ready_is_a_400(unstarted):
    """The protocol asks for a status below 500; a probe at home gets 503."""
    answer = unstarted.get("/v2/health/ready")
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/model-not-ready")
    unstarted.app.state.held.readiness.ready()
    assert unstarted.get("/v2/health/ready").status_code == 200


def test_the_key_is_asked_for_but_by_probes():
    """A gateway's probe has none."""
    with running_server(api_key="secret") as server, triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready(NAME)
        assert client.is_model_ready(NAME, "1")
        with pytest.raises(InferenceServerException, match="Bearer"):
            client.get_model_metadata(NAME)
        assert client.get_model_metadata(NAME, headers={"Authorization": "Bearer secret"})["name"] == NAME


def test_a_tensor_is_taken_as_it_is(nvidia):
    """Nothing is framed, and nobody calls an empty one blank."""
    answer = nvidia.infer(NAME, [tensor("UINT8", np.zeros((1, SIZE, SIZE), np.uint8))])
    assert answer.as_numpy("probabilities").sum() == pytest.approx(1, abs=1e-5)
    assert not np.allclose(answer.as_numpy("logits"), 0)
