import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create


def test_fifty_two_convolutions_and_a_classifier() -> None:
    with torch.device("meta"):
        net = create("darknet53")
    layers = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len(layers) == 53
    assert len([m for m in layers if isinstance(m, nn.Conv2d) and m.stride == (2, 2)]) == 5
    found = summary(net, (3, 256, 256))
    assert (found.params, found.macs) == (41_609_928, 9_285_115_904)


def test_the_published_slope_below_zero() -> None:
    with torch.device("meta"):
        net = create("darknet53")
    slopes = [m.negative_slope for m in net.modules() if isinstance(m, nn.LeakyReLU)]
    assert slopes == [0.01] * 52


def test_a_block_adds_what_two_units_make_of_half_the_channels() -> None:
    torch.manual_seed(0)
    block = create("darknet53").eval().layers[1].blocks[0]
    x = torch.randn(2, 128, 6, 6)
    y = x
    for unit, channels in ((block.conv1, 64), (block.conv2, 128)):
        y = nn.functional.leaky_relu(unit.bn(unit.conv(y)), 0.01)
        assert y.shape[1] == channels
    torch.testing.assert_close(block(x), x + y)


def test_the_names_are_those_of_timm_but_for_two() -> None:
    with torch.device("meta"):
        names = list(create("darknet53").state_dict())
    assert {name.split(".")[0] for name in names} == {"stem", "layers", "fc"}
    assert names[0] == "stem.conv1.conv.weight"
    assert "layers.4.blocks.3.conv2.bn.running_var" in names
    assert len(names) == 314


def test_bad_classes_are_named() -> None:
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create("darknet53", classes=0)
