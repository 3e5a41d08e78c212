"""Deep Residual Learning for Image Recognition. He, Zhang, Ren, Sun, CVPR 2016.

https://arxiv.org/abs/1512.03385. The idea: a block learns what to add to its input, so that a
deeper network is never harder to fit than a shallower one. Also ResNeXt (Xie et al. 2017: grouped
3x3 filters), wide residual networks (Zagoruyko, Komodakis 2016: more of them) and SE-ResNet (Hu,
Shen, Sun 2018: maps weighted by what the whole picture shows), which are rows of the same table,
and the paper's plain-34, the same network without shortcuts.

As in torchvision, a bottleneck block strides in its 3x3 convolution ("v1.5"); the paper strides in
the first 1x1, which is the option `v1=True`. SE-ResNet has timm's names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from striate.layers import SqueezeExcite, ZeroPadShortcut, init
from striate.models.contract import ConvNet, Stage, check_classes, last


@dataclass(frozen=True, slots=True)
class Row:
    """A column of the paper's table 1: blocks in conv2_x to conv5_x, and their width."""

    blocks: tuple[int, ...]
    bottleneck: bool = False
    groups: int = 1
    group_width: int = 64
    """Filters in each group of the first stage's 3x3 convolution."""
    shortcut: str = "B"
    """Where channels or size change: "A" pads with zeros, "B" projects. "": no shortcuts at all."""
    reduction: int = 0
    """Channels for each number that squeeze-and-excitation keeps of them; 0 is without it."""


ROWS = {
    "resnet18": Row((2, 2, 2, 2)),
    "resnet34": Row((3, 4, 6, 3)),
    "resnet50": Row((3, 4, 6, 3), bottleneck=True),
    "resnet101": Row((3, 4, 23, 3), bottleneck=True),
    "resnet152": Row((3, 8, 36, 3), bottleneck=True),
    "plain34": Row((3, 4, 6, 3), shortcut=""),
    "resnext50_32x4d": Row((3, 4, 6, 3), bottleneck=True, groups=32, group_width=4),
    "resnext101_32x8d": Row((3, 4, 23, 3), bottleneck=True, groups=32, group_width=8),
    "resnext101_64x4d": Row((3, 4, 23, 3), bottleneck=True, groups=64, group_width=4),
    "wide_resnet50_2": Row((3, 4, 6, 3), bottleneck=True, group_width=128),
    "wide_resnet101_2": Row((3, 4, 23, 3), bottleneck=True, group_width=128),
    "seresnet50": Row((3, 4, 6, 3), bottleneck=True, reduction=16),
}


Dilation = tuple[int, int]
"""Holes of a block's 3x3 filters before the place where it strides or would have, and after it."""


class Basic(nn.Module):
    """(B, I, H, W) -> (B, width, H / stride, W / stride): two 3x3 convolutions and the shortcut."""

    def __init__(
        self,
        row: Row,
        in_channels: int,
        width: int,
        stride: int,
        dilation: Dilation = (1, 1),
    ) -> None:
        super().__init__()
        first, second = dilation
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, first, first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, second, second, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(row, in_channels, width, stride)
        self.adds = row.shortcut != ""

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, width, H / stride, W / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.adds:
            y = y + (x if self.downsample is None else self.downsample(x))
        return self.relu(y)  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """(B, I, H, W) -> (B, 4 width, H / stride, W / stride): 1x1, 3x3, 1x1 and the shortcut."""

    def __init__(
        self,
        row: Row,
        in_channels: int,
        width: int,
        stride: int,
        v1: bool = False,
        dilation: Dilation = (1, 1),
    ) -> None:
        super().__init__()
        inner = width * row.group_width // 64 * row.groups
        first, second = (stride, 1) if v1 else (1, stride)
        spread = dilation[1] if v1 else dilation[0]
        self.conv1 = nn.Conv2d(in_channels, inner, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, second, spread, spread, row.groups, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.se = SqueezeExcite(4 * width, 4 * width // row.reduction) if row.reduction else None
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(row, in_channels, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, 4 width, H / stride, W / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y = y if self.se is None else self.se(y)
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(y + shortcut)  # type: ignore[no-any-return]


class ResNetTrunk(nn.Module):
    """(B, in_channels, H, W) -> the named maps: a ResNet up to its last block.

    `small` is the stem for pictures of 32 pixels: a 3x3 convolution of stride 1 in place of the
    7x7 of stride 2, and no pooling. `v1` puts a bottleneck's stride where the paper has it.
    `dilated` keeps the maps of layer3 and layer4 as large as layer2's: filters of 3x3 spread out
    where the net would have strided (Chen et al. 2017).
    """

    def __init__(
        self,
        row: Row,
        in_channels: int = 3,
        *,
        v1: bool = False,
        small: bool = False,
        dilated: bool = False,
    ) -> None:
        super().__init__()
        stem = nn.Conv2d(in_channels, 64, 3, 1, 1, bias=False)
        self.conv1 = stem if small else nn.Conv2d(in_channels, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, 1)
        growth = 4 if row.bottleneck else 1
        block = partial(Bottleneck, v1=v1) if row.bottleneck else Basic
        self.stages = {"stem": Stage(("conv1", "bn1"), 64, 1 if small else 2)}
        channels, reach, after = 64, 1 if small else 4, 1
        for number, depth in enumerate(row.blocks, 1):
            width, stride, before = 32 * 2**number, 1 if number == 1 else 2, after
            if dilated and number > 2:
                stride, after = 1, 2 * after
            blocks = [block(row, channels, width, stride, dilation=(before, after))]
            channels, reach = growth * width, reach * stride
            for _ in range(depth - 1):
                blocks.append(block(row, channels, width, 1, dilation=(after, after)))
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            self.stages[f"layer{number}"] = Stage((f"layer{number}",), channels, reach)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `layer1` ... `layer4`."""
        maps = {"stem": self.relu(self.bn1(self.conv1(x)))}
        x = self.maxpool(maps["stem"])
        for name in ("layer1", "layer2", "layer3", "layer4"):
            x = maps[name] = self.get_submodule(name)(x)
        return maps


class ResNet(ResNetTrunk, ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 32.

    `v1` and `small` are the trunk's.
    """

    heads = ("fc",)

    def __init__(
        self,
        row: Row,
        classes: int = 1000,
        in_channels: int = 3,
        *,
        v1: bool = False,
        small: bool = False,
    ) -> None:
        super().__init__(row, in_channels, v1=v1, small=small)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        channels = self.stages["layer4"].channels
        self.fc = nn.Linear(channels, check_classes(classes))
        self.stages["head"] = Stage(("fc",), classes, 0)
        init.he_fan_out(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return self.fc(torch.flatten(pooled, 1))  # type: ignore[no-any-return]


def _shortcut(row: Row, in_channels: int, channels: int, stride: int) -> nn.Module | None:
    """None where nothing changes, else the row's option: zeros, or a 1x1 convolution and a norm."""
    if not row.shortcut or (stride == 1 and in_channels == channels):
        return None
    if row.shortcut == "A":
        return ZeroPadShortcut(in_channels, channels, stride)
    convolution = nn.Conv2d(in_channels, channels, 1, stride, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels))


NETS = {name: partial(ResNet, row) for name, row in ROWS.items()}
