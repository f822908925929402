"""C1 to S4 of LeNet-5 for training, in C: what they give is what torch gives, sooner.

Kernels over few channels leave most of a processor's vector units idle. `convolutions.c` gives each of sixteen images a
lane of every vector instead. It is compiled for this processor where there is a compiler, when it is first asked for.
"""

import ctypes
import functools
import subprocess
import tempfile
from ctypes import c_int, c_int64, c_void_p
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from model.contract import SIZE

_SOURCE = Path(__file__).with_suffix(".c")
_COMPILE = ["cc", "-O3", "-march=native", "-fno-math-errno", "-fopenmp", "-shared", "-fPIC"]
_LANES = 16
_S4_VALUES = 256


@functools.cache
def compiled() -> ctypes.CDLL | None:
    """The functions of `convolutions.c`; None where no compiler makes them. Made by GCC, they share torch's threads."""
    with tempfile.TemporaryDirectory() as folder:  # another processor may have other instructions
        library = Path(folder) / "convolutions.so"
        command = [*_COMPILE, str(_SOURCE), "-o", str(library)]
        try:
            subprocess.run(command, check=False, capture_output=True)  # noqa: S603  the command is written out above
            functions = ctypes.CDLL(str(library))  # what is loaded stays so without its file
        except OSError:  # there is no compiler, or it made nothing that can be loaded
            return None
    functions.activations_bytes.restype = functions.gradients_bytes.restype = ctypes.c_size_t
    functions.forward.argtypes = [c_void_p, c_int64, *[c_void_p] * 4, c_int, *[c_void_p] * 2]
    functions.backward.argtypes = [c_void_p, c_int64, *[c_void_p] * 2, c_int, *[c_void_p] * 6]
    functions.forward.restype = functions.backward.restype = None
    return functions


def to_s4(functions: ctypes.CDLL, images: Tensor, c1: nn.Conv2d, c3: nn.Conv2d) -> Tensor:
    """S4, float32 (N, 256), of images uint8 (N, 1, 28, 28) on the CPU. Its gradients can be asked for once."""
    assert images.dtype == torch.uint8
    assert images.shape[1:] == (1, SIZE, SIZE)
    spare = -len(images) % _LANES
    whole = torch.cat([images, images.new_zeros(spare, *images.shape[1:])]) if spare else images.contiguous()
    s4: Tensor = _ToS4.apply(functions, whole, c1.weight, c1.bias, c3.weight, c3.bias)  # type: ignore[no-untyped-call]
    return s4[: len(images)]


class _ToS4(torch.autograd.Function):
    """For a multiple of 16 images."""

    @staticmethod
    def forward(ctx: Any, functions: ctypes.CDLL, images: Tensor, *given: Tensor) -> Tensor:
        sixteens = len(images) // _LANES
        parameters = [parameter.contiguous() for parameter in given]  # they may be channels last
        activations = torch.empty(sixteens * functions.activations_bytes(), dtype=torch.uint8)
        s4 = torch.empty(len(images), _S4_VALUES)
        functions.forward(
            _at(images), sixteens, *map(_at, parameters), torch.get_num_threads(), _at(activations), _at(s4)
        )
        ctx.functions, ctx.activations = functions, activations
        ctx.save_for_backward(*parameters)
        return s4

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradients: Tensor) -> tuple[Tensor | None, ...]:
        activations, ctx.activations = ctx.activations, None
        assert activations is not None, "the activations are used up"
        c1, _, c3, _ = parameters = ctx.saved_tensors
        found = [torch.zeros_like(parameter) for parameter in parameters]
        sixteens, threads = len(gradients) // _LANES, torch.get_num_threads()
        parts = torch.empty(threads * ctx.functions.gradients_bytes(), dtype=torch.uint8)
        ctx.functions.backward(
            _at(gradients), sixteens, _at(c1), _at(c3), threads, _at(activations), _at(parts), *map(_at, found)
        )
        return None, None, *found


def _at(tensor: Tensor) -> int:
    """Where its values begin. Whoever asks has to keep it for as long as they are used."""
    assert tensor.is_contiguous()
    assert tensor.device.type == "cpu"
    assert tensor.dtype in (torch.float32, torch.uint8)
    return tensor.data_ptr()
