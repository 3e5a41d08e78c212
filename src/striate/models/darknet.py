"""YOLOv3: An Incremental Improvement. Redmon, Farhadi, 2018: its backbone, Darknet-53.

https://arxiv.org/abs/1804.02767. The idea: 52 convolutions as small residual blocks, each a 1x1
that halves the channels and a 3x3 that doubles them again, and no pooling but at the end.

Names and order are timm's, but for its `stages` and `head.fc`, which are `layers` and `fc` here.
Also timm's is the slope of 0.01 below zero; the authors' own code has 0.1.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from striate.layers import init
from striate.models.contract import ConvNet, Stage, check_classes, last

BLOCKS = (1, 2, 8, 8, 4)
"""Residual blocks at each size of map."""


class Unit(nn.Sequential):
    """(B, I, H, W) -> (B, O, H / stride, W / stride): convolution, norm, leaky ReLU."""

    def __init__(self, in_channels: int, channels: int, kernel_size: int, stride: int = 1) -> None:
        padding = kernel_size // 2
        super().__init__(
            OrderedDict(
                conv=nn.Conv2d(in_channels, channels, kernel_size, stride, padding, bias=False),
                bn=nn.BatchNorm2d(channels),
                act=nn.LeakyReLU(0.01, inplace=True),
            )
        )


class Block(nn.Module):
    """(B, C, H, W) -> (B, C, H, W): x + conv2(conv1(x)), a 1x1 to C / 2 and a 3x3 back to C."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = Unit(channels, channels // 2, 1)
        self.conv2 = Unit(channels // 2, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return x + self.conv2(self.conv1(x))  # type: ignore[no-any-return]


class Darknet53(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 32."""

    heads = ("fc",)

    def __init__(self, classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(OrderedDict(conv1=Unit(in_channels, 32, 3)))
        self.stages = {"stem": Stage(("stem",), 32, 1)}
        self.layers = nn.Sequential()
        for index, depth in enumerate(BLOCKS):
            width = 64 * 2**index
            blocks = nn.Sequential(*(Block(width) for _ in range(depth)))
            self.layers.append(
                nn.Sequential(OrderedDict(conv_down=Unit(width // 2, width, 3, 2), blocks=blocks))
            )
            self.stages[f"layer{index + 1}"] = Stage((f"layers.{index}",), width, 2 ** (index + 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(1024, check_classes(classes))
        self.stages["head"] = Stage(("fc",), classes, 0)
        init.he(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `layer1` ... `layer5`."""
        x = self.stem(x)
        maps = {"stem": x}
        for number, layer in enumerate(self.layers, 1):
            x = maps[f"layer{number}"] = layer(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return self.fc(torch.flatten(pooled, 1))  # type: ignore[no-any-return]


NETS = {"darknet53": Darknet53}
