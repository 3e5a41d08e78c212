import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.models import create
from striate.models.fcn import FCN, ROWS, bilinear, from_vgg16

NAMES = ["fcn32s", "fcn16s", "fcn8s"]


def layout(name: str, **options: int) -> FCN:
    """The net without memory for its weights."""
    with torch.device("meta"):
        net = create(name, **options).eval()
    assert isinstance(net, FCN)
    return net


@pytest.fixture(scope="module")
def fcn8s() -> FCN:
    net = create("fcn8s", classes=3).eval()
    assert isinstance(net, FCN)
    return net


@pytest.mark.parametrize(
    ("name", "without", "with_upscores"),
    [
        ("fcn32s", 134_346_581, 136_152_917),
        ("fcn16s", 134_357_354, 134_815_994),
        ("fcn8s", 134_362_751, 134_489_759),
    ],
)
def test_parameters_with_and_without_the_enlargement(
    name: str, without: int, with_upscores: int
) -> None:
    sizes = {key: p.numel() for key, p in layout(name).named_parameters()}
    assert sum(sizes.values()) == with_upscores
    assert sum(size for key, size in sizes.items() if "upscore" not in key) == without


@pytest.mark.parametrize(
    ("name", "upscores", "offsets"),
    [
        ("fcn32s", [("upscore", 64, 32)], [19]),
        ("fcn16s", [("upscore2", 4, 2), ("upscore16", 32, 16)], [5, 27]),
        (
            "fcn8s",
            [("upscore2", 4, 2), ("upscore_pool4", 4, 2), ("upscore8", 16, 8)],
            [5, 9, 31],
        ),
    ],
)
def test_geometry_of_the_published_nets(
    name: str, upscores: list[tuple[str, int, int]], offsets: list[int]
) -> None:
    net = layout(name)
    assert net.features[0].padding == (100, 100)
    assert net.classifier[0].kernel_size == (7, 7)
    found = [
        (key, layer.kernel_size[0], layer.stride[0])
        for key, layer in net.named_modules()
        if isinstance(layer, nn.ConvTranspose2d)
    ]
    assert found == upscores
    row = ROWS[name]
    assert [*(skip.offset for skip in row.skips), row.offset] == offsets


def centre(layers: list[nn.Module], at: float = 0, jump: int = 1) -> tuple[float, int]:
    """Where the first unit looks, in pixels of the picture, and how far the next one is."""
    for layer in layers:
        if isinstance(layer, (nn.Conv2d, nn.MaxPool2d)):
            side, stride, padding = (
                value if isinstance(value, int) else value[0]
                for value in (layer.kernel_size, layer.stride, layer.padding)
            )
            at += ((side - 1) / 2 - padding) * jump
            jump *= stride
    return at, jump


@pytest.mark.parametrize("name", NAMES)
def test_scores_lie_over_the_pixels_they_look_at(name: str) -> None:
    """Every offset follows from where receptive fields have their centres."""
    net, row = layout(name), ROWS[name]
    maps = list(net.features.pieces)
    ends = {block: net.features.pieces[block].stop for block in maps}
    at, jump = centre([*net.features, *net.classifier])
    for skip in row.skips:
        finer, step = centre(list(net.features)[: ends[skip.block]])
        assert (at - finer) / step == 1.5 + skip.offset  # the middle of a kernel of 4
        at, jump = finer + skip.offset * step, step
    assert jump == row.stride
    assert at == row.stride - 0.5 - row.offset


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 1), (16, 47), (231, 250), (500, 333)])
def test_any_picture_gets_scores_of_its_size(name: str, size: tuple[int, int]) -> None:
    assert layout(name)(torch.zeros(1, 3, *size, device="meta")).shape == (1, 21, *size)


def test_fcn8s_is_wired_as_in_the_paper(fcn8s: FCN) -> None:
    images = torch.randn(1, 3, 40, 56)

    def double(scores: Tensor, layer: nn.Module) -> Tensor:
        assert isinstance(layer.weight, Tensor)
        return F.conv_transpose2d(scores, layer.weight, stride=2)

    with torch.no_grad():
        for skip in ("score_pool4", "score_pool3"):
            fcn8s.get_submodule(skip).weight.normal_()
        maps = fcn8s.features(images)
        scores = double(fcn8s.score_fr(fcn8s.classifier(maps["block5"])), fcn8s.upscore2)
        rows, columns = scores.shape[2:]
        pool4 = fcn8s.score_pool4(maps["block4"])
        scores = double(scores + pool4[:, :, 5 : 5 + rows, 5 : 5 + columns], fcn8s.upscore_pool4)
        rows, columns = scores.shape[2:]
        pool3 = fcn8s.score_pool3(maps["block3"])
        scores = scores + pool3[:, :, 9 : 9 + rows, 9 : 9 + columns]
        scores = F.conv_transpose2d(scores, fcn8s.upscore8.weight, stride=8)
        torch.testing.assert_close(fcn8s(images), scores[:, :, 31:71, 31:87])


@pytest.mark.parametrize("stride", [2, 8, 16, 32])
def test_enlargement_starts_as_bilinear_interpolation(stride: int) -> None:
    maps = torch.randn(2, 3, 5, 6)
    with torch.no_grad():
        found = bilinear(3, stride)(maps)
    assert found.shape == (2, 3, 6 * stride, 7 * stride)
    expected = F.interpolate(maps, scale_factor=float(stride), mode="bilinear")
    # Outside the outermost centres one fades to zero and the other repeats.
    half = stride // 2
    found = found[..., half:-half, half:-half]
    inside = (..., slice(half, -half), slice(half, -half))
    torch.testing.assert_close(found[inside], expected[inside])


def test_a_vgg16_fills_everything_before_the_scores() -> None:
    with torch.device("meta"):
        state = create("vgg16").state_dict()
    net = layout("fcn8s")
    missing, unexpected = net.load_state_dict(from_vgg16(state), strict=False, assign=True)
    assert unexpected == []
    assert {key.split(".")[0] for key in missing} == {*net.heads, *net.upscores}
    assert all("6" not in key.split(".") for key in from_vgg16(state) if "classifier" in key)


def test_new_classes_reach_every_score_and_enlargement() -> None:
    net = layout("fcn8s").double()
    net.reset_head(7)
    assert net(torch.zeros(1, 3, 33, 20, dtype=torch.float64, device="meta")).shape == (
        1,
        7,
        33,
        20,
    )
    for name in (*net.heads, *net.upscores):
        layer = net.get_submodule(name)
        assert layer.out_channels == 7
        assert (layer.weight.dtype, layer.weight.device.type) == (torch.float64, "meta")
    assert net.stages["head"].channels == 7


def test_a_reset_enlargement_is_bilinear_again(fcn8s: FCN) -> None:
    with torch.no_grad():
        fcn8s.upscore8.weight.zero_()
    fcn8s.reset_head(3)
    torch.testing.assert_close(fcn8s.upscore8.weight, bilinear(3, 8).weight)


def test_no_classes_are_refused() -> None:
    with pytest.raises(ArgumentError, match="classes: got 0"):
        layout("fcn32s", classes=0)
