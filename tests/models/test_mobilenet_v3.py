import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.layers import InvertedResidual, SqueezeExcite
from striate.models import create
from striate.models.contract import ConvNet

PARAMS_AND_MACS = {
    "mobilenet_v3_large": (5_483_032, 216_589_760),
    "mobilenet_v3_small": (2_542_856, 56_510_400),
}
both = pytest.mark.parametrize("name", sorted(PARAMS_AND_MACS))


def on_paper(name: str, **options: bool) -> ConvNet:
    with torch.device("meta"):
        return create(name, **options)


def blocks(net: ConvNet) -> list[InvertedResidual]:
    return [layer for layer in net.modules() if isinstance(layer, InvertedResidual)]


@both
def test_counts(name: str) -> None:
    """In print 5.4 M and 219 M, 2.5 M and 56 M."""
    seen = summary(on_paper(name), (3, 224, 224))
    assert (seen.params, seen.macs) == PARAMS_AND_MACS[name]


def test_the_large_net_s_table() -> None:
    """Table 1: size of the kernel, attention, activation and stride of its fifteen blocks."""
    found = []
    for block in blocks(on_paper("mobilenet_v3_large")):
        depthwise = next(unit for unit in block.block if unit[0].groups > 1)
        attends = any(isinstance(step, SqueezeExcite) for step in block.block)
        found.append(
            (
                depthwise[0].kernel_size[0],
                depthwise[0].out_channels,
                "SE" if attends else "",
                "HS" if isinstance(depthwise[2], nn.Hardswish) else "RE",
                depthwise[0].stride[0],
            )
        )
    assert found == [
        (3, 16, "", "RE", 1),
        (3, 64, "", "RE", 2),
        (3, 72, "", "RE", 1),
        (5, 72, "SE", "RE", 2),
        (5, 120, "SE", "RE", 1),
        (5, 120, "SE", "RE", 1),
        (3, 240, "", "HS", 2),
        (3, 200, "", "HS", 1),
        (3, 184, "", "HS", 1),
        (3, 184, "", "HS", 1),
        (3, 480, "SE", "HS", 1),
        (3, 672, "SE", "HS", 1),
        (5, 672, "SE", "HS", 2),
        (5, 960, "SE", "HS", 1),
        (5, 960, "SE", "HS", 1),
    ]


@both
def test_stages_are_the_blocks_of_equal_channels(name: str) -> None:
    net = on_paper(name)
    widths = [stage.channels for stage in net.stages.values()]
    large = [16, 16, 24, 40, 80, 112, 160, 960, 1000]
    assert widths == (large if name.endswith("large") else [16, 16, 24, 40, 48, 96, 576, 1000])
    assert net.num_features == (1280 if name.endswith("large") else 1024)


@both
def test_attention_is_a_quarter_in_eights_behind_a_hard_gate(name: str) -> None:
    """The gate is piecewise linear: 0 below -3, 1 above 3."""
    found = [layer for layer in on_paper(name).modules() if isinstance(layer, SqueezeExcite)]
    assert len(found) == (8 if name.endswith("large") else 9)
    for layer in found:
        assert layer.fc1.out_channels % 8 == 0
        assert layer.fc1.out_channels >= 0.9 * layer.fc1.in_channels / 4
        values = layer.gate(torch.tensor([-3.0, 0.0, 1.5, 3.0]))
        assert values.tolist() == [0, 0.5, 0.75, 1]


@both
def test_norms_are_the_published_ones(name: str) -> None:
    norms = [layer for layer in on_paper(name).modules() if isinstance(layer, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}


@both
def test_small_pictures_are_halved_three_times(name: str) -> None:
    net = create(name, small=True, classes=10).eval()
    maps = net.features(torch.randn(2, 3, 32, 32))
    for stage, y in maps.items():
        assert y.shape[1:3] == (net.stages[stage].channels, 32 // net.stages[stage].stride), stage
    assert [net.stages[stage].stride for stage in ("stem", "stage1", "top")] == [1, 1, 8]
    assert net(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    assert set(net.state_dict()) == set(on_paper(name).state_dict())


@both
def test_no_classes_are_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create(name, classes=0)
