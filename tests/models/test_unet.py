import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from striate.anatomy import summary
from striate.errors import ArgumentError
from striate.models import create
from striate.models.unet import Up


def layout(**options: object) -> nn.Module:
    """The net without memory for its weights."""
    with torch.device("meta"):
        return create("unet", **options).eval()


@pytest.mark.parametrize("same", [True, False])
def test_parameters_follow_from_the_figure(same: bool) -> None:
    """Down: two 3x3 a level. Up: 2x2 to half the maps, then 3x3 from both and 3x3. Last a 1x1."""
    widths = [1, 64, 128, 256, 512, 1024]
    down = sum((9 * a + 1) * b + (9 * b + 1) * b for a, b in itertools.pairwise(widths))
    up = sum((8 * b + 1) * b + (18 * b + 1) * b + (9 * b + 1) * b for b in widths[1:-1])
    assert down + up + 2 * 65 == 31_030_658
    assert sum(p.numel() for p in layout(same=same).parameters()) == 31_030_658


def test_there_are_23_convolutions() -> None:
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    assert sum(isinstance(layer, kinds) for layer in layout().modules()) == 23


def test_maps_of_the_papers_tile() -> None:
    net = layout(same=False)
    tile = torch.zeros(1, 1, 572, 572, device="meta")
    sizes = {name: tuple(each.shape[1:3]) for name, each in net.features(tile).items()}
    assert sizes == {
        "down1": (64, 568),
        "down2": (128, 280),
        "down3": (256, 136),
        "down4": (512, 64),
        "down5": (1024, 28),
        "up4": (512, 52),
        "up3": (256, 100),
        "up2": (128, 196),
        "up1": (64, 388),
    }
    assert net(tile).shape == (1, 2, 388, 388)


def test_multiply_adds_of_the_papers_tile() -> None:
    """Each layer's, from the sides of the maps it makes; an up-convolution does one tap a pixel."""
    sides = [(570, 568), (282, 280), (138, 136), (66, 64), (30, 28)]
    widths = [1, 64, 128, 256, 512, 1024]
    macs = sum(
        9 * first * first * a * b + 9 * second * second * b * b
        for (first, second), a, b in zip(sides, widths, widths[1:], strict=False)
    )
    for b, side in ((512, 56), (256, 104), (128, 200), (64, 392)):
        macs += side**2 * 2 * b * b + 9 * (side - 2) ** 2 * 2 * b * b + 9 * (side - 4) ** 2 * b * b
    macs += 388 * 388 * 64 * 2
    assert summary(layout(same=False), (1, 572, 572)).macs == macs


@pytest.mark.parametrize("size", [(1, 1), (17, 48), (128, 128), (231, 250)])
def test_every_pixel_gets_an_answer(size: tuple[int, int]) -> None:
    net = layout(classes=3, in_channels=4)
    assert net(torch.zeros(2, 4, *size, device="meta")).shape == (2, 3, *size)


@pytest.mark.parametrize("size", [(171, 188), (188, 172), (572, 580)])
def test_tiles_whose_maps_would_be_odd_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ArgumentError, match="188, 204, 220"):
        layout(same=False)(torch.zeros(1, 1, *size, device="meta"))


@pytest.mark.parametrize("side", [188, 204])
def test_the_smallest_tiles(side: int) -> None:
    net = layout(same=False)
    assert net(torch.zeros(1, 1, side, side, device="meta")).shape[2] == side - 184


def test_the_middle_of_the_way_down_stands_before_the_way_up() -> None:
    up = Up(4, same=False)
    x, finer = torch.randn(1, 4, 5, 6), torch.randn(1, 2, 16, 20)
    raised = F.conv_transpose2d(x, up.up.weight, up.up.bias, stride=2)
    joined = torch.cat([finer[:, :, 3:13, 4:16], raised], 1)
    torch.testing.assert_close(up(x, finer), up.block(joined))


def test_what_rounding_up_added_is_cut_off_again() -> None:
    up = Up(4, same=True)
    x, finer = torch.randn(1, 4, 3, 2), torch.randn(1, 2, 5, 3)
    raised = F.conv_transpose2d(x, up.up.weight, up.up.bias, stride=2)
    joined = torch.cat([finer, raised[:, :, :5, :3]], 1)
    torch.testing.assert_close(up(x, finer), up.block(joined))


def test_the_start_keeps_the_signal() -> None:
    net = create("unet").eval()
    with torch.no_grad():
        maps = net.features(torch.randn(1, 1, 64, 64))
    assert all(0.3 < float(each.std()) < 10 for each in maps.values())
    raising = net.up4.up
    deviation = float(raising.weight.std().detach())
    assert deviation == pytest.approx((2 / 1024) ** 0.5, rel=0.01)
    assert float(raising.bias.detach().abs().max()) == 0


def test_the_two_deepest_levels_drop_out() -> None:
    net = layout()
    drops = [key for key, layer in net.named_modules() if isinstance(layer, nn.Dropout)]
    assert drops == ["down4.4", "down5.4"]


def test_no_classes_are_refused() -> None:
    with pytest.raises(ArgumentError, match="classes: got 0"):
        layout(classes=0)
