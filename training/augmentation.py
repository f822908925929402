"""Distortions of framed digits, as another hand or another framing would have made them."""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from model.contract import SIZE

ROTATION = math.radians(18.75)
LOG_SCALE = 0.1875
"""Natural logarithm of the stretch, along each axis by itself."""
SHEAR = 0.3125
SHIFT = 2.5
"""Pixels."""
ELASTIC, CELLS = 1.6, 6
"""Standard deviation in pixels of a random field of so many knots a side."""


def distort(images: Tensor, strength: Tensor) -> Tensor:
    """Turn, stretch, shear, shift and bend images (N, 1, 28, 28), each by so much of the bounds above.

    `strength` (N,): 0 leaves an image as it is, 1 draws from the full ranges. From torch's global generator.
    """

    def draw() -> Tensor:
        return (2 * torch.rand(len(images)) - 1) * strength

    turn, across, down, shear = draw() * ROTATION, draw() * LOG_SCALE, draw() * LOG_SCALE, draw() * SHEAR
    x, y = draw() * SHIFT * 2 / SIZE, draw() * SHIFT * 2 / SIZE  # a grid's coordinates run from -1 to 1
    cosine, sine = turn.cos(), turn.sin()
    first = torch.stack([cosine * across.exp(), (shear - sine) * across.exp(), x], dim=1)
    second = torch.stack([sine * down.exp(), cosine * down.exp(), y], dim=1)
    grid = affine_grid(torch.stack([first, second], dim=1), list(images.shape), align_corners=False)
    knots = torch.randn(len(images), 2, CELLS, CELLS) * (ELASTIC * 2 / SIZE) * strength[:, None, None, None]
    field = interpolate(knots, size=SIZE, mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    return grid_sample(images, grid + field, align_corners=False)
