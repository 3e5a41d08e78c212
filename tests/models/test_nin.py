"""Network in Network, by the authors' configurations."""

import itertools

import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.models import create


def test_the_cifar_net() -> None:
    found = summary(create("nin_cifar"), (3, 32, 32))
    params = [layer.params for layer in found.layers if layer.params]
    assert params == [14_592, 30_880, 15_456, 460_992, 37_056, 37_056, 331_968, 37_056, 1_930]
    assert found.params == 966_986
    pools = [(row.type, row.output[1]) for row in found.layers if "Pool" in row.type]
    assert pools == [("MaxPool2d", 16), ("AvgPool2d", 8), ("AdaptiveAvgPool2d", 1)]


def test_the_imagenet_net() -> None:
    with torch.device("meta"):
        net = create("nin_imagenet")
    found = summary(net, (3, 224, 224))
    assert found.params == 7_595_176
    sides = [row.output[1] for row in found.layers if "Pool" in row.type]
    assert sides == [27, 13, 6, 1]
    kinds = [type(layer).__name__ for layer in net.features]  # type: ignore[arg-type]
    assert kinds.count("Dropout") == 1
    assert kinds[-5] == "Dropout"  # before the last block


@pytest.mark.parametrize(("side", "pooled"), [(32, 16), (33, 16), (34, 17)])
def test_poolings_round_up(side: int, pooled: int) -> None:
    maps = create("nin_cifar").features(torch.randn(1, 3, side, side))
    assert maps["block1"].shape[2] == pooled


def test_a_mean_over_a_part_of_a_window_is_over_that_part() -> None:
    averaging = [m for m in create("nin_cifar").modules() if isinstance(m, nn.AvgPool2d)]
    assert torch.equal(averaging[0](torch.ones(1, 1, 16, 16)), torch.ones(1, 1, 8, 8))


def test_a_relu_follows_every_convolution() -> None:
    for name in ("nin_cifar", "nin_imagenet"):
        layers = [m for m in create(name).modules() if not list(m.children())]
        for layer, following in itertools.pairwise(layers):
            assert isinstance(following, nn.ReLU) == isinstance(layer, nn.Conv2d)


def test_a_class_is_the_mean_of_its_map() -> None:
    net = create("nin_cifar", classes=4, in_channels=1).eval()
    x = torch.randn(2, 1, 32, 32)
    maps = net.features(x)["block3"]
    last = net.get_submodule("classifier.0")
    torch.testing.assert_close(net(x), last(maps).relu().mean((2, 3)))
    net.reset_head(7)
    assert net(x).shape == (2, 7)
