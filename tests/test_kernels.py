"""GET /v1/model/kernels: the weights of the convolutions."""

import base64

import numpy as np
import onnx
from onnx import numpy_helper

from model.contract import ARTIFACTS, LAYERS_FILE
from training.lenet1998 import CONNECTIONS, LeNet1998


def test_they_are_the_weights_in_the_file(client):
    """Bit by bit."""
    weights = [numpy_helper.to_array(tensor) for tensor in onnx.load(ARTIFACTS / LAYERS_FILE).graph.initializer]
    for name, shape in (("C1", (6, 1, 5, 5)), ("C3", (16, 6, 5, 5))):
        told = client.get("/v1/model/kernels").json()[name]
        [expected] = [array for array in weights if array.shape == shape]
        numbers = np.frombuffer(base64.b64decode(told["data"]), "<f4").reshape(told["shape"])
        assert np.array_equal(numbers, expected)


def test_a_model_that_came_alone_has_none(unstarted):
    """Only the layers file tells them."""
    answer = unstarted.get("/v1/model/kernels")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def test_the_network_of_1998_sees_some_maps_only():
    """What is not connected is zero."""
    kernels = LeNet1998(spread=1.0).kernels()["C3"].detach().numpy()
    assert kernels.shape == (16, 6, 5, 5)
    seen = [tuple(np.flatnonzero(of_map.reshape(6, -1).any(axis=1))) for of_map in kernels]
    assert seen == [tuple(sorted(connected)) for connected in CONNECTIONS]
