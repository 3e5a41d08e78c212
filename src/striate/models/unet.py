"""U-Net: Convolutional Networks for Biomedical Image Segmentation. Ronneberger, Fischer, Brox,
2015, https://arxiv.org/abs/1505.04597, figure 1.

The idea: down to small maps that know what is there, and up again, at every level
beside the maps of the way down, which know where.

`same=False` is the paper's net: its convolutions pad nothing, so a tile of 572 pixels answers for
the 388 in its middle, and maps of the way down are cut to those of the way up. By default the
convolutions pad and poolings keep an odd last row, so that every pixel of a picture of any size
gets its answer; the parameters are the same. The paper puts dropout at the end of the way down and
prints no probability: here it is a half, after the two deepest levels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import init
from striate.models.contract import ConvNet, Stage, check_classes

WIDTHS = (64, 128, 256, 512, 1024)
"""Maps of the levels, from the picture's size down."""


class UNet(ConvNet):
    """(B, in_channels, H, W) -> scores (B, classes, H, W), or H - 184 and W - 184 if not `same`.

    Where not `same`, H and W are 188, 204, 220, ... so that every pooled map is even.
    """

    heads = ("score",)

    def __init__(self, classes: int = 2, in_channels: int = 1, *, same: bool = True) -> None:
        super().__init__()
        self.same = same
        self.pool = nn.MaxPool2d(2, ceil_mode=same)
        self.stages = {}
        for level, width in enumerate(WIDTHS, 1):
            dropout = [nn.Dropout(0.5)] if level > 3 else []
            block = nn.Sequential(*_double(in_channels, width, same), *dropout)
            self._add(f"down{level}", block, level)
            in_channels = width
        for level in range(len(WIDTHS) - 1, 0, -1):
            self._add(f"up{level}", Up(WIDTHS[level], same), level)
        self.score = nn.Conv2d(WIDTHS[0], check_classes(classes), 1)
        self.stages["head"] = Stage(("score",), classes, 0)
        init.he(self)
        _he_transposed(self)

    def _add(self, name: str, block: nn.Module, level: int) -> None:
        self.add_module(name, block)
        self.stages[name] = Stage((name,), WIDTHS[level - 1], 2 ** (level - 1))

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `down1` ... `down5`, `up4` ... `up1`."""
        if not self.same:
            _check_tile(x)
        maps = {"down1": self.get_submodule("down1")(x)}
        for level in range(2, len(WIDTHS) + 1):
            pooled = self.pool(maps[f"down{level - 1}"])
            maps[f"down{level}"] = self.get_submodule(f"down{level}")(pooled)
        x = maps[f"down{len(WIDTHS)}"]
        for level in range(len(WIDTHS) - 1, 0, -1):
            x = maps[f"up{level}"] = self.get_submodule(f"up{level}")(x, maps[f"down{level}"])
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> scores (B, classes, H, W), fewer pixels if not `same`."""
        return self.score(self.features(x)["up1"])  # type: ignore[no-any-return]


class Up(nn.Module):
    """(B, I, H, W) and (B, I / 2, H', W') -> (B, I / 2, 2 H, 2 W), 4 less of each if not `same`.

    A 2x2 up-convolution halves the maps; the finer ones are put before them, and two convolutions
    join both. The larger of the two sizes is cut to the smaller.
    """

    def __init__(self, in_channels: int, same: bool) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, in_channels // 2, 2, 2)
        self.block = nn.Sequential(*_double(in_channels, in_channels // 2, same))

    def forward(self, x: Tensor, finer: Tensor) -> Tensor:
        """(B, I, H, W), (B, I / 2, H', W') -> (B, I / 2, 2 H, 2 W)."""
        # Pooling rounds an odd size up, so the first row and column are those that fit.
        raised = self.up(x)[..., : finer.shape[-2], : finer.shape[-1]]
        return self.block(torch.cat([_middle(finer, raised), raised], 1))  # type: ignore[no-any-return]


def _double(in_channels: int, channels: int, same: bool) -> list[nn.Module]:
    """Two 3x3 convolutions, each with its ReLU."""
    return [
        nn.Conv2d(in_channels, channels, 3, padding=int(same)),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, 3, padding=int(same)),
        nn.ReLU(inplace=True),
    ]


def _middle(maps: Tensor, like: Tensor) -> Tensor:
    """The middle of `maps`, as large as `like`."""
    rows, columns = like.shape[-2:]
    top, left = (maps.shape[-2] - rows) // 2, (maps.shape[-1] - columns) // 2
    return maps[..., top : top + rows, left : left + columns]


def _check_tile(x: Tensor) -> None:
    if any(side < 188 or side % 16 != 12 for side in x.shape[-2:]):
        raise ArgumentError(
            "x",
            tuple(x.shape),
            "a height and a width of 188, 204, 220, ... (16 k + 12), so that every pooled map is "
            "even",
            remedy="Pad the picture, or build the net with same=True",
        )


@torch.no_grad()
def _he_transposed(net: nn.Module) -> None:
    """He's rule for up-convolutions of stride 2: each output sums one pixel of every input map."""
    for layer in net.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, math.sqrt(2 / layer.in_channels))
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # it has one


NETS = {"unet": UNet}
