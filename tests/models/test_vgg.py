import math

import pytest
import torch
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.layers import LocalResponseNorm
from striate.models import create
from striate.models.vgg import ROWS, as_convolutions

# Column: name, weight layers, parameters (and as table 2 prints them, in millions), multiply-adds.
TABLE = [
    ("vgg11", 11, 132_863_336, 133, 7_609_090_048),
    ("vgg11_lrn", 11, 132_863_336, 133, 7_609_090_048),
    ("vgg13", 13, 133_047_848, 133, 11_308_466_176),
    ("vgg16_c", 16, 133_638_952, 134, 11_770_888_192),
    ("vgg16", 16, 138_357_544, 138, 15_470_264_320),
    ("vgg19", 19, 143_667_240, 144, 19_632_062_464),
]


def layout(name: str, **options: object) -> nn.Module:
    """The net without memory for its weights."""
    with torch.device("meta"):
        return create(name, **options).eval()


@pytest.mark.parametrize(("name", "depth", "params", "printed", "macs"), TABLE)
def test_the_papers_table(name: str, depth: int, params: int, printed: int, macs: int) -> None:
    net = layout(name)
    weighted = [layer for layer in net.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    found = summary(net, (3, 224, 224))
    assert len(weighted) == depth
    assert (found.params, found.macs) == (params, macs)
    assert round(params / 1e6) == printed


@pytest.mark.parametrize("name", ["vgg11", "vgg13", "vgg16", "vgg19"])
def test_batch_norm_adds_two_numbers_a_map_and_no_multiply_adds(name: str) -> None:
    plain, normed = (summary(layout(each), (3, 224, 224)) for each in (name, f"{name}_bn"))
    depths = ROWS[name].depths
    maps = sum(n * width for n, width in zip(depths, (64, 128, 256, 512, 512), strict=True))
    assert normed.params - plain.params == 2 * maps
    assert normed.macs == plain.macs


def test_file_sizes_in_the_lecture() -> None:
    """VGG19 is its 574 MB; VGG16's 533 has its digits swapped: it is 553, or 528 of 2^20 bytes."""
    sizes = {name: 4 * params for name, _, params, _, _ in TABLE}
    assert sizes["vgg19"] // 10**6 == 574
    assert sizes["vgg16"] // 10**6 == 553
    assert round(sizes["vgg16"] / 2**20) == 528
    assert round(sizes["vgg19"] / 2**20) == 548


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("vgg11", [0, 3, 6, 8, 11, 13, 16, 18]),
        ("vgg16", [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]),
        ("vgg11_bn", [0, 4, 8, 11, 15, 18, 22, 25]),
    ],
)
def test_layers_are_numbered_as_in_torchvision(name: str, numbers: list[int]) -> None:
    net = layout(name)
    convolutions = [
        number for number, layer in enumerate(net.features) if isinstance(layer, nn.Conv2d)
    ]
    assert convolutions == numbers
    linear = [key for key, layer in net.named_modules() if isinstance(layer, nn.Linear)]
    assert linear == ["classifier.0", "classifier.3", "classifier.6"]


def test_only_the_first_map_of_column_a_lrn_is_normalised() -> None:
    kinds = [type(layer) for layer in layout("vgg11_lrn").features]
    assert kinds[:4] == [nn.Conv2d, nn.ReLU, LocalResponseNorm, nn.MaxPool2d]
    assert kinds.count(LocalResponseNorm) == 1
    norm = layout("vgg11_lrn").features[2]
    assert (norm.size, norm.alpha, norm.beta, norm.k) == (5, 1e-4, 0.75, 2)


def test_column_c_ends_its_last_three_blocks_in_1x1() -> None:
    sides = [
        layer.kernel_size[0]
        for layer in layout("vgg16_c").modules()
        if isinstance(layer, nn.Conv2d)
    ]
    assert sides == [3, 3, 3, 3, 3, 3, 1, 3, 3, 1, 3, 3, 1]


def test_maps_halve_from_block_to_block() -> None:
    maps = layout("vgg16").features(torch.zeros(1, 3, 224, 224, device="meta"))
    shapes = [tuple(each.shape[1:]) for each in maps.values()]
    assert shapes == [(64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7)]


def test_linear_layers_are_convolutions() -> None:
    """The lecture: an FC layer from 7x7x512 to 4096 equals a convolution with F = 7, K = 4096."""
    ordinary = create("vgg11", classes=10).eval()
    sliding = layout("vgg11", classes=10, convolutional=True)
    sliding.load_state_dict(as_convolutions(ordinary.state_dict()), assign=True)
    first = sliding.classifier[0]
    assert (first.kernel_size, first.out_channels) == ((7, 7), 4096)
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(sliding(images), ordinary(images), rtol=1e-4, atol=1e-5)
        maps = torch.randn(1, 512, 7, 9)
        windows = [ordinary.classifier(maps[..., x : x + 7].flatten(1)) for x in range(3)]
        expected = torch.stack(windows).mean(0)
        torch.testing.assert_close(sliding.classifier(maps), expected, rtol=1e-4, atol=1e-5)


def test_small_pictures_get_one_linear_layer() -> None:
    net = create("vgg11_bn", classes=10, in_channels=1, small=True)
    assert net.num_features == 512
    assert net(torch.randn(2, 1, 32, 32)).shape == (2, 10)
    assert sum(p.numel() for p in net.classifier.parameters()) == 5130


def test_the_start_keeps_the_signal() -> None:
    net = create("vgg13", classes=10, small=True)
    deviation = math.sqrt(2 / (9 * 512))
    assert float(net.features[22].weight.std().detach()) == pytest.approx(deviation, rel=0.01)
    assert float(net.last_layer.weight.std().detach()) == pytest.approx(0.01, rel=0.1)
    with torch.no_grad():
        maps = net.features(torch.randn(2, 3, 64, 64))
    assert all(0.05 < float(each.std()) < 5 for each in maps.values())


def test_half_of_the_hidden_units_drop_out() -> None:
    for options in ({}, {"convolutional": True}):
        net = layout("vgg11", **options)
        drops = [layer.p for layer in net.modules() if isinstance(layer, nn.Dropout)]
        assert drops == [0.5, 0.5]


def test_two_ends_at_once_are_refused() -> None:
    with pytest.raises(ArgumentError, match="either small or convolutional"):
        create("vgg11", small=True, convolutional=True)
    with pytest.raises(ArgumentError, match="classes: got 0"):
        create("vgg11", classes=0)
