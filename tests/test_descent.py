"""The optimizer for hidden layers, and how its rate and that of the rest rise and fall."""

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from training.descent import Descent, Rates
from training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(6, 25), (16, 150), (120, 400), (84, 20)])
def test_all_directions_count_alike(shape):
    """A matrix of few strong directions and many weak ones: all come out near one, none turned round."""
    torch.manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    strengths = torch.logspace(0, -1.5, min(shape))
    found = orthogonal(u @ torch.diag(strengths) @ v)
    along = torch.diag(u.T @ found @ v.T)
    assert along.min() > 0.5
    assert along.max() < 1.3
    assert torch.allclose(found, u @ torch.diag(along) @ v, atol=1e-3)


def test_nothing_to_learn_moves_nothing():
    """A gradient of zeros has no direction."""
    assert torch.equal(orthogonal(torch.zeros(3, 5)), torch.zeros(3, 5))
    weight = nn.Parameter(torch.ones(4, 2, 3, 3))
    weight.grad = torch.zeros_like(weight)
    Muon([weight], 0.1, 0.9).step()
    assert torch.equal(weight, torch.ones(4, 2, 3, 3))


def test_a_step_is_as_long_as_its_rate():
    """Whatever the length of the gradient; of a kernel too."""
    torch.manual_seed(0)
    weight = nn.Parameter(torch.zeros(4, 2, 3, 3))
    direction = torch.randn_like(weight)
    moved = []
    for length in (0.1, 1e4):
        weight.data.zero_()
        weight.grad = length * direction
        Muon([weight], 0.1, 0.9).step()
        moved.append(weight.detach().clone())
    assert torch.allclose(*moved, atol=1e-4)
    strengths = torch.linalg.svdvals(moved[0].flatten(1))
    assert 0.06 < strengths.min() < strengths.max() < 0.13
    assert (moved[0] * direction).sum() < 0


@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_hidden_weights_decay_by_a_fraction_of_their_rate(slope):
    """Whatever the gradient, and by the rate of that step; biases do not, and nothing where it is not asked for."""
    torch.manual_seed(0)
    moved = {}
    for decay in (0.0, 0.5):
        layer = nn.Linear(3, 4)
        nn.init.constant_(layer.weight, 2.0)
        nn.init.constant_(layer.bias, 2.0)
        rates = Rates(0.1, 0.9, 0.1, 0.9, hidden_weight_decay=decay)
        descent = Descent(layer, [layer.weight], rates, steps=4, rising=0.5)
        descent.step(slope * (layer.weight * torch.arange(12.0).view(4, 3)).sum() + 0 * layer.bias.sum())
        moved[decay] = layer.weight.detach().clone()
        assert torch.allclose(layer.bias, torch.full((4,), 2.0))
    half_risen = 0.1 / 2
    assert torch.allclose(moved[0.0] - moved[0.5], torch.full((4, 3), half_risen * 0.5 * 2.0), atol=1e-6)


def test_weak_directions_are_learned_sooner():
    """Inputs of very unlike strength: in as many steps Muon comes nearer than the best rate of plain momentum."""
    strengths = torch.logspace(0, -2, 20)
    torch.manual_seed(0)
    inputs, wanted = torch.randn(500, 20) * strengths, torch.randn(8, 20)

    def error(optimizer):
        weight = nn.Parameter(torch.zeros(8, 20))
        steps = optimizer(weight)
        for step in range(100):
            for group in steps.param_groups:
                group["lr"] = group["initial"] * (1 - step / 100)
            steps.zero_grad()
            mse_loss(inputs @ weight.T, inputs @ wanted.T).backward()
            steps.step()
        return (weight - wanted).square().mean().item()

    def with_rate(optimizer, rate):
        for group in optimizer.param_groups:
            group["initial"] = rate
        return optimizer

    plain = min(
        error(lambda w, rate=rate: with_rate(torch.optim.SGD([w], rate, 0.9, nesterov=True), rate))
        for rate in (0.1, 0.3, 1.0, 3.0, 10.0)
    )
    assert error(lambda w: with_rate(Muon([w], 0.3, 0.9), 0.3)) < plain / 2


def test_everything_learns_and_comes_to_rest():
    """Weights of hidden layers and the rest move at each step; after the last the rate is zero."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2))
    descent = Descent(net, [net[0].weight], Rates(0.1, 0.9, 0.1, 0.9), steps=6, rising=0.5)
    inputs, wanted = torch.randn(30, 5), torch.randn(30, 2)
    lengths = []
    for _ in range(6):
        before = [parameter.detach().clone() for parameter in net.parameters()]
        descent.step(mse_loss(net(inputs), wanted))
        moved = [(now - then).norm() for now, then in zip(net.parameters(), before, strict=True)]
        assert min(moved) > 0
        lengths.append(moved[0].item())
    assert lengths[0] < lengths[1] < lengths[2]
    assert lengths[3] > lengths[4] > lengths[5]
    before = [parameter.detach().clone() for parameter in net.parameters()]
    descent.step(mse_loss(net(inputs), wanted))
    assert all(torch.equal(now, then) for now, then in zip(net.parameters(), before, strict=True))


def test_the_decay_of_the_rest_is_not_for_hidden_weights():
    """Without a gradient, what Muon trains stays; the rest goes towards zero."""
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    before = [layer.weight.detach().clone() for layer in net]
    descent = Descent(net, [net[0].weight], Rates(0.1, 0.9, 0.1, 0.9, weight_decay=0.5), steps=4, rising=0.25)
    descent.step(0.0 * net(torch.ones(1, 3)).sum())
    assert torch.equal(net[0].weight, before[0])
    assert torch.allclose(net[1].weight, before[1] * (1 - 0.1 * 0.5 * 1.9))
