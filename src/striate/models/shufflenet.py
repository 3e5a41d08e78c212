"""ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design. Ma, Zhang, Zheng, Sun.

ECCV 2018, https://arxiv.org/abs/1807.11164. The idea: half of the channels pass a block untouched,
then the channels are shuffled, so that the next block sees both halves; no group convolutions, no
sums, equal widths: what costs memory traffic is avoided. Names are torchvision's.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from striate.layers import ConvNormAct, GlobalAveragePool, init
from striate.models.contract import ConvNet, Stage, check_classes, last

DEPTHS = (4, 8, 4)
"""Blocks of stages 2, 3 and 4 (the paper's table 5)."""
WIDTHS = {
    "shufflenet_v2_x0_5": (48, 96, 192, 1024),
    "shufflenet_v2_x1_0": (116, 232, 464, 1024),
    "shufflenet_v2_x1_5": (176, 352, 704, 1024),
    "shufflenet_v2_x2_0": (244, 488, 976, 2048),
}
"""Channels of stages 2, 3, 4 and of the last convolution (the same table)."""


class Shuffled(nn.Module):
    """(B, C, H, W) -> (B, C, H, W): the second half is filtered, the first passes, then a shuffle.

    Two channels of the input that stood half the width apart are neighbours afterwards.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch2 = _branch(channels // 2, channels // 2, 1)
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        passed, changed = x.chunk(2, 1)
        return self.shuffle(torch.cat([passed, self.branch2(changed)], 1))  # type: ignore[no-any-return]


class Halving(nn.Module):
    """(B, I, H, W) -> (B, O, ceil(H / 2), ceil(W / 2)): two branches of stride 2, then shuffle."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.branch1 = nn.Sequential(
            *_depthwise(in_channels, 2), *ConvNormAct(in_channels, half, 1)
        )
        self.branch2 = _branch(in_channels, half, 2)
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, ceil(H / 2), ceil(W / 2))."""
        return self.shuffle(torch.cat([self.branch1(x), self.branch2(x)], 1))  # type: ignore[no-any-return]


class ShuffleNetV2(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 32."""

    heads = ("fc",)

    def __init__(
        self, widths: tuple[int, int, int, int], classes: int = 1000, in_channels: int = 3
    ) -> None:
        super().__init__()
        channels, reach, top = 24, 4, widths[-1]
        self.conv1 = ConvNormAct(in_channels, channels, stride=2)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.stages = {"conv1": Stage(("conv1",), channels, 2)}
        for number, (width, depth) in enumerate(zip(widths, DEPTHS, strict=False), 2):
            blocks = [Halving(channels, width), *(Shuffled(width) for _ in range(depth - 1))]
            self.add_module(f"stage{number}", nn.Sequential(*blocks))
            channels, reach = width, 2 * reach
            self.stages[f"stage{number}"] = Stage((f"stage{number}",), channels, reach)
        self.conv5 = ConvNormAct(channels, top, 1)
        self.stages["conv5"] = Stage(("conv5",), top, reach)
        self.pool = GlobalAveragePool()
        self.fc = nn.Linear(top, check_classes(classes))
        self.stages["head"] = Stage(("fc",), classes, 0)
        init.he(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `conv1`, `stage2` ... `stage4`, `conv5`."""
        maps = {"conv1": self.conv1(x)}
        x = self.maxpool(maps["conv1"])
        for name in ("stage2", "stage3", "stage4", "conv5"):
            x = maps[name] = self.get_submodule(name)(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        return self.fc(self.pool(last(self.features(x))))  # type: ignore[no-any-return]


def _depthwise(channels: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
    return [convolution, nn.BatchNorm2d(channels)]


def _branch(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """Mix by 1x1, filter each map without an activation, mix again."""
    return nn.Sequential(
        *ConvNormAct(in_channels, out_channels, 1),
        *_depthwise(out_channels, stride),
        *ConvNormAct(out_channels, out_channels, 1),
    )


NETS = {name: partial(ShuffleNetV2, widths) for name, widths in WIDTHS.items()}
