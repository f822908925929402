"""The paper's distortions of an image's plane: shifts, scaling, squeezing and shear, drawn anew for every image."""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


def distort(images: Tensor, shift: float, scale: float, squeeze: float, shear: float) -> Tensor:
    """Draw a plane for each image and look at the image there: float32 (N, 1, H, W) -> the same, empty ground 0.

    `shift`: so many pixels at most, either way and direction. `scale`, `squeeze`: logarithms of the factors, at most;
    scaling is of both directions, squeezing shrinks one as it stretches the other. `shear`: at most so many pixels
    sideways for one downwards.
    """
    return grid_sample(
        images,
        affine_grid(_planes(images, shift, scale, squeeze, shear), list(images.shape), False),
        align_corners=False,
    )


def _planes(images: Tensor, shift: float, scale: float, squeeze: float, shear: float) -> Tensor:
    """(N, 2, 3): where the image is, in halves of its size, for each place of the result."""
    count, _, rows, columns = images.shape
    right, down, large, wide, slant = (2 * torch.rand(5, count) - 1).unbind()
    x, y = torch.exp(scale * large + squeeze * wide), torch.exp(scale * large - squeeze * wide)
    zero = torch.zeros(count)
    across = torch.stack([x, shear * slant * y * rows / columns, 2 * shift / columns * right], 1)
    return torch.stack([across, torch.stack([zero, y, 2 * shift / rows * down], 1)], 1)
