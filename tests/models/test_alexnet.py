"""AlexNet: the paper's, by its printed figures, and torchvision's."""

import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.layers import LocalResponseNorm
from striate.models import create
from striate.models.contract import ConvNet

LAYERS = [34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000]


def empty(name: str, **options: int) -> ConvNet:
    """The net without its 60 million numbers."""
    with torch.device("meta"):
        return create(name, **options)


def test_the_papers_layers() -> None:
    found = summary(empty("alexnet_2012"), (3, 227, 227))
    assert [layer.params for layer in found.layers if layer.params] == LAYERS
    assert found.params == 60_965_224
    assert found.macs == 724_406_816
    convolutions = [layer for layer in found.layers if layer.type == "Conv2d"]
    sizes = [layer.output for layer in convolutions]
    assert sizes == [(96, 55, 55), (256, 27, 27), (384, 13, 13), (384, 13, 13), (256, 13, 13)]


def test_the_papers_neurons() -> None:
    """As figure 2 prints them, but for the first layer: 253,440 are 55 * 48 * 96, no map of 96."""
    found = summary(empty("alexnet_2012"), (3, 227, 227))
    outputs = [layer.output for layer in found.layers if layer.type in ("Conv2d", "Linear")]
    neurons = [torch.Size(output).numel() for output in outputs]
    printed = [253_440, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
    assert neurons[1:] == printed[1:]
    assert neurons[0] == 290_400
    assert (sum(printed), sum(neurons)) == (622_312, 659_272)  # "650,000 neurons"


def test_without_groups_it_is_the_popular_single_tower() -> None:
    assert summary(empty("alexnet_2012", groups=1), (3, 227, 227)).params == 62_378_344


@pytest.mark.parametrize("groups", [0, 3, 64])
def test_groups_divide_the_maps(groups: int) -> None:
    with pytest.raises(ArgumentError, match=f"groups: got {groups}"):
        empty("alexnet_2012", groups=groups)


def test_order_of_the_papers_layers() -> None:
    kinds = [type(layer).__name__ for layer in empty("alexnet_2012").features]  # type: ignore[arg-type]
    norm = ["Conv2d", "ReLU", "LocalResponseNorm", "MaxPool2d"]
    plain = ["Conv2d", "ReLU"]
    assert kinds == [*norm, *norm, *plain, *plain, *plain, "MaxPool2d"]


def test_constants_of_the_paper() -> None:
    net = empty("alexnet_2012")
    norms = [layer for layer in net.modules() if isinstance(layer, LocalResponseNorm)]
    assert [(n.size, n.alpha, n.beta, n.k) for n in norms] == [(5, 1e-4, 0.75, 2.0)] * 2
    pools = [layer for layer in net.modules() if isinstance(layer, nn.MaxPool2d)]
    assert [(p.kernel_size, p.stride) for p in pools] == [(3, 2)] * 3
    drops = [layer for layer in net.modules() if isinstance(layer, nn.Dropout)]
    assert [drop.p for drop in drops] == [0.5, 0.5]


def test_the_papers_start() -> None:
    torch.manual_seed(0)
    net = create("alexnet_2012", classes=2)
    weighted = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert [layer.bias.mean().item() for layer in weighted] == [0, 1, 0, 1, 1, 1, 1, 0]
    for layer in weighted[:-1]:
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.02)


def test_at_227_the_mean_before_the_dense_layers_changes_nothing() -> None:
    maps = torch.randn(1, 256, 6, 6)
    assert torch.equal(empty("alexnet_2012").avgpool(maps), maps)  # type: ignore[operator]


@pytest.mark.parametrize(("size", "macs"), [(224, 714_188_480), (288, 1_169_968_832)])
def test_torchvisions_net(size: int, macs: int) -> None:
    net = empty("alexnet")
    found = summary(net, (3, size, size))
    assert (found.params, found.macs) == (61_100_840, macs)
    weights = [name for name in net.state_dict() if name.endswith("weight")]
    assert weights == [
        *(f"features.{number}.weight" for number in (0, 3, 6, 8, 10)),
        *(f"classifier.{number}.weight" for number in (1, 4, 6)),
    ]


@pytest.mark.parametrize("name", ["alexnet", "alexnet_2012"])
def test_other_sizes_channels_and_classes(name: str) -> None:
    net = create(name, classes=5, in_channels=1).eval()
    with torch.no_grad():
        assert net(torch.randn(1, 1, 131, 100)).shape == (1, 5)
    with pytest.raises(ArgumentError, match="classes: got 0"):
        empty(name, classes=0)
