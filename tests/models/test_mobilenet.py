from typing import Any

import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.layers.channels import rounded
from striate.models import create
from striate.models.mobilenet import Bottleneck, Separable


def counts(name: str, size: int = 224, **options: Any) -> tuple[int, int]:
    """Parameters and multiply-adds, counted without computing."""
    with torch.device("meta"):
        seen = summary(create(name, **options), (3, size, size))
    return seen.params, seen.macs


def strides(net: nn.Module) -> list[int]:
    """The stride of every convolution above 1, in order."""
    convolutions = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    return [layer.stride[0] for layer in convolutions if layer.stride[0] > 1]


@pytest.mark.parametrize(
    ("width", "params", "macs"),
    [
        (1.0, 4_231_976, 568_740_352),
        (0.75, 2_585_560, 325_400_448),
        (0.5, 1_331_592, 149_497_088),
        (0.25, 470_072, 41_030_272),
    ],
)
def test_the_first_paper_s_widths(width: float, params: int, macs: int) -> None:
    assert counts("mobilenet_v1", width=width) == (params, macs)


@pytest.mark.parametrize(
    ("size", "macs"), [(192, 418_121_728), (160, 290_675_200), (128, 186_400_768)]
)
def test_the_first_paper_s_resolutions(size: int, macs: int) -> None:
    assert counts("mobilenet_v1", size) == (4_231_976, macs)


def test_the_second_paper_s_counts() -> None:
    """300 M and 3.4 M in print; 1.4 wide, 585 M and 6.9 M (rounded widths give 582 M, 6.1 M)."""
    assert counts("mobilenet_v2") == (3_504_872, 300_774_272)
    assert counts("mobilenet_v2", width=1.4) == (6_108_776, 582_195_824)


def test_a_narrow_second_version_keeps_its_last_map_and_a_wide_one_does_not() -> None:
    with torch.device("meta"):
        narrow, wide = create("mobilenet_v2", width=0.35), create("mobilenet_v2", width=1.4)
    assert narrow.num_features == 1280
    assert wide.num_features == 1792
    assert narrow.stages["stem"].channels == 16
    assert narrow.stages["stage1"].channels == 8


def test_the_last_block_of_version_1_keeps_the_size() -> None:
    """The paper's table gives it stride 2, yet 7x7 before and after."""
    with torch.device("meta"):
        net = create("mobilenet_v1")
    assert strides(net) == [2] * 5
    assert net.blocks[-1][-1].conv_dw.stride == (1, 1)
    assert [len(stage) for stage in net.blocks] == [1, 2, 2, 6, 2]


def test_version_1_has_no_shortcuts_and_clips_at_six() -> None:
    torch.manual_seed(0)
    block = Separable(4, 4, 1).eval()
    nn.init.zeros_(block.conv_pw.weight)
    x = 100 * torch.randn(2, 4, 5, 5)
    assert not block(x).any()
    nn.init.constant_(block.conv_pw.weight, 100.0)
    assert block(x).max() == 6


def test_a_bottleneck_of_version_2_is_linear_at_its_end_and_adds_its_input() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 8, 6, 6)
    block = Bottleneck(8, 8, 6, 1).eval()
    assert (block(x) - x).min() < 0
    nn.init.zeros_(block.conv[-2].weight)
    assert torch.equal(block(x), x)
    for changed in (Bottleneck(8, 16, 6, 1), Bottleneck(8, 8, 6, 2)):
        nn.init.zeros_(changed.conv[-2].weight)
        assert not changed.eval()(x).any()


def test_the_second_version_has_the_paper_s_rows() -> None:
    with torch.device("meta"):
        net = create("mobilenet_v2")
    found = []
    for name in list(net.stages)[1:-2]:
        stage = net.stages[name]
        first = net.get_submodule(stage.parts[0]).conv
        inner, ready = first[-2].in_channels, first[0][0].in_channels
        found.append((inner / ready, stage.channels, len(stage.parts), first[-3][0].stride[0]))
    assert found == [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2"])
def test_small_pictures_are_halved_three_times(name: str) -> None:
    net = create(name, small=True, width=0.25, classes=10).eval()
    assert strides(net) == [2, 2, 2]
    maps = net.features(torch.randn(2, 3, 32, 32))
    for stage, y in maps.items():
        assert y.shape[2] * net.stages[stage].stride == 32, stage
    assert net(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    usual = create(name, width=0.25, classes=10)
    assert set(net.state_dict()) == set(usual.state_dict())


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2"])
def test_a_width_must_be_above_zero(name: str) -> None:
    with pytest.raises(ArgumentError, match="width: got 0"):
        create(name, width=0)
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create(name, classes=0)


def test_channels_round_to_eights_but_never_lose_a_tenth() -> None:
    assert [rounded(c) for c in (3, 12, 16, 19.9, 20, 22.4, 41.6)] == [8, 16, 16, 24, 24, 24, 40]
    assert all(rounded(c) % 8 == 0 and rounded(c) >= 0.9 * c for c in range(1, 500))
