"""The convolution units: what they are made of, and what they save."""

import torch
from torch import nn

from striate.layers import ConvNormAct, DepthwiseSeparable


def kinds(net: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in net.modules() if not list(layer.children())]


def test_a_bias_only_where_no_norm_follows() -> None:
    with_norm, without = ConvNormAct(3, 4), ConvNormAct(3, 4, norm=None)
    assert kinds(with_norm) == ["Conv2d", "BatchNorm2d", "ReLU"]
    assert kinds(without) == ["Conv2d", "ReLU"]
    assert "0.bias" not in with_norm.state_dict()
    assert "0.bias" in without.state_dict()


def test_norm_and_activation_are_of_ones_own_choice() -> None:
    unit = ConvNormAct(3, 8, norm=lambda channels: nn.GroupNorm(4, channels), act=nn.SiLU)
    assert kinds(unit) == ["Conv2d", "GroupNorm", "SiLU"]
    assert kinds(ConvNormAct(3, 8, act=None)) == ["Conv2d", "BatchNorm2d"]


def test_rectangular_kernels_keep_the_size() -> None:
    assert ConvNormAct(3, 4, (1, 7))(torch.zeros(2, 3, 9, 9)).shape == (2, 4, 9, 9)
    assert ConvNormAct(3, 4, 3, stride=2, padding=0)(torch.zeros(2, 3, 9, 9)).shape[2:] == (4, 4)


def test_separable_weights_are_counted_as_the_paper_counts() -> None:
    """k*k*I + I*O in place of k*k*I*O: MobileNet's 8 to 9 times fewer at 3x3."""
    unit = DepthwiseSeparable(128, 256)
    weights = sum(m.weight.numel() for m in unit.modules() if isinstance(m, nn.Conv2d))
    assert weights == 9 * 128 + 128 * 256
    assert 8 < 9 * 128 * 256 / weights < 9


def test_separable_filters_each_map_by_itself_before_mixing() -> None:
    first = DepthwiseSeparable(3, 4, norm=None, act=None)[0]
    x = torch.randn(1, 3, 5, 5, requires_grad=True)
    (seen,) = torch.autograd.grad(first(x)[:, 1].sum(), x)
    assert seen[0, 0].abs().sum() == 0
    assert seen[0, 1].abs().sum() > 0
