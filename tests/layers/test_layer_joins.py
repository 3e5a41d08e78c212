"""Residual, dense and inception joins, squeeze-excite, stochastic depth."""

import pytest
import torch
from torch import Tensor, nn

from striate.layers import (
    ConvNormAct,
    DenseBlock,
    DenseLayer,
    Dropout,
    Inception,
    InvertedResidual,
    ProjectionShortcut,
    Residual,
    SqueezeExcite,
    StochasticDepth,
    Transition,
    ZeroPadShortcut,
)


class Times(nn.Module):
    """Its input, times a number: a branch whose output one knows."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


def test_residual_adds_and_then_activates() -> None:
    x = torch.tensor([[[[-1.0, 2.0]]]])
    assert Residual(Times(3))(x).flatten().tolist() == [-4, 8]
    assert Residual(Times(3), act=nn.ReLU())(x).flatten().tolist() == [0, 8]
    assert Residual(Times(3), Times(-1))(x).flatten().tolist() == [-2, 4]


def test_a_residual_whose_branch_is_dead_is_its_shortcut() -> None:
    x = torch.randn(2, 3, 4, 4)
    assert torch.equal(Residual(Times(0))(x), x)


def test_option_a_needs_no_parameters_and_option_b_does() -> None:
    assert not list(ZeroPadShortcut(16, 32, 2).parameters())
    count = sum(p.numel() for p in ProjectionShortcut(16, 32, 2).parameters())
    assert count == 16 * 32 + 2 * 32


def test_zero_maps_stand_before_and_after() -> None:
    y = ZeroPadShortcut(1, 4)(torch.ones(1, 1, 2, 2))
    assert y[0, :, 0, 0].tolist() == [0, 1, 0, 0]


def test_dense_block_hands_on_everything_before_it() -> None:
    block = DenseBlock({"a": Times(2), "b": Times(10)})
    assert block(torch.tensor([[1.0]])).tolist() == [[1, 2, 10, 20]]


def test_dense_layer_of_the_paper() -> None:
    """DenseNet-121's first layer: 64 -> 128 -> 32 maps."""
    layer = DenseLayer(64, 32)
    assert layer.conv1.weight.shape == (128, 64, 1, 1)
    assert layer.conv2.weight.shape == (32, 128, 3, 3)
    assert [name for name, _ in layer.named_children()] == [
        "norm1", "relu1", "conv1", "norm2", "relu2", "conv2"
    ]  # fmt: skip
    assert [name for name, _ in Transition(4, 2).named_children()] == [
        "norm", "relu", "conv", "pool"
    ]  # fmt: skip


def test_inception_stacks_in_the_order_of_its_branches() -> None:
    join = Inception({"twice": Times(2), "as it is": nn.Identity()})
    assert join(torch.tensor([[1.0, 3.0]])).tolist() == [[2, 6, 1, 3]]


def test_squeeze_excite_scales_whole_maps_by_gates_below_one() -> None:
    x = torch.rand(2, 4, 5, 5) + 0.1
    ratio = SqueezeExcite(4, 2)(x) / x
    assert ratio.flatten(2).std(-1).max() < 1e-6
    assert ((ratio > 0) & (ratio < 1)).all()
    hard = SqueezeExcite(4, 2, act=nn.SiLU, gate=nn.Hardsigmoid)
    assert isinstance(hard.gate, nn.Hardsigmoid)
    assert isinstance(hard.act, nn.SiLU)


@pytest.mark.parametrize("rate", [0.5, 0.1, 0.7])
def test_dropout_drops_every_value_alone_and_keeps_the_mean(rate: float) -> None:
    torch.manual_seed(0)
    x = torch.ones(1001, 999, requires_grad=True)
    y = Dropout(rate).train()(x)
    scale = y.max().item()
    assert scale == pytest.approx(1 / (1 - rate), rel=1e-4)
    assert sorted(set(y.flatten().tolist())) == [0, scale]
    dropped = (y == 0).float()
    deviation = (rate * (1 - rate) / y.numel()) ** 0.5
    assert dropped.mean().item() == pytest.approx(rate, abs=4 * deviation)
    # Values that share a draw of 64 bits, or have neighbouring draws, know nothing of each other.
    flat = dropped.flatten() - rate
    for distance in range(1, 17):
        product = (flat[:-distance] * flat[distance:]).mean().item()
        assert abs(product) < 5 * rate * (1 - rate) / y.numel() ** 0.5, distance
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())


