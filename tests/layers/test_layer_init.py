"""Each initialiser against the statistics its paper states."""

import math

import pytest
import torch
from torch import nn

from striate.errors import ArgumentError
from striate.layers import ConvNormAct, LocalConv1d, LocalConv2d, Residual, TableConv2d, init


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(32, 64, 3, groups=2), nn.BatchNorm2d(64), nn.Linear(400, 300))


@pytest.mark.parametrize(
    ("rule", "convolution", "linear"),
    [
        (init.lecun, 1 / (16 * 9), 1 / 400),
        (init.he, 2 / (16 * 9), 2 / 400),
        (init.he_fan_out, 2 / (64 * 9), 2 / 300),
        (init.glorot, 2 / ((16 + 64) * 9), 2 / 700),
        (init.alexnet_2012, 1e-4, 1e-4),
        (init.lenet_1998, (2.4 / 144) ** 2 / 3, (2.4 / 400) ** 2 / 3),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_variances(rule: init.Rule, convolution: float, linear: float) -> None:
    made = rule(net())
    for layer, variance in [(made[0], convolution), (made[2], linear)]:
        assert layer.weight.var().item() == pytest.approx(variance, rel=0.08)
        assert layer.weight.mean().item() == pytest.approx(0, abs=0.1 * math.sqrt(variance))


@pytest.mark.parametrize("name", sorted(set(init.RULES) - {"lenet-1998", "zero-last-gamma"}))
def test_biases_are_zero_and_norms_untouched(name: str) -> None:
    made = net()
    nn.init.constant_(made[1].weight, 0.7)
    assert init.by_name(name)(made) is made
    assert (made[0].bias == 0).all()
    assert (made[2].bias == 0).all()
    assert (made[1].weight == 0.7).all()


def test_uniform_rules_stay_within_their_bound() -> None:
    bound = math.sqrt(6 / 700)
    assert 0.95 * bound < init.glorot(net())[2].weight.abs().max().item() <= bound
    lenet = init.lenet_1998(net())
    assert 0.95 * 2.4 / 400 < lenet[2].weight.abs().max().item() <= 2.4 / 400
    assert 0 < lenet[2].bias.abs().max().item() <= 2.4 / 400


def test_lenets_rule_gives_each_map_of_a_table_its_own_bound() -> None:
    conv = init.lenet_1998(TableConv2d(6, [(0,), range(6)], 20))
    assert conv.weight[0].abs().max().item() == pytest.approx(2.4 / 400, rel=0.05)
    assert conv.weight[1:].abs().max().item() == pytest.approx(2.4 / 2400, rel=0.05)


def test_alexnets_ones() -> None:
    made = init.alexnet_2012(
        nn.Sequential(*[nn.Conv2d(1, 1, 1) for _ in range(5)], *[nn.Linear(1, 1) for _ in range(3)])
    )
    assert [layer.bias.item() for layer in made] == [0, 1, 0, 1, 1, 1, 1, 0]


def test_he_keeps_the_signal_through_fifty_relu_layers_and_lecun_does_not() -> None:
    def last(rule: init.Rule) -> float:
        torch.manual_seed(0)
        steps = [step for _ in range(50) for step in (nn.Linear(256, 256), nn.ReLU())]
        stack = rule(nn.Sequential(*steps))
        with torch.no_grad():
            return float(stack(torch.randn(64, 256)).square().mean())

    assert 0.05 < last(init.he) < 5
    assert last(init.lecun) < 1e-10


def test_orthogonal_rows() -> None:
    weight = init.orthogonal(nn.Conv2d(8, 16, 3)).weight.flatten(1)
    torch.testing.assert_close(weight @ weight.T, torch.eye(16), atol=1e-5, rtol=0)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_delta_orthogonal_keeps_every_length(layout: torch.memory_format) -> None:
    conv = nn.Conv2d(8, 16, 3, padding=1).to(memory_format=layout)
    init.delta_orthogonal(conv)
    x = torch.randn(2, 8, 5, 5)
    torch.testing.assert_close(conv(x).norm(dim=1), x.norm(dim=1))
    outside = conv.weight.detach().clone()
    outside[:, :, 1, 1] = 0
    assert (outside == 0).all()
    linear = init.delta_orthogonal(nn.Linear(4, 4)).weight
    torch.testing.assert_close(linear @ linear.T, torch.eye(4), atol=1e-5, rtol=0)


def test_delta_orthogonal_needs_a_centre() -> None:
    with pytest.raises(ArgumentError, match=r"net: got Conv2d\(3, 3.*odd kernels in every conv"):
        init.delta_orthogonal(nn.Conv2d(3, 3, 2))


def test_zero_last_gamma_makes_each_block_its_shortcut() -> None:
    block = Residual(nn.Sequential(ConvNormAct(3, 3), ConvNormAct(3, 3, act=None)))
    plain = Residual(nn.Conv2d(3, 3, 1))  # no norm: left as it is
    before = plain.branch.weight.clone()
    init.zero_last_gamma(nn.Sequential(block, plain))
    x = torch.randn(2, 3, 5, 5)
    assert torch.equal(block(x), x)
    assert (block.branch[0][1].weight == 1).all()
    assert torch.equal(plain.branch.weight, before)


@pytest.mark.parametrize("name", sorted(init.RULES))
def test_the_docstrings_exceptions_are_left_alone(name: str) -> None:
    exceptions = [nn.ConvTranspose2d(2, 2, 3), LocalConv1d(2, 2, 5, 3), LocalConv2d(2, 2, 5, 3)]
    if name != "lenet-1998":
        exceptions.append(TableConv2d(2, [(0,), (0, 1)], 3))
    stack = nn.Sequential(*exceptions)
    before = {key: value.clone() for key, value in stack.state_dict().items()}
    init.by_name(name)(stack)
    assert all(torch.equal(value, before[key]) for key, value in stack.state_dict().items())


def test_layers_without_bias_are_fine() -> None:
    bare = nn.Sequential(nn.Conv2d(2, 2, 3, bias=False), nn.Linear(2, 2, bias=False))
    for rule in init.RULES.values():
        assert rule(bare) is bare


def test_one_seed_one_draw() -> None:
    torch.manual_seed(3)
    first = init.he(net())[0].weight
    torch.manual_seed(3)
    assert torch.equal(first, init.he(net())[0].weight)


def test_unknown_name() -> None:
    with pytest.raises(ArgumentError, match=r"initialiser: got 'kaimin', .* Did you mean kaiming"):
        init.by_name("kaimin")
    assert init.by_name("xavier") is init.glorot


def test_nothing_is_drawn_on_the_meta_device() -> None:
    with torch.device("meta"):
        layers = net()
    before = torch.get_rng_state()
    for rule in init.RULES.values():
        assert rule(layers) is layers
    assert torch.equal(torch.get_rng_state(), before)
    assert layers[0].weight.is_meta
