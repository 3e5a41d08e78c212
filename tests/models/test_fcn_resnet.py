import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.contract import WithAux
from striate.models.fcn_resnet import DeepLabHead, FCNHead, Pyramid, Segmenter
from striate.models.resnet import ResNetTrunk, Row

SHORT = Row((1, 1, 2, 2), bottleneck=True)
"""Two blocks where the first is dilated less than the others."""


def layout(name: str, **options: object) -> nn.Module:
    """The net without memory for its weights."""
    with torch.device("meta"):
        return create(name, **options)


@pytest.fixture(scope="module")
def short() -> Segmenter:
    return Segmenter(SHORT, FCNHead, classes=3)


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        ("fcn_resnet50", 35_322_218, 28_338_401_280),
        ("fcn_resnet101", 54_314_346, 43_187_286_016),
        ("deeplabv3_resnet50", 42_004_074, 33_164_451_840),
    ],
)
def test_sizes_are_torchvisions(name: str, params: int, macs: int) -> None:
    """Torchvision's multiply-adds include the auxiliary head, which here runs in training only."""
    auxiliary = 28 * 28 * (9 * 1024 * 256 + 256 * 21)
    found = summary(layout(name).eval(), (3, 224, 224))
    assert (found.params, found.macs + auxiliary) == (params, macs)


@pytest.mark.parametrize(("name", "macs"), [("fcn_resnet50", 152_716_512_000)])
def test_multiply_adds_at_the_size_torchvision_trains_on(name: str, macs: int) -> None:
    auxiliary = 65 * 65 * (9 * 1024 * 256 + 256 * 21)
    assert summary(layout(name).eval(), (3, 520, 520)).macs + auxiliary == macs


def test_the_last_layers_spread_their_filters_in_place_of_striding() -> None:
    trunk = layout("fcn_resnet50").backbone
    geometry = {
        name: [(block.conv2.stride[0], block.conv2.dilation[0]) for block in layer]
        for name, layer in trunk.named_children()
        if name.startswith("layer")
    }
    assert geometry == {
        "layer1": [(1, 1)] * 3,
        "layer2": [(2, 1)] + [(1, 1)] * 3,
        "layer3": [(1, 1)] + [(1, 2)] * 5,
        "layer4": [(1, 2)] + [(1, 4)] * 2,
    }
    for layer in trunk.modules():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3):
            assert layer.padding == layer.dilation


@pytest.mark.parametrize(("row", "v1"), [(SHORT, False), (SHORT, True), (Row((1, 1, 2, 2)), False)])
def test_a_dilated_trunk_sees_as_a_strided_one_does_but_at_every_position(
    row: Row, v1: bool
) -> None:
    """Every second (fourth) position of its maps is the strided net's map."""
    strided = ResNetTrunk(row, v1=v1).eval()
    dilated = ResNetTrunk(row, v1=v1, dilated=True).eval()
    dilated.load_state_dict(strided.state_dict())
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        coarse, fine = strided.features(images), dilated.features(images)
    assert torch.equal(coarse["layer2"], fine["layer2"])
    torch.testing.assert_close(coarse["layer3"], fine["layer3"][..., ::2, ::2])
    torch.testing.assert_close(coarse["layer4"], fine["layer4"][..., ::4, ::4])


def test_training_answers_with_the_auxiliary_scores(short: Segmenter) -> None:
    images = torch.randn(2, 3, 40, 50)
    answer = short.train()(images)
    assert isinstance(answer, WithAux)
    assert [tuple(each.shape) for each in (answer.logits, *answer.aux)] == [(2, 3, 40, 50)] * 2
    assert isinstance(short.eval()(images), Tensor)


def test_the_auxiliary_head_can_be_left_out() -> None:
    net = layout("fcn_resnet50", aux=False).train()
    assert net.heads == ("classifier.4",)
    assert not any(key.startswith("aux") for key in net.state_dict())
    assert isinstance(net(torch.zeros(2, 3, 64, 64, device="meta")), Tensor)


def test_coarse_scores_stand_for_the_middle_of_their_8_pixels(short: Segmenter) -> None:
    """Half-pixel centres: the outermost 4 pixels repeat, between centres scores go linearly."""
    short.eval()
    images = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        coarse = short.classifier(short.features(images)["layer4"])
        scores = short(images)
    assert torch.equal(scores[..., :4, :4], coarse[..., :1, :1].expand(-1, -1, 4, 4))
    middle = coarse[..., 0, 0] * (15 / 16) + coarse[..., 0, 1] / 16
    torch.testing.assert_close(scores[..., 0, 4], middle)


def test_odd_sizes_and_other_inputs() -> None:
    net = layout("deeplabv3_resnet50", classes=5, in_channels=1).eval()
    for size in ((250, 231), (33, 64), (1, 1)):
        assert net(torch.zeros(1, 1, *size, device="meta")).shape == (1, 5, *size)


def test_new_classes_reach_both_heads(short: Segmenter) -> None:
    net = Segmenter(SHORT, DeepLabHead, classes=3)
    net.reset_head(4)
    answer = net.train()(torch.randn(2, 3, 32, 32))
    assert [each.shape[1] for each in (answer.logits, *answer.aux)] == [4, 4]
    assert net.num_features == 256


def test_the_pyramid_looks_with_three_rates_and_at_everything() -> None:
    pyramid = Pyramid(4, 2).eval()
    rates = [layer.dilation[0] for layer in pyramid.convs.modules() if isinstance(layer, nn.Conv2d)]
    assert rates == [1, 12, 24, 36, 1]
    x = torch.randn(2, 4, 40, 30)
    with torch.no_grad():
        maps = [
            F.conv2d(x, branch[0].weight, padding=rate, dilation=rate)
            for branch, rate in zip(pyramid.convs[1:4], (12, 24, 36), strict=True)
        ]
        maps.insert(0, F.conv2d(x, pyramid.convs[0][0].weight))
        mean = F.conv2d(x.mean((2, 3), keepdim=True), pyramid.convs[4][1].weight)
        maps.append(F.interpolate(mean, (40, 30), mode="bilinear"))
        scale = (1 + 1e-5) ** -0.5  # a fresh norm in evaluation: mean 0, variance 1
        joined = F.conv2d(torch.cat([scale * each.relu() for each in maps], 1), project(pyramid))
        torch.testing.assert_close(pyramid(x), scale * joined.relu())


def project(pyramid: Pyramid) -> Tensor:
    layer = pyramid.project[0]
    assert isinstance(layer, nn.Conv2d)
    return layer.weight


def test_dropouts() -> None:
    for name, expected in (("fcn_resnet50", [0.1, 0.1]), ("deeplabv3_resnet50", [0.5, 0.1])):
        drops = [layer.p for layer in layout(name).modules() if isinstance(layer, nn.Dropout)]
        assert drops == expected


def test_no_classes_are_refused() -> None:
    with pytest.raises(ArgumentError, match="classes: got 0"):
        layout("fcn_resnet50", classes=0)
