"""Distortions of framed digits, as another hand would have made them.

Another hand's digit would be framed too: brought to the same size, and its centre of mass to the same place. So
however much a distortion turns and bends, it leaves both nearly as they were. To read digits of any size anywhere
would take up much of so small a network, and nobody shows it any.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from model.contract import SIZE

ROTATION = math.radians(18.75)
LOG_STRETCH = 0.1875
"""Natural logarithm of the stretch, along each axis by itself."""
SHEAR = 0.3125
ELASTIC, CELLS = 1.6, 6
"""Standard deviation in pixels of a random field of so many knots a side."""
SHIFT, LOG_SIZE = 0.5, 0.05
"""How far, in pixels and as the logarithm of a factor, framing may be off."""
_INK = 0.2
"""Levels from here on are taken for ink where it is measured."""
_ENOUGH = 1e-3
"""The least mass that is divided by: there are empty images."""


def distort(images: Tensor, strength: Tensor) -> Tensor:
    """Turn, stretch, shear and bend images (N, 1, 28, 28) in [0, 1], each by so much of the bounds above; frame them.

    `strength` (N,): 0 leaves an image as it is, 1 draws from the full ranges. From torch's global generator.
    """
    plane = _bend(strength)
    bent = grid_sample(images, plane, align_corners=False)
    return grid_sample(images, _frame(plane, bent, images, strength), align_corners=False)


def _draw(strength: Tensor) -> Tensor:
    return (2 * torch.rand(len(strength)) - 1) * strength


def _bend(strength: Tensor) -> Tensor:
    """Where in an image to look for each pixel of the distorted one: (N, 28, 28, 2), from -1 to 1, across first."""
    turn, shear = _draw(strength) * ROTATION, _draw(strength) * SHEAR
    across, down = (torch.exp(_draw(strength) * LOG_STRETCH) for _ in range(2))
    cosine, sine, zero = turn.cos(), turn.sin(), torch.zeros(len(strength))
    first = torch.stack([cosine * across, (shear - sine) * across, zero], dim=1)
    second = torch.stack([sine * down, cosine * down, zero], dim=1)
    grid = affine_grid(torch.stack([first, second], dim=1), [len(strength), 1, SIZE, SIZE], align_corners=False)
    knots = torch.randn(len(strength), 2, CELLS, CELLS) * (ELASTIC * 2 / SIZE) * strength[:, None, None, None]
    return grid + interpolate(knots, size=SIZE, mode="bicubic", align_corners=True).permute(0, 2, 3, 1)


def _frame(plane: Tensor, bent: Tensor, images: Tensor, strength: Tensor) -> Tensor:
    """The plane, looked at so that the bent image has the size and centre that the image had, or nearly."""
    scale = (_side(bent) / _side(images)).clamp(0.5, 2) * torch.exp(_draw(strength) * LOG_SIZE)
    view = torch.zeros(len(images), 2, 3)
    for axis, (now, before) in enumerate(zip(_centre(bent), _centre(images), strict=True)):
        view[:, axis, axis] = scale
        view[:, axis, 2] = now - scale * (before + _draw(strength) * SHIFT * 2 / SIZE)
    looked_at = affine_grid(view, list(images.shape), align_corners=False)
    framed = grid_sample(plane.permute(0, 3, 1, 2), looked_at, padding_mode="border", align_corners=False)
    return framed.permute(0, 2, 3, 1)


def _side(images: Tensor) -> Tensor:
    """The longer side of the box around the ink, in pixels, (N,); the whole side where there is none."""
    ink = images[:, 0] > _INK
    sides = [SIZE - line.float().argmax(1) - line.flip(1).float().argmax(1) for line in (ink.any(1), ink.any(2))]
    return torch.maximum(*sides)


def _centre(images: Tensor) -> tuple[Tensor, Tensor]:
    """The centre of mass, across and down, each (N,), from -1 to 1."""
    places = (2 * torch.arange(SIZE) + 1) / SIZE - 1
    levels = images[:, 0]
    mass = levels.sum((1, 2)).clamp(min=_ENOUGH)
    return (levels.sum(1) * places).sum(1) / mass, (levels.sum(2) * places).sum(1) / mass
