"""The network of 1998 is the paper's, in its counts, its table, its functions and its loss."""

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from model.contract import LAYERS, to_tensor
from tests.synthetic import draw_digits
from training.bitmaps import draw_bitmaps
from training.lenet1998 import CONNECTIONS, PARAMETERS, Distances, LeNet1998, SparseConvolution, Subsampling, squash
from training.paper import paper_loss

SHAPES = {"C1": (6, 28, 28), "S2": (6, 14, 14), "C3": (16, 10, 10), "S4": (16, 5, 5), "C5": (120,), "F6": (84,)}

# As the paper prints it: a row for each map of S2, a column for each map of C3, X where the first feeds the second.
TABLE_I = [
    "X...XXX..XXXX.XX",
    "XX...XXX..XXXX.X",
    "XXX...XXX..X.XXX",
    ".XXX..XXXX..X.XX",
    "..XXX..XXXX.XX.X",
    "...XXX..XXXX.XXX",
]

FRAMES = draw_digits(20, seed=5)[0]


@pytest.fixture
def net():
    torch.manual_seed(0)
    return LeNet1998(spread=10.0)


def test_every_layer_has_the_papers_parameters(net):
    """60,000 that are learnt; the 840 of the output are drawn."""
    counts = {name: sum(p.numel() for p in layer.parameters()) for name, layer in net.named_children()}
    assert counts == {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48_120, "f6": 10_164, "output": 0}
    assert net.output.centres.numel() == 840


def test_another_network_is_refused(monkeypatch):
    """The counts are asserted where the network is made."""
    monkeypatch.setitem(PARAMETERS, "c3", 2_416)  # what a full connection would give
    with pytest.raises(AssertionError, match="1516"):
        LeNet1998(spread=10.0)


def test_c3_sees_the_maps_of_table_one(net):
    """Seen from outside: which maps of S2 move which maps of C3."""
    maps = torch.rand(1, 6, 14, 14)
    still = net.c3(maps)
    moved = []
    for number in range(6):
        other = maps.clone()
        other[0, number] += 1
        moved.append("".join(".X"[int(changed)] for changed in (net.c3(other) != still).flatten(2).any(2)[0]))
    assert moved == TABLE_I


def test_c3_adds_up_what_it_sees(net):
    """Each kernel belongs to one pair of maps, and the connections follow each other as in the table."""
    maps = torch.rand(2, 6, 14, 14)
    kernels = iter(net.c3.weight)
    for number, seen in enumerate(CONNECTIONS):
        expected = sum(conv2d(maps[:, [m]], next(kernels)[None, None]) for m in seen) + net.c3.bias[number]
        assert torch.allclose(net.c3(maps)[:, [number]], expected, atol=1e-5)
    assert next(kernels, None) is None


def test_kernels_of_no_connection_learn_nothing():
    """The gradient reaches every weight there is, and the zeros of the dense form stay zeros."""
    layer = SparseConvolution(((0,), (0, 1)), inputs=2, kernel_size=5)
    layer(torch.rand(1, 2, 5, 5)).sum().backward()
    assert layer.weight.grad.flatten(1).any(1).all()
    assert not layer.dense()[0, 1].any()


def test_subsampling_adds_four_neighbours(net):
    """Times the coefficient, plus the bias, of each map."""
    layer = Subsampling(2)
    with torch.no_grad():
        layer.coefficient.copy_(torch.tensor([0.5, -1.0]).view(2, 1, 1))
        layer.bias.copy_(torch.tensor([3.0, 0.0]).view(2, 1, 1))
    [[first, second]] = layer(torch.arange(8.0).view(1, 2, 2, 2))
    assert (first.item(), second.item()) == (0.5 * (0 + 1 + 2 + 3) + 3, -(4 + 5 + 6 + 7))


def test_the_squashing_function_is_the_papers():
    """1.7159 tanh(2x / 3): ±1 at ±1, never beyond ±1.7159."""
    values = squash(torch.tensor([-100.0, -1.0, 0.0, 1.0, 100.0]))
    assert torch.allclose(values, torch.tensor([-1.7159, -1.0, 0.0, 1.0, 1.7159]), atol=1e-4)


