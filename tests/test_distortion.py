"""Distortions do to the plane what they say, as far as they say."""

import numpy as np
import pytest
import torch

from training.distortion import distort

NONE = {"shift": 0.0, "scale": 0.0, "squeeze": 0.0, "shear": 0.0}
COUNT = 400


def spread_of(**ranges):
    """Centre (x, y) and standard deviations (x, y) of the ink of many distorted squares, and x's slope over y."""
    torch.manual_seed(0)
    square = torch.zeros(COUNT, 1, 28, 28)
    square[:, :, 9:19, 9:19] = 1
    ink = distort(square, **NONE | ranges)[:, 0].double().numpy()
    y, x = np.mgrid[:28, :28]
    mass = ink.sum(axis=(1, 2))
    centre = np.stack([(ink * axis).sum(axis=(1, 2)) / mass for axis in (x, y)])
    dx, dy = (axis - middle[:, None, None] for axis, middle in zip((x, y), centre, strict=True))
    deviation = np.sqrt(np.stack([(ink * d**2).sum(axis=(1, 2)) / mass for d in (dx, dy)]))
    slope = (ink * dx * dy).sum(axis=(1, 2)) / (ink * dy**2).sum(axis=(1, 2))
    return centre, deviation, slope


def test_nothing_asked_nothing_done():
    """The image comes back as it was."""
    images = torch.rand(3, 1, 28, 28)
    assert torch.allclose(distort(images, **NONE), images, atol=1e-5)


def test_shifts_are_of_pixels():
    """Up to two, either way, in both directions independently."""
    centre, deviation, _ = spread_of(shift=2.0)
    for moved in centre - 13.5:
        assert moved.min() == pytest.approx(-2, abs=0.1)
        assert moved.max() == pytest.approx(2, abs=0.1)
    assert abs(np.corrcoef(centre)[0, 1]) < 0.15
    assert np.ptp(deviation) < 0.2


def test_scaling_is_of_both_directions():
    """By a factor of up to exp(0.2), or its inverse."""
    centre, deviation, _ = spread_of(scale=0.2)
    factors = deviation / np.sqrt((10**2 - 1) / 12)
    assert factors.min() == pytest.approx(np.exp(-0.2), abs=0.03)
    assert factors.max() == pytest.approx(np.exp(0.2), abs=0.03)
    assert np.allclose(*factors, atol=1e-3)
    assert np.allclose(centre, 13.5, atol=1e-3)


def test_squeezing_keeps_the_area():
    """What one direction loses the other gains."""
    _, (x, y), _ = spread_of(squeeze=0.2)
    assert (x / y).max() == pytest.approx(np.exp(0.4), abs=0.08)
    assert (x / y).min() == pytest.approx(np.exp(-0.4), abs=0.08)
    assert np.allclose(x * y, np.median(x * y), rtol=0.03)


def test_shear_slants_either_way():
    """By up to 0.3 pixels sideways for one downwards; heights stay."""
    _, (_, y), slope = spread_of(shear=0.3)
    assert slope.min() == pytest.approx(-0.3, abs=0.03)
    assert slope.max() == pytest.approx(0.3, abs=0.03)
    assert np.ptp(y) < 0.01


def test_every_image_gets_its_own():
    """And the seed decides which."""
    images = torch.rand(1, 1, 28, 28).expand(4, -1, -1, -1)
    torch.manual_seed(3)
    first = distort(images, 2.0, 0.1, 0.1, 0.1)
    assert all(not torch.equal(first[0], other) for other in first[1:])
    torch.manual_seed(3)
    assert torch.equal(first, distort(images, 2.0, 0.1, 0.1, 0.1))
