"""Distortions of framed digits, as another hand or another framing would have made them.

Who learns digits of any size anywhere reads better for it. But nobody shows LeNet-5 any: so half of MNIST's digits are
framed again for it once they are distorted, as another hand's would be, brought to the same size, and their centre of
mass to the same place.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from model.contract import SIZE

Distortion = Callable[[Tensor, Tensor], Tensor]
"""Of images, each as strongly as it is told; the two below."""

ROTATION = math.radians(18.75)
LOG_STRETCH = 0.1875
"""Natural logarithm of the stretch, along each axis by itself."""
SHEAR = 0.3125
ELASTIC, CELLS = 1.6, 6
"""Standard deviation in pixels of a random field of so many knots a side."""
SHIFT = 2.5
"""Pixels a digit that is not framed again is moved by, across and down."""
JITTER, LOG_SIZE = 0.5, 0.05
"""How far, in pixels and as the logarithm of a factor, framing may be off."""
_PIXEL = 2 / SIZE
"""A grid's coordinates run from -1 to 1."""
_ROOM = 6
"""Pixels around the frame in which a bent digit is measured too, before it is framed."""
_INK = 0.2
"""Levels from here on are taken for ink where it is measured."""
_ENOUGH = 1e-3
"""The least mass that is divided by: there are empty images."""


def distort(images: Tensor, strength: Tensor) -> Tensor:
    """Turn, stretch, shear, bend and shift images (N, 1, 28, 28) in [0, 1], each by so much of the bounds above.

    `strength` (N,): 0 leaves an image as it is, 1 draws from the full ranges. From torch's global generator.
    """
    view = torch.eye(2, 3).repeat(len(images), 1, 1)
    view[:, :, 2] = torch.stack([_draw(strength), _draw(strength)], dim=1) * SHIFT * _PIXEL
    return _warp(images, _affine(strength), _displacement(strength), view, SIZE)


def distort_framed(images: Tensor, strength: Tensor) -> Tensor:
    """As `distort`, but what was turned, stretched, sheared and bent is then framed instead of shifted."""
    affine, displacement = _affine(strength), _displacement(strength)
    whole = torch.eye(2, 3).expand(len(images), 2, 3)
    measured = _warp(images, affine, displacement, whole, SIZE + 2 * _ROOM)
    return _warp(images, affine, displacement, _framing(measured, images, strength), SIZE)


def _draw(strength: Tensor) -> Tensor:
    return (2 * torch.rand(len(strength)) - 1) * strength


def _affine(strength: Tensor) -> Tensor:
    """What turns, stretches and shears the plane, (N, 2, 2)."""
    turn, shear = _draw(strength) * ROTATION, _draw(strength) * SHEAR
    across, down = (torch.exp(_draw(strength) * LOG_STRETCH) for _ in range(2))
    cosine, sine = turn.cos(), turn.sin()
    first = torch.stack([cosine * across, (shear - sine) * across], dim=1)
    return torch.stack([first, torch.stack([sine * down, cosine * down], dim=1)], dim=1)


def _displacement(strength: Tensor) -> Tensor:
    """By how much each place of the frame is moved, (N, 2, 28, 28), in halves of its side."""
    knots = torch.randn(len(strength), 2, CELLS, CELLS) * (ELASTIC * _PIXEL) * strength[:, None, None, None]
    return interpolate(knots, size=SIZE, mode="bicubic", align_corners=True)


def _warp(images: Tensor, affine: Tensor, displacement: Tensor, view: Tensor, side: int) -> Tensor:
    """The images on their distorted planes, (N, 1, side, side): what lies there where `view`, (N, 2, 3), looks.

    Places are told from -1 to 1 within the frame, whatever is looked at around it; pixels are as large as in it.
    """
    wide = side / SIZE
    looked_at = affine_grid(view * torch.tensor([wide, wide, 1]), [len(images), 1, side, side], align_corners=False)
    moved = grid_sample(displacement, looked_at, padding_mode="border", align_corners=False).permute(0, 2, 3, 1)
    return grid_sample(images, looked_at @ affine.mT[:, None] + moved, align_corners=False)


def _framing(measured: Tensor, images: Tensor, strength: Tensor) -> Tensor:
    """The view in which what was bent has the size and the centre that the image had, or nearly; (N, 2, 3)."""
    ratio = (_side(measured) / _side(images)).clamp(0.5, 2)  # of specks no side is certain
    scale = ratio * torch.exp(_draw(strength) * LOG_SIZE)
    view = torch.zeros(len(images), 2, 3)
    for axis, (now, before) in enumerate(zip(_centre(measured), _centre(images), strict=True)):
        view[:, axis, axis] = scale
        view[:, axis, 2] = now - scale * (before + _draw(strength) * JITTER * _PIXEL)
    return view


def _side(images: Tensor) -> Tensor:
    """The longer side of the box around the ink, in pixels, (N,); the whole side where there is none."""
    ink = images[:, 0] > _INK
    whole = images.shape[-1]
    sides = [whole - line.float().argmax(1) - line.flip(1).float().argmax(1) for line in (ink.any(1), ink.any(2))]
    return torch.maximum(*sides)


def _centre(images: Tensor) -> tuple[Tensor, Tensor]:
    """The centre of mass, across and down, each (N,), from -1 to 1 within the frame."""
    side = images.shape[-1]
    places = (torch.arange(side) - (side - 1) / 2) * _PIXEL
    levels = images[:, 0]
    mass = levels.sum((1, 2)).clamp(min=_ENOUGH)
    return (levels.sum(1) * places).sum(1) / mass, (levels.sum(2) * places).sum(1) / mass
