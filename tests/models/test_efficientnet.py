"""EfficientNet and Lite: the paper's scaling, table 1, and TensorFlow's arithmetic as an option."""

import math
from collections import Counter
from typing import Any

import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.layers import SamePadConv2d, SqueezeExcite, StochasticDepth
from striate.models import create
from striate.models.contract import ConvNet
from striate.models.efficientnet import ROWS

# Table 2: parameters in millions and operations in billions as printed, and counted exactly.
SCALINGS = {
    "b0": (5.3, 0.39, 5_288_548, 385_814_752),
    "b1": (7.8, 0.70, 7_794_184, 686_802_832),
    "b2": (9.2, 1.0, 9_109_994, 993_561_872),
    "b3": (12, 1.8, 12_233_232, 1_827_141_392),
    "b4": (19, 4.2, 19_341_616, 4_393_771_024),
    "b5": (30, 9.9, 30_389_784, 10_266_384_752),
    "b6": (43, 19, 43_040_704, 19_067_593_536),
    "b7": (66, 37, 66_347_960, 37_745_884_192),
}
LITE = {"lite0": 4.7, "lite1": 5.4, "lite2": 6.1, "lite3": 8.2, "lite4": 13.0}


def meta(name: str, **options: Any) -> ConvNet:
    with torch.device("meta"):
        return create(f"efficientnet_{name}", **options)


def kinds(net: nn.Module) -> Counter[str]:
    return Counter(type(module).__name__ for module in net.modules())


@pytest.mark.parametrize("name", SCALINGS)
def test_counts_are_the_papers(name: str) -> None:
    millions, billions, params, macs = SCALINGS[name]
    side = ROWS[f"efficientnet_{name}"].resolution
    found = summary(meta(name), (3, side, side))
    assert (found.params, found.macs) == (params, macs)
    assert params / 1e6 == pytest.approx(millions, rel=0.02)
    assert macs / 1e9 == pytest.approx(billions, rel=0.05)


@pytest.mark.parametrize("name", LITE)
def test_lite_has_the_published_parameters(name: str) -> None:
    params = sum(parameter.numel() for parameter in meta(name).parameters())
    assert round(params / 1e6, 1) == LITE[name]


def test_maps_are_table_1s() -> None:
    maps = meta("b0").features(torch.empty(1, 3, 224, 224, device="meta"))
    assert [(name, m.shape[1], m.shape[2]) for name, m in maps.items()] == [
        ("stem", 32, 112),
        ("stage1", 16, 112),
        ("stage2", 24, 56),
        ("stage3", 40, 28),
        ("stage4", 80, 14),
        ("stage5", 112, 14),
        ("stage6", 192, 7),
        ("stage7", 320, 7),
        ("top", 1280, 7),
    ]


def test_gates_are_a_quarter_of_the_width_that_a_block_is_given() -> None:
    attention = meta("b0").get_submodule("features.2.1.block.2")
    assert isinstance(attention, SqueezeExcite)
    assert tuple(attention.fc1.weight.shape) == (6, 144, 1, 1)
    assert kinds(meta("b0"))["SqueezeExcite"] == 16


def test_blocks_are_dropped_more_and_more_often() -> None:
    net = meta("b0")
    rates = [module.rate for module in net.modules() if isinstance(module, StochasticDepth)]
    assert rates == pytest.approx([0.2 * block / 16 for block in range(16)])
    assert [module.p for module in net.modules() if isinstance(module, nn.Dropout)] == [0.2]


def test_norms_are_those_of_the_published_weights() -> None:
    for name, same, expected in (
        ("b4", False, (1e-5, 0.1)),
        ("b5", False, (1e-3, 0.01)),
        ("lite0", False, (1e-5, 0.1)),
        ("lite0", True, (1e-3, 0.01)),
        ("b0", True, (1e-3, 0.01)),
    ):
        norms = [m for m in meta(name, same=same).modules() if isinstance(m, nn.BatchNorm2d)]
        assert {(norm.eps, norm.momentum) for norm in norms} == {expected}


def test_lite_is_without_gates_and_swish() -> None:
    found = kinds(meta("lite4"))
    assert found["ReLU6"] > 0
    assert (found["SqueezeExcite"], found["SiLU"], found["Sigmoid"]) == (0, 0, 0)


def test_lite_scales_neither_stem_nor_top_nor_the_outer_depths() -> None:
    net = meta("lite4")
    assert [stage.channels for stage in net.stages.values()] == [
        *(32, 24, 32, 56, 112, 160, 272, 448, 1280),
        1000,
    ]
    depths = [len(net.get_submodule(f"features.{stage}")) for stage in range(1, 8)]  # type: ignore[arg-type]
    assert depths == [1, 4, 4, 6, 6, 8, 1]


def test_same_is_only_another_padding_of_the_strided_filters() -> None:
    net, same = meta("b0"), meta("b0", same=True)
    assert list(net.state_dict()) == list(same.state_dict())
    padded = {k for k, m in same.named_modules() if isinstance(m, SamePadConv2d)}
    strided = {k for k, m in net.named_modules() if isinstance(m, nn.Conv2d) and m.stride != (1, 1)}
    assert padded == strided
    assert len(padded) == 5
    assert summary(same, (3, 224, 224)).macs == 385_814_752


def test_same_begins_one_pixel_later_in_a_stem_of_even_side() -> None:
    torch.manual_seed(0)
    net, same = create("efficientnet_b0").eval(), create("efficientnet_b0", same=True).eval()
    same.load_state_dict(net.state_dict())
    x = torch.randn(1, 3, 32, 32)
    ours = net.features[0][0](x.roll((-1, -1), (2, 3)))  # type: ignore[index]
    theirs = same.features[0][0](x)  # type: ignore[index]
    torch.testing.assert_close(theirs[..., 1:-1, 1:-1], ours[..., 1:-1, 1:-1])
    assert not torch.allclose(net(x), same(x), rtol=1e-3, atol=0)


def test_small_keeps_the_stem_at_full_size() -> None:
    net = create("efficientnet_lite0", classes=10, small=True).eval()
    x = torch.randn(2, 3, 32, 32)
    assert net(x).shape == (2, 10)
    maps = net.features(x)
    assert [m.shape[-1] for m in maps.values()] == [32, 32, 16, 8, 4, 4, 2, 2, 2]
    assert [stage.stride for stage in net.stages.values()] == [1, 1, 2, 4, 8, 8, 16, 16, 16, 0]


@pytest.mark.parametrize("same", [False, True])
def test_odd_sizes_run_and_keep_the_ceiling_of_each_half(same: bool) -> None:
    maps = meta("b0", same=same, in_channels=4).features(torch.empty(1, 4, 75, 91, device="meta"))
    assert maps["top"].shape[2:] == (math.ceil(75 / 32), math.ceil(91 / 32))


def test_training_starts_with_a_signal_in_every_map() -> None:
    torch.manual_seed(0)
    net = create("efficientnet_b0", classes=4)
    maps = net.features(torch.randn(4, 3, 64, 64))
    for name, found in maps.items():
        assert 0.3 < found.std() < 4, name
    assert net(torch.randn(4, 3, 64, 64)).std() < 1


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create("efficientnet_b0", classes=0)
    with pytest.raises(ArgumentError, match="one that efficientnet_b0 takes"):
        create("efficientnet_b0", padding="same")
