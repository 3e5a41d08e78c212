"""EfficientNetV2-S: table 4, fused blocks first."""

import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.layers import InvertedResidual, StochasticDepth
from striate.models import create
from striate.models.contract import ConvNet
from striate.models.efficientnet_v2 import FusedInvertedResidual


def meta() -> ConvNet:
    with torch.device("meta"):
        return create("efficientnet_v2_s")


def test_counts_are_the_published_ones() -> None:
    found = summary(meta(), (3, 384, 384))
    assert (found.params, found.macs) == (21_458_488, 8_365_617_152)


def test_maps_are_table_4s() -> None:
    maps = meta().features(torch.empty(1, 3, 384, 384, device="meta"))
    assert [(m.shape[1], m.shape[2]) for m in maps.values()] == [
        (24, 192),
        (24, 192),
        (48, 96),
        (64, 48),
        (128, 24),
        (160, 24),
        (256, 12),
        (1280, 12),
    ]


def test_the_first_three_stages_are_fused() -> None:
    net = meta()
    blocks = [net.get_submodule(f"features.{stage}") for stage in range(1, 7)]
    assert [len(stage) for stage in blocks] == [2, 4, 4, 6, 9, 15]  # type: ignore[arg-type]
    for stage in blocks[:3]:
        assert all(isinstance(block, FusedInvertedResidual) for block in stage.children())
    for stage in blocks[3:]:
        assert all(isinstance(block, InvertedResidual) for block in stage.children())


def test_drop_rates_and_norms() -> None:
    net = meta()
    rates = [module.rate for module in net.modules() if isinstance(module, StochasticDepth)]
    assert rates == pytest.approx([0.2 * block / 40 for block in range(40)])
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.1)}


def test_a_fused_block_adds_its_input_where_the_shapes_agree() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 8, 6, 6)
    for sizes, stride, adds, steps in (
        ((8, 32, 8), 1, True, 2),
        ((8, 8, 8), 1, True, 1),
        ((8, 32, 8), 2, False, 2),
        ((8, 32, 12), 1, False, 2),
    ):
        block = FusedInvertedResidual(*sizes, stride=stride, drop=0.0).eval()
        inner = block.block(x)
        assert len(block.block) == steps
        assert torch.equal(block(x), x + inner if adds else inner)
        assert inner.shape == (2, sizes[2], 6 // stride, 6 // stride)


def test_a_fused_block_drops_whole_samples() -> None:
    torch.manual_seed(0)
    block = FusedInvertedResidual(4, 8, 4, stride=1, drop=0.5).train()
    x = torch.randn(64, 4, 2, 2)
    untouched = (block(x) == x).flatten(1).all(1)
    assert 16 < int(untouched.sum()) < 48


def test_other_classes_and_channels() -> None:
    net = create("efficientnet_v2_s", classes=5, in_channels=1).eval()
    assert net(torch.randn(1, 1, 45, 64)).shape == (1, 5)
