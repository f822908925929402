"""The Open Inference Protocol's bodies: what a request asks for, and the answer to it, in JSON or binary tensors.

Sources: KServe's "Open Inference Protocol" and its "Binary Tensor Data Extension".
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from pydantic import ValidationError
from pydantic_core import to_json

from model.contract import INPUT_NAME, SIZE, Tensor, to_tensor
from service.errors import InvalidInference
from service.inference import InferenceRequest, InputTensor
from service.settings import ORDINARY
from service.strict_json import read_json
from service.upload import MAX_VALUES, decode_base64, value_count

HEADER_LENGTH = "Inference-Header-Content-Length"
"""The header that says how many bytes of the body are JSON; binary tensors follow."""

SHAPES = {"FP32": (1, SIZE, SIZE), "UINT8": (SIZE, SIZE), "BYTES": ()}
"""Of one image, by datatype: values in [0, 1], light ink on dark ground; the same as bytes; an encoded picture."""

_STORED: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "UINT8": np.dtype("u1")}
_NUMBERS = {"FP32": (int, float), "UINT8": (int,)}
_LENGTH_BYTES = 4
_LENGTH = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output of the answer."""

    name: str
    binary: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that holds together."""

    id: str | None
    images: Tensor | list[bytes]
    """float32 (N, 1, 28, 28) in [0, 1], or N encoded pictures that are still to be framed."""
    outputs: list[Wanted]


def decode_request(
    body: bytes, header_length: str | None, most: int, offered: Sequence[str], max_depth: int = ORDINARY.json_depth
) -> Asked:
    """Read a request for at most `most` images and some of the offered outputs.

    Nothing is allocated that the body does not hold. Raises MalformedBody, InvalidInference.
    """
    head, tail = _split(body, header_length)
    if value_count(head) > most * (SIZE * SIZE + SIZE + 2) + MAX_VALUES:
        raise InvalidInference(f"Send at most {most} images at a time; the JSON has more values than they have.")
    try:
        request = InferenceRequest.model_validate(read_json(head, max_depth))
    except ValidationError as error:
        raise InvalidInference(_first_fault(error)) from None
    outputs = _wanted(request, offered)
    return Asked(request.id, decode_tensor(request.inputs[0], tail, most), outputs)


def decode_tensor(tensor: InputTensor, tail: bytes, most: int) -> Tensor | list[bytes]:
    """The images of an input, as Asked has them. Its binary data, if it has any, are all of `tail`.

    Raises MalformedBody, InvalidInference.
    """
    count = _image_count(tensor, most)
    if tensor.parameters.binary_data_size is None:
        if tail:
            raise InvalidInference("Say binary_data_size of the input that follows the JSON, or send nothing there.")
        if tensor.data is None:
            raise InvalidInference("Give the input its data, or say its binary_data_size and append them.")
        if tensor.datatype == "BYTES":
            return _base64_pictures(tensor.data, count)
        return _pixels(_json_values(tensor.data, tensor.datatype, tuple(tensor.shape)), count)
    if tensor.data is not None:
        raise InvalidInference("Give the input either data or binary_data_size, not both.")
    if tensor.parameters.binary_data_size != len(tail):
        raise InvalidInference(f"Make binary_data_size what follows the JSON: {len(tail)} bytes came.")
    if tensor.datatype == "BYTES":
        return _prefixed_pictures(tail, count)
    return _pixels(_binary_values(tail, tensor.datatype, tuple(tensor.shape)), count)


def encode_answer(asked: Asked, about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> tuple[bytes, int | None]:
    """The body of an answer, and how many bytes of it are JSON where binary tensors follow.

    `about` names the model; `tensors` are float32, by the name of the output.
    """
    outputs, tail = [], b""
    for wanted in asked.outputs:
        values = tensors[wanted.name]
        output: dict[str, Any] = {"name": wanted.name, "datatype": "FP32", "shape": list(values.shape)}
        if wanted.binary:
            content = values.astype("<f4").tobytes()
            output["parameters"] = {"binary_data_size": len(content)}
            tail += content
        else:
            output["data"] = values.ravel().tolist()
        outputs.append(output)
    known = {} if asked.id is None else {"id": asked.id}
    head = to_json({**about, **known, "outputs": outputs})
    return head + tail, len(head) if any(wanted.binary for wanted in asked.outputs) else None


def _split(body: bytes, header_length: str | None) -> tuple[bytes, bytes]:
    """The JSON, and what follows it."""
    if header_length is None:
        return body, b""
    if not _LENGTH.fullmatch(header_length) or int(header_length) > len(body):
        raise InvalidInference(f"Make {HEADER_LENGTH} the number of the body's bytes that are JSON.")
    return body[: int(header_length)], body[int(header_length) :]


def _first_fault(error: ValidationError) -> str:
    """Where and what, without a word of the client's own."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place, message = list(fault["loc"]), fault["msg"]
    if fault["type"] == "extra_forbidden":
        place, message = place[:-1], "There is no such parameter here"
    return f"Mend {'.'.join(map(str, place)) or 'the JSON'}: {message}."


