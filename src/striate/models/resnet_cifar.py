"""Residual networks for pictures of 32 pixels: He et al. 2016 and wide ones, Zagoruyko et al. 2016.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
https://arxiv.org/abs/1512.03385, section 4.2: 6n + 2 layers, three sizes of map, shortcuts that
pad with zeros (option A), so that a residual net has exactly the parameters of the plain one. One
deviation, in how it starts: the last norm's weights of the 3n blocks are 1 / sqrt(3n), not 1, so
that the sum over 600 blocks of resnet1202 stays a number before its norms have seen any batch.

Zagoruyko, Komodakis, "Wide Residual Networks", BMVC 2016, https://arxiv.org/abs/1605.07146. The
idea: 16 wide layers learn what a thousand thin ones do, and faster. Norm and ReLU stand before
each convolution, and a block that changes the channels projects its normed input.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import arguments, init
from striate.models.contract import ConvNet, Stage, check_classes, last
from striate.models.resnet import Basic, Row

DEPTHS = {
    "resnet20": 3,
    "resnet32": 5,
    "resnet44": 7,
    "resnet56": 9,
    "resnet110": 18,
    "resnet1202": 200,
}
"""The paper's n: residual blocks at each size of map."""

PLAIN = {"plain20": 3, "plain32": 5, "plain44": 7, "plain56": 9}
"""The same nets without shortcuts, which the paper compares them with."""

WIDE = {"wrn_16_8": (16, 8), "wrn_28_10": (28, 10), "wrn_40_4": (40, 4)}
"""The paper's depth and widening factor."""

WIDTHS = (16, 32, 64)


class ResNetCifar(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes).

    `shortcut` is the paper's option A or B, or empty: a plain net, without any.
    """

    heads = ("fc",)

    def __init__(
        self, n: int, classes: int = 10, in_channels: int = 3, *, shortcut: str = "A"
    ) -> None:
        super().__init__()
        if shortcut not in ("", "A", "B"):
            expected = '"A" (zeros), "B" (1x1 convolutions) or "" (none)'
            raise ArgumentError("shortcut", shortcut, expected)
        row = Row((n, n, n), shortcut=shortcut)
        self.conv1 = nn.Conv2d(in_channels, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.stages = {"stem": Stage(("conv1", "bn1"), 16, 1)}
        channels, reach = 16, 1
        for number, width in enumerate(WIDTHS, 1):
            stride = 1 if number == 1 else 2
            first = Basic(row, channels, width, stride)
            rest = [Basic(row, width, width, 1) for _ in range(n - 1)]
            self.add_module(f"layer{number}", nn.Sequential(first, *rest))
            channels, reach = width, reach * stride
            self.stages[f"layer{number}"] = Stage((f"layer{number}",), channels, reach)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, check_classes(classes))
        self.stages["head"] = Stage(("fc",), classes, 0)
        init.he(self)
        if shortcut:
            self._calm(3 * n)

    def _calm(self, blocks: int) -> None:
        """Let the sum over the blocks start with about the variance of one."""
        for block in self.modules():
            if isinstance(block, Basic):
                nn.init.constant_(block.bn2.weight, blocks**-0.5)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `layer1`, `layer2`, `layer3`."""
        x = self.relu(self.bn1(self.conv1(x)))
        maps = {"stem": x}
        for name in ("layer1", "layer2", "layer3"):
            x = maps[name] = self.get_submodule(name)(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return self.fc(torch.flatten(pooled, 1))  # type: ignore[no-any-return]


class Wide(nn.Module):
    """(B, I, H, W) -> (B, O, H / stride, W / stride): norm, ReLU, 3x3, norm, ReLU, 3x3, shortcut.

    `dropout` is the paper's, between the convolutions.
    """

    def __init__(self, in_channels: int, width: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(dropout)
        self.shortcut = (
            None if in_channels == width else nn.Conv2d(in_channels, width, 1, stride, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, H / stride, W / stride)."""
        ready = self.relu(self.bn1(x))
        y = self.dropout(self.relu(self.bn2(self.conv1(ready))))
        shortcut = x if self.shortcut is None else self.shortcut(ready)
        return self.conv2(y) + shortcut  # type: ignore[no-any-return]


class WideResNet(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes); the paper also trained with `dropout=0.3`."""

    heads = ("fc",)

    def __init__(
        self,
        depth: int,
        factor: int,
        classes: int = 10,
        in_channels: int = 3,
        *,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        arguments.share("dropout", dropout)
        self.conv1 = nn.Conv2d(in_channels, 16, 3, 1, 1, bias=False)
        self.stages = {"stem": Stage(("conv1",), 16, 1)}
        channels, reach = 16, 1
        for number, base in enumerate(WIDTHS, 1):
            width, stride = base * factor, 1 if number == 1 else 2
            first = Wide(channels, width, stride, dropout)
            rest = [Wide(width, width, 1, dropout) for _ in range((depth - 4) // 6 - 1)]
            self.add_module(f"layer{number}", nn.Sequential(first, *rest))
            channels, reach = width, reach * stride
            self.stages[f"layer{number}"] = Stage((f"layer{number}",), channels, reach)
        self.bn1 = nn.BatchNorm2d(channels)
        self.stages["layer3"] = Stage(("layer3", "bn1"), channels, reach)
        self.relu = nn.ReLU(inplace=True)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, check_classes(classes))
        self.stages["head"] = Stage(("fc",), classes, 0)
        init.he(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `layer1`, `layer2`, `layer3`, the last normed."""
        x = self.conv1(x)
        maps = {"stem": x}
        for name in ("layer1", "layer2", "layer3"):
            x = maps[name] = self.get_submodule(name)(x)
        maps["layer3"] = self.relu(self.bn1(x))
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return self.fc(torch.flatten(pooled, 1))  # type: ignore[no-any-return]


NETS = (
    {name: partial(ResNetCifar, n) for name, n in DEPTHS.items()}
    | {name: partial(ResNetCifar, n, shortcut="") for name, n in PLAIN.items()}
    | {name: partial(WideResNet, *row) for name, row in WIDE.items()}
)
