"""Xception: Deep Learning with Depthwise Separable Convolutions. Chollet, CVPR 2017.

https://arxiv.org/abs/1610.02357. The idea: Inception's limit. Each map is filtered by itself, and
1x1 filters mix the maps: space and channels apart, in 36 layers with residual sums around them.

The names and the norms' eps of 1e-5 are those of timm's `legacy_xception`; the paper's dropout of
0.5 before the last layer is left out, as there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from striate.layers import init
from striate.models.contract import ConvNet, Stage, check_classes, last


class Separable(nn.Sequential):
    """(B, I, H, W) -> (B, O, H, W): 3x3 filters on each map by itself, then 1x1; no activation."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        depthwise = nn.Conv2d(in_channels, in_channels, 3, 1, 1, groups=in_channels, bias=False)
        self.add_module("conv1", depthwise)
        self.add_module("pointwise", nn.Conv2d(in_channels, out_channels, 1, bias=False))


class Block(nn.Module):
    """(B, I, H, W) -> (B, O, H', W'): y = rep(x) + skip(x), ReLU before each separable layer.

    `channels` are the maps between the layers, from I to O. Where O is not I, a pooling of stride
    2 closes the branch and the shortcut is a strided 1x1 convolution; otherwise it is x itself.
    `relu_first=False` is for the first block, whose input comes from a ReLU.
    """

    def __init__(self, *channels: int, relu_first: bool = True) -> None:
        super().__init__()
        self.skip, self.skipbn = None, None
        pool: list[nn.Module] = []
        if channels[0] != channels[-1]:
            self.skip = nn.Conv2d(channels[0], channels[-1], 1, 2, bias=False)
            self.skipbn = nn.BatchNorm2d(channels[-1])
            pool = [nn.MaxPool2d(3, 2, 1)]
        steps: list[nn.Module] = []
        for index in range(1, len(channels)):
            # The shortcut needs the block's input as it was: the first ReLU is not in place.
            steps += [nn.ReLU(inplace=index > 1)] if index > 1 or relu_first else []
            steps += [Separable(channels[index - 1], channels[index])]
            steps += [nn.BatchNorm2d(channels[index])]
        self.rep = nn.Sequential(*steps, *pool)

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, H', W')."""
        shortcut = x if self.skip is None or self.skipbn is None else self.skipbn(self.skip(x))
        return self.rep(x) + shortcut  # type: ignore[no-any-return]


class Xception(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 7."""

    heads = ("fc",)

    def __init__(self, classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 32, 3, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.block1 = Block(64, 128, 128, relu_first=False)
        self.block2 = Block(128, 256, 256)
        self.block3 = Block(256, 728, 728)
        middle = tuple(f"block{number}" for number in range(4, 12))
        for name in middle:
            self.add_module(name, Block(728, 728, 728, 728))
        self.block12 = Block(728, 728, 1024)
        self.conv3 = Separable(1024, 1536)
        self.bn3 = nn.BatchNorm2d(1536)
        self.conv4 = Separable(1536, 2048)
        self.bn4 = nn.BatchNorm2d(2048)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2048, check_classes(classes))
        self.stages = {
            "stem": Stage(("conv1", "bn1", "conv2", "bn2"), 64, 2),
            "entry1": Stage(("block1",), 128, 4),
            "entry2": Stage(("block2",), 256, 8),
            "entry3": Stage(("block3",), 728, 16),
            "middle": Stage(middle, 728, 16),
            "exit": Stage(("block12", "conv3", "bn3", "conv4", "bn4"), 2048, 32),
            "head": Stage(("fc",), classes, 0),
        }
        # Two linear steps stand between ReLUs, so that He's factor of 2 for each would explode.
        init.lecun(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `entry1` to `entry3`, `middle`, `exit`."""
        x = self.relu(self.bn1(self.conv1(x)))
        maps = {"stem": self.relu(self.bn2(self.conv2(x)))}
        maps["entry1"] = self.block1(maps["stem"])
        maps["entry2"] = self.block2(maps["entry1"])
        maps["entry3"] = x = self.block3(maps["entry2"])
        for name in self.stages["middle"].parts:
            x = maps["middle"] = self.get_submodule(name)(x)
        x = self.relu(self.bn3(self.conv3(self.block12(x))))
        maps["exit"] = self.relu(self.bn4(self.conv4(x)))
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return self.fc(torch.flatten(pooled, 1))  # type: ignore[no-any-return]


NETS = {"xception": Xception}
