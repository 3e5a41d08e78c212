"""Designing Network Design Spaces. Radosavovic, Kosaraju, Girshick, He, Dollar, CVPR 2020.

https://arxiv.org/abs/2003.13678. The idea: search not for one network but for a simple rule whose
networks are all good: the width grows linearly with depth, in steps where each stage is a constant
width. This is RegNetY (with squeeze-and-excitation) of 400 million multiply-adds, whose rule
w = 48 + 27.89 j, steps of 2.09, gives the widths below. As in torchvision.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from striate.layers import ConvNormAct, SqueezeExcite, init
from striate.models.contract import ConvNet, Stage, check_classes, last

DEPTHS = (1, 3, 6, 6)
WIDTHS = (48, 104, 208, 440)
GROUP_WIDTH = 8


class YBlock(nn.Module):
    """(B, I, H, W) -> (B, O, H / stride, W / stride): 1x1, grouped 3x3, attention, 1x1, shortcut.

    The attention keeps a quarter of the block's *input* channels, as the paper's code does.
    """

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.proj = None
        if stride > 1 or in_channels != width:
            self.proj = ConvNormAct(in_channels, width, 1, stride=stride, act=None)
        groups = width // GROUP_WIDTH
        self.f = nn.Sequential(
            OrderedDict(
                a=ConvNormAct(in_channels, width, 1),
                b=ConvNormAct(width, width, 3, stride=stride, groups=groups),
                se=SqueezeExcite(width, round(in_channels / 4)),
                c=ConvNormAct(width, width, 1, act=None),
            )
        )
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, H / stride, W / stride)."""
        shortcut = x if self.proj is None else self.proj(x)
        return self.activation(shortcut + self.f(x))  # type: ignore[no-any-return]


class RegNet(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 32."""

    heads = ("fc",)

    def __init__(self, classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        self.stem = ConvNormAct(in_channels, 32, 3, stride=2)
        self.stages = {"stem": Stage(("stem",), 32, 2)}
        self.trunk_output = nn.Sequential()
        channels = 32
        for number, (depth, width) in enumerate(zip(DEPTHS, WIDTHS, strict=True), 1):
            name, blocks = f"block{number}", nn.Sequential()
            for index in range(depth):
                block = YBlock(channels, width, 1 if index else 2)
                blocks.add_module(f"{name}-{index}", block)
                channels = width
            self.trunk_output.add_module(name, blocks)
            self.stages[name] = Stage((f"trunk_output.{name}",), width, 2 ** (number + 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, check_classes(classes))
        self.stages["head"] = Stage(("fc",), classes, 0)
        init.he_fan_out(self)
        nn.init.normal_(self.fc.weight, 0, 0.01)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `block1` ... `block4`."""
        x = self.stem(x)
        maps = {"stem": x}
        for name, stage in self.trunk_output.named_children():
            x = maps[name] = stage(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return self.fc(torch.flatten(pooled, 1))  # type: ignore[no-any-return]


NETS = {"regnet_y_400mf": RegNet}
