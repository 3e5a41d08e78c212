import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.contract import ConvNet
from striate.models.resnet_cifar import DEPTHS, WIDE

TABLE_6 = {
    "resnet20": (269_722, 272_474, 40_551_040),
    "resnet32": (464_154, 466_906, 68_862_592),
    "resnet44": (658_586, 661_338, 97_174_144),
    "resnet56": (853_018, 855_770, 125_485_696),
    "resnet110": (1_727_962, 1_730_714, 252_887_680),
    "resnet1202": (19_421_274, 19_424_026, 2_829_238_912),
}
"""Parameters with shortcuts A and B, multiply-adds with A."""
WIDE_PARAMS = {"wrn_16_8": 10_961_370, "wrn_28_10": 36_479_194, "wrn_40_4": 8_949_210}
SMALL = (3, 32, 32)


def on_meta(name: str, **options: object) -> ConvNet:
    with torch.device("meta"):
        return create(name, **options)


@pytest.mark.parametrize("name", [name for name in TABLE_6 if name != "resnet1202"])
def test_multiply_adds_of_table_6(name: str) -> None:
    assert summary(on_meta(name), SMALL).macs == TABLE_6[name][2]


@pytest.mark.parametrize("name", TABLE_6)
def test_parameters_of_table_6(name: str) -> None:
    for shortcut, params in zip("AB", TABLE_6[name], strict=False):
        net = on_meta(name, shortcut=shortcut)
        assert sum(parameter.numel() for parameter in net.parameters()) == params


@pytest.mark.parametrize("name", DEPTHS)
def test_a_name_counts_its_layers(name: str) -> None:
    layers = [m for m in on_meta(name).modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert f"resnet{len(layers)}" == name
    assert len(layers) == 6 * DEPTHS[name] + 2


@pytest.mark.parametrize("name", WIDE)
def test_wide_networks(name: str) -> None:
    net = on_meta(name)
    assert sum(parameter.numel() for parameter in net.parameters()) == WIDE_PARAMS[name]
    depth, factor = WIDE[name]
    filters = [m for k, m in net.named_modules() if isinstance(m, nn.Conv2d) and "short" not in k]
    # The paper's depth counts the two projections that halve the maps and the classifier too.
    assert len(filters) + 3 == depth
    assert net.num_features == 64 * factor


def test_option_a_pads_with_zeros_and_skips_pixels() -> None:
    net = create("resnet20").eval()
    block = net.layer2[0]
    torch.nn.init.zeros_(block.bn2.weight)
    x = torch.rand(1, 16, 32, 32)
    padded = block(x)
    assert torch.equal(padded[:, 8:24], x[:, :, ::2, ::2])
    assert not padded[:, :8].any()
    assert not padded[:, 24:].any()


def test_the_deepest_one_starts_with_numbers() -> None:
    torch.manual_seed(0)
    net = create("resnet1202").eval()
    with torch.inference_mode():
        maps = net.features(torch.randn(1, 3, 8, 8))
    for found in maps.values():
        assert 0.1 < found.std() < 10


def test_a_wide_block_computes_what_the_paper_says() -> None:
    torch.manual_seed(0)
    block = create("wrn_16_8").eval().layer2[0]
    for norm in (block.bn1, block.bn2):
        nn.init.normal_(norm.running_mean)
        nn.init.normal_(norm.bias)
    x = torch.randn(2, 128, 8, 8)
    ready = torch.relu(block.bn1(x))
    inner = torch.relu(block.bn2(block.conv1(ready)))
    torch.testing.assert_close(block(x), block.conv2(inner) + block.shortcut(ready))


def test_dropout_between_the_convolutions() -> None:
    net = create("wrn_16_8", dropout=0.3)
    rates = [layer.p for layer in net.modules() if isinstance(layer, nn.Dropout)]
    assert rates == [0.3] * 6
    x = torch.randn(1, 128, 8, 8)
    block = net.layer1[1]
    assert not torch.equal(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))


@pytest.mark.parametrize("rate", [-0.1, 1, 2])
def test_a_share_of_all_or_more_cannot_be_dropped(rate: float) -> None:
    with pytest.raises(ArgumentError, match=f"dropout: got {rate}"):
        on_meta("wrn_16_8", dropout=rate)


def test_an_unknown_shortcut_is_named() -> None:
    with pytest.raises(ArgumentError, match="shortcut: got 'C'"):
        create("resnet20", shortcut="C")
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create("wrn_16_8", classes=0)