def _wanted(request: InferenceRequest, offered: Sequence[str]) -> list[Wanted]:
    binary = request.parameters.binary_data_output
    if not request.outputs:
        return [Wanted(name, binary) for name in offered]
    names = [output.name for output in request.outputs]
    if not set(names) <= set(offered) or len(set(names)) < len(names):
        raise InvalidInference(f"Ask for each output once; there are {', '.join(offered)}.")
    return [
        Wanted(output.name, binary if output.parameters.binary_data is None else output.parameters.binary_data)
        for output in request.outputs
    ]


def _image_count(tensor: InputTensor, most: int) -> int:
    if tensor.name != INPUT_NAME:
        raise InvalidInference(f"Name the input {INPUT_NAME}.")
    shape = SHAPES.get(tensor.datatype)
    if shape is None:
        raise InvalidInference(f"Make the datatype {', '.join(SHAPES)}; there is no other.")
    if not tensor.shape or tuple(tensor.shape[1:]) != shape:
        wanted = ",".join(map(str, ("n", *shape)))
        raise InvalidInference(f"Make the shape of {tensor.datatype} [{wanted}].")
    if not 1 <= tensor.shape[0] <= most:
        raise InvalidInference(f"Send 1 to {most} images at a time.")
    return tensor.shape[0]


def _json_values(data: list[Any], datatype: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """The numbers of nested or plain lists, of the stored type.

    Looked at one by one before numpy is: of strings it would make an array as wide as the longest for each.
    """
    numbers = _flat(data, shape)
    if not all(type(value) in _NUMBERS[datatype] for value in numbers):
        raise InvalidInference(f"Make data numbers that {datatype} can hold.")
    if datatype == "UINT8" and not 0 <= min(numbers) <= max(numbers) <= 255:
        raise InvalidInference("Make data numbers from 0 to 255.")
    try:
        return np.array(numbers, _STORED[datatype])
    except OverflowError:
        raise InvalidInference(f"Make data numbers that {datatype} can hold.") from None


def _flat(data: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """The values row by row of one list, or of lists nested as the shape says."""
    sizes = [len(data)]
    while data and len(sizes) < len(shape) and all(type(item) is list for item in data):
        if len({len(item) for item in data}) > 1:
            break
        sizes.append(len(data[0]))
        data = list(chain.from_iterable(data))
    if tuple(sizes) not in (shape, (math.prod(shape),)):
        raise InvalidInference("Make data as many numbers as the shape says, in one list or nested as it says.")
    return data


def _binary_values(content: bytes, datatype: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    dtype = _STORED[datatype]
    wanted = math.prod(shape) * dtype.itemsize
    if len(content) != wanted:
        raise InvalidInference(f"Send as many bytes as the shape says: {wanted}.")
    return np.frombuffer(content, dtype)


def _pixels(values: np.ndarray[Any, Any], count: int) -> Tensor:
    """FP32 or UINT8 values as the network takes them."""
    if values.dtype == np.uint8:
        return to_tensor(values.reshape(count, SIZE, SIZE))
    if not (values.min() >= 0 and values.max() <= 1):  # so that NaN fails
        raise InvalidInference("Make every value of FP32 a number from 0 to 1: ink is light on a dark ground.")
    tensor: Tensor = values.reshape(count, 1, SIZE, SIZE).astype(np.float32, copy=False)
    return tensor


def _base64_pictures(data: list[Any], count: int) -> list[bytes]:
    if len(data) != count or not all(isinstance(item, str) for item in data):
        raise InvalidInference("Make data as many base64 strings as the shape says.")
    return [decode_base64(item) for item in data]


def _prefixed_pictures(content: bytes, count: int) -> list[bytes]:
    """Pictures, each after its length in four bytes, the lowest first."""
    pictures: list[bytes] = []
    start = 0
    while start < len(content) and len(pictures) < count:
        begin = start + _LENGTH_BYTES
        start = begin + int.from_bytes(content[start:begin], "little")
        pictures.append(content[begin:start])
    if start != len(content) or len(pictures) != count:
        raise InvalidInference("Put before each picture its length as four bytes, the lowest first, and nothing else.")
    return pictures
