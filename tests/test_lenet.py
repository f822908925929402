"""LeNet-5 is what it says it is."""

import pytest
import torch
from torch import nn

from model.contract import LAYERS
from training.lenet import PARAMETERS, LeNet5

SHAPES = {"C1": (6, 24, 24), "S2": (6, 12, 12), "C3": (16, 8, 8), "S4": (16, 4, 4), "C5": (120,), "F6": (84,)}


@pytest.fixture
def net():
    torch.manual_seed(0)
    return LeNet5()


@torch.no_grad()
def test_every_layer_has_its_shape(net):
    """For any number of images, in the order that the contract names them."""
    assert tuple(SHAPES) == LAYERS
    for count in (1, 3):
        activations = net.activations(torch.rand(count, 1, 28, 28))
        assert [tuple(layer.shape) for layer in activations] == [(count, *shape) for shape in SHAPES.values()]
        assert net(torch.rand(count, 1, 28, 28)).shape == (count, 10)


def test_every_layer_has_its_parameters(net):
    """156 + 2,416 + 30,840 + 10,164 + 850 = 44,426."""
    assert list(PARAMETERS.values()) == [156, 2416, 30840, 10164, 850]
    assert sum(parameter.numel() for parameter in net.parameters()) == 44_426


def test_another_network_is_refused(monkeypatch):
    """The counts are asserted where the network is made."""
    monkeypatch.setitem(PARAMETERS, "c5", 48_120)  # what a padded first layer would give
    with pytest.raises(AssertionError, match="30840"):
        LeNet5()


def test_weights_begin_glorot_uniform(net):
    """Within ±√(6 / (inputs + outputs)), filling that range; biases zero."""
    bounds = {"c1": 6 / (25 + 150), "c3": 6 / (150 + 400), "c5": 6 / 376, "f6": 6 / 204, "output": 6 / 94}
    for name, layer in net.named_children():
        bound = bounds[name] ** 0.5
        assert 0.9 * bound < layer.weight.abs().max().item() <= bound
        assert not layer.bias.any()


@torch.no_grad()
def test_it_computes_what_the_paper_draws(net):
    """Written out once more with modules: tanh after every layer with weights but the last, averages in between."""
    drawn = nn.Sequential(
        net.c1, nn.Tanh(), nn.AvgPool2d(2), net.c3, nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), net.c5, nn.Tanh(), net.f6, nn.Tanh(), net.output,
    )  # fmt: skip
    images = torch.rand(5, 1, 28, 28)
    assert torch.allclose(net(images), drawn(images), atol=1e-6)


def test_the_seed_decides_the_weights():
    """And nothing else does."""

    def weights(seed):
        torch.manual_seed(seed)
        return torch.cat([parameter.flatten() for parameter in LeNet5().parameters()])

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


def test_the_way_of_training_computes_the_same(net):
    """F6 and every gradient, through phases as layer by layer."""
    images = torch.rand(5, 1, 28, 28)
    gradients = []
    for f6 in (net.activations(images)[-1], net.features(images)):
        net.zero_grad()
        (f6 * torch.linspace(-1, 1, 84)).sum().backward()
        gradients.append([f6, *(p.grad.clone() for p in net.parameters() if p.grad is not None)])
    assert len(gradients[0]) == 9
    for plain, fast in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, fast, rtol=1e-4, atol=1e-5)