def test_dropout_at_rate_zero_and_in_evaluation_is_the_identity() -> None:
    x = torch.randn(4, 3)
    assert torch.equal(Dropout(0).train()(x), x)
    assert torch.equal(Dropout(0.9).eval()(x), x)


def test_dropout_has_the_numbers_of_its_seed_and_takes_every_shape_and_kind() -> None:
    for shape in ((), (0, 3), (5,), (2, 3, 1, 7)):
        for kind in (torch.float64, torch.bfloat16):
            x = torch.ones(shape, dtype=kind)
            torch.manual_seed(3)
            first = Dropout(0.5).train()(x)
            torch.manual_seed(3)
            assert torch.equal(first, Dropout(0.5).train()(x))
            assert (first.shape, first.dtype) == (x.shape, x.dtype)


def test_stochastic_depth_drops_samples_whole_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    x = torch.ones(20_000, 2, 3)
    y = StochasticDepth(0.2).train()(x)
    per_sample = y.flatten(1)
    assert (per_sample == per_sample[:, :1]).all()
    assert sorted(set(per_sample[:, 0].tolist())) == pytest.approx([0, 1.25])
    assert y.mean().item() == pytest.approx(1, abs=0.02)


def test_stochastic_depth_at_rate_zero_and_in_evaluation_is_the_identity() -> None:
    x = torch.randn(4, 3)
    assert StochasticDepth(0).train()(x) is x
    assert StochasticDepth(0.9).eval()(x) is x


def test_a_dropped_branch_leaves_the_shortcut() -> None:
    torch.manual_seed(0)
    block = Residual(nn.Sequential(Times(1), StochasticDepth(0.5))).train()
    y = block(torch.ones(64, 1))
    assert set(y.flatten().tolist()) == {1.0, 3.0}


def test_inverted_residual_leaves_out_what_it_does_not_need() -> None:
    assert len(InvertedResidual(4, 24, 4).block) == 3
    assert len(InvertedResidual(4, 4, 4).block) == 2
    assert len(InvertedResidual(4, 24, 4, attention=SqueezeExcite(24, 2)).block) == 4
    expand, depthwise, project = InvertedResidual(4, 24, 6, 5, stride=2).block
    assert [len(unit) for unit in (expand, depthwise, project)] == [3, 3, 2]
    assert depthwise[0].kernel_size == (5, 5)
    assert depthwise[0].groups == 24


def test_inverted_residual_adds_its_input_where_the_shapes_agree() -> None:
    x = torch.randn(2, 4, 6, 6)
    for block, adds in (
        (InvertedResidual(4, 8, 4), True),
        (InvertedResidual(4, 8, 4, stride=2), False),
        (InvertedResidual(4, 8, 5), False),
    ):
        y, inner = block.eval()(x), block.block(x)
        assert torch.equal(y, x + inner if adds else inner)


def test_inverted_residual_drops_what_it_adds_for_whole_samples() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 4, 2, 2)
    block = InvertedResidual(4, 8, 4, drop=0.5).train()
    untouched = (block(x) == x).flatten(1).all(1)
    assert 16 < int(untouched.sum()) < 48


def test_say_their_arguments() -> None:
    assert str(StochasticDepth(0.2)) == "StochasticDepth(rate=0.2)"
    said = str(ZeroPadShortcut(3, 6, 2))
    assert said == "ZeroPadShortcut(stride=2, zero maps 1 before and 2 after)"
    assert "ReLU" not in str(ProjectionShortcut(3, 4))
    assert "Conv2d" in str(Residual(ConvNormAct(3, 3)))
