"""LeNet-5 is what it says it is."""

import shutil

import pytest
import torch
from torch import nn

import training.lenet
from model.contract import LAYERS
from training.convolutions import compiled, to_s4
from training.lenet import PARAMETERS, LeNet5

needs_compiler = pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
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


def of_f6(net, compute, levels):
    """F6, and the gradient of something that depends on all of it, in every parameter before it."""
    net.zero_grad()
    f6 = compute(levels)
    (f6 * torch.linspace(-1, 1, 84) * torch.linspace(1, 2, len(levels))[:, None]).sum().backward()
    found = [f6.detach(), *(p.grad.clone() for p in net.parameters() if p.grad is not None)]
    assert len(found) == 9
    return found


def grey_levels(count):
    torch.manual_seed(1)
    return torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8)


@pytest.mark.parametrize("compiler", [pytest.param(True, marks=needs_compiler), False])
@pytest.mark.parametrize("count", [1, 16, 37])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_way_of_training_computes_the_same(net, monkeypatch, compiler, count, layout):
    """F6 and every gradient, whether the number of images fills the lanes or not, with and without a compiler."""
    if not compiler:
        monkeypatch.setattr(training.lenet, "compiled", lambda: None)
    net.to(memory_format=layout)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.1 * torch.randn_like(parameter)  # biases too
    plain = of_f6(net, lambda levels: net.activations(levels.float() / 255)[-1], grey_levels(count))
    fast = of_f6(net, net.features, grey_levels(count))
    for each, other in zip(plain, fast, strict=True):
        torch.testing.assert_close(each, other, rtol=1e-4, atol=1e-5 * float(each.abs().max()))


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    """So many for torch."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@needs_compiler
def test_the_way_of_training_repeats_itself(net, threads):
    """To the last bit: the same seed on the same machine gives the same weights. And each thread has its part."""
    plain = of_f6(net, lambda levels: net.activations(levels.float() / 255)[-1], grey_levels(80))
    first, *others = (of_f6(net, net.features, grey_levels(80)) for _ in range(5))
    assert all(torch.equal(a, b) for other in others for a, b in zip(first, other, strict=True))
    for each, other in zip(plain, first, strict=True):
        torch.testing.assert_close(each, other, rtol=1e-4, atol=1e-5 * float(each.abs().max()))


@needs_compiler
@torch.no_grad()
def test_tanh_is_precise(net):
    """To 3e-7 everywhere, seen where it is a map's only value; far out it neither turns nor overflows."""
    net.c1.weight.zero_()
    net.c3.weight.zero_()
    functions = compiled()
    values = torch.cat([torch.linspace(-12, 12, 3_200), torch.linspace(-0.1, 0.1, 784), torch.logspace(-30, 30, 16)])
    for biases in torch.cat([values, -values]).view(-1, 16):
        net.c3.bias.copy_(biases)
        s4 = to_s4(functions, grey_levels(1), net.c1, net.c3).view(16, 16)
        wanted = torch.tanh(biases.double())[:, None].float().expand(16, 16)
        torch.testing.assert_close(s4, wanted, rtol=0, atol=3e-7)
        assert s4.abs().max() <= 1


@needs_compiler
def test_gradients_are_asked_for_once(net):
    """The activations are used up then, and others would lead anywhere. The gradient that comes in may be expanded."""
    s4 = to_s4(compiled(), grey_levels(32), net.c1, net.c3)
    s4.sum().backward(retain_graph=True)
    wanted = torch.nn.functional.avg_pool2d(net.activations(grey_levels(32).float() / 255)[2], 2).sum()
    for found, plain in zip(
        (net.c1.weight.grad, net.c3.bias.grad), torch.autograd.grad(wanted, (net.c1.weight, net.c3.bias)), strict=True
    ):
        torch.testing.assert_close(found, plain, rtol=1e-4, atol=1e-5 * float(plain.abs().max()))
    with pytest.raises(AssertionError, match="used up"):
        s4.sum().backward()


@needs_compiler
def test_gradients_have_no_gradients(net):
    """They are not torch's: who asks is told, instead of getting zeros."""
    [gradient] = torch.autograd.grad(net.features(grey_levels(16)).sum(), net.c1.weight, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_other_devices_compute_by_torch(net):
    """C reads what the processor has; of this one only the shapes are known."""
    assert net.to("meta").features(grey_levels(5).to("meta")).shape == (5, 84)


@needs_compiler
def test_other_weights_are_refused(net):
    """They would be read as what they are not."""
    with pytest.raises(AssertionError):
        net.double().features(grey_levels(16))


@needs_compiler
@pytest.mark.parametrize("wrong", [torch.rand(16, 1, 28, 28), torch.zeros(16, 1, 32, 32, dtype=torch.uint8)])
def test_other_images_are_refused(net, wrong):
    """What would be read as memory is looked at first."""
    with pytest.raises(AssertionError):
        net.features(wrong)


@needs_compiler
def test_a_compiler_is_used_where_there_is_one():
    """Else training still works, and takes twice as long: no other test would tell."""
    assert compiled() is not None


@pytest.mark.parametrize("compiler", [None, "#!/bin/sh\nexit 1\n"])
def test_training_does_without_a_compiler(monkeypatch, tmp_path, compiler):
    """Where there is none, and where there is one that cannot compile this."""
    if compiler:
        (tmp_path / "cc").write_text(compiler)
        (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compiled.__wrapped__() is None