@torch.no_grad()
def test_the_network_sees_the_papers_grey_levels(net):
    """28×28 in a border of two, ground -0.1, full ink 1.175."""
    seen = []
    net.c1.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    image = torch.zeros(1, 1, 28, 28)
    image[0, 0, 0, 27] = 1
    net(image)
    [levels] = seen
    assert levels.shape == (1, 1, 32, 32)
    assert levels[0, 0, 2, 29].item() == pytest.approx(1.175)
    levels[0, 0, 2, 29] = -0.1
    assert torch.allclose(levels, torch.full_like(levels, -0.1))


@torch.no_grad()
def test_every_layer_has_its_shape(net):
    """As the paper's Fig. 2 draws them, and squashed ones within ±1, as the service draws them."""
    assert tuple(SHAPES) == LAYERS
    for count in (1, 3):
        activations = net.activations(9 * torch.rand(count, 1, 28, 28))
        assert [tuple(layer.shape) for layer in activations] == [(count, *shape) for shape in SHAPES.values()]
        assert max(layer.abs().max() for layer in activations) <= 1
        assert net(torch.rand(count, 1, 28, 28)).shape == (count, 10)


def test_weights_begin_as_the_papers(net):
    """Uniform within ±2.4 / fan-in, filling that range."""
    fan_ins = {"c1": 25, "s2": 4, "c5": 400, "f6": 120}
    for name, fan_in in fan_ins.items():
        values = torch.cat([parameter.flatten() for parameter in getattr(net, name).parameters()])
        assert 0.5 * 2.4 / fan_in < values.abs().max() <= 2.4 / fan_in
    start = 0
    for seen in CONNECTIONS:
        end, bound = start + len(seen), 2.4 / (25 * len(seen))
        assert 0.9 * bound < net.c3.weight[start:end].abs().max() <= bound
        start = end


def test_distances_are_those_of_numpy():
    """Expanding the square changes nothing but the last digits."""
    generator = np.random.default_rng(0)
    points = generator.uniform(-1.7, 1.7, (5, 84)).astype(np.float32)
    centres = draw_bitmaps().reshape(10, 84)
    expected = ((points[:, np.newaxis] - centres) ** 2).sum(axis=2)
    assert np.allclose(Distances(torch.from_numpy(centres))(torch.from_numpy(points)), expected, rtol=1e-5)


@torch.no_grad()
def test_the_best_digit_is_the_nearest_character(net):
    """Logits are minus the squared distances, ten of them a nat."""
    f6 = net.activations(torch.from_numpy(to_tensor(FRAMES)))[-1].numpy() * 1.7159
    distances = ((f6[:, np.newaxis] - draw_bitmaps().reshape(10, 84)) ** 2).sum(axis=2)
    assert np.allclose(net(torch.from_numpy(to_tensor(FRAMES))), -distances / 10, rtol=1e-4)


def test_characters_differ():
    """7 by 12 pixels of ±1, and at least ten of them tell any two digits apart."""
    bitmaps = draw_bitmaps()
    assert bitmaps.shape == (10, 12, 7)
    assert set(np.unique(bitmaps)) == {-1, 1}
    differences = (bitmaps[:, np.newaxis] != bitmaps).sum(axis=(2, 3))
    assert (differences + 84 * np.eye(10) >= 10).all()


def test_the_loss_is_equation_nine():
    """y of the right class plus log(exp(-j) + the sum of exp(-y)), averaged."""
    penalties = np.random.default_rng(0).uniform(0, 9, (6, 10))
    labels = np.array([0, 3, 9, 1, 1, 5])
    expected = np.mean(penalties[np.arange(6), labels] + np.log(np.exp(-2.5) + np.exp(-penalties).sum(axis=1)))
    loss = paper_loss(2.5)(torch.from_numpy(-penalties), torch.from_numpy(labels))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_the_loss_leaves_a_hopeless_rival_alone():
    """What is far beyond j pushes no more; without j the answer would be as sure, and the right class be let drift."""
    penalties = torch.tensor([[1.0] + [60.0] * 9], requires_grad=True)
    paper_loss(4.0)(-penalties, torch.tensor([0])).backward()
    assert penalties.grad[0, 1:].abs().max() < 1e-20
    assert penalties.grad[0, 0] > 0.01
