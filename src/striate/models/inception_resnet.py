"""Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning. Szegedy,
Ioffe, Vanhoucke, Alemi, AAAI 2017.

https://arxiv.org/abs/1602.07261. The idea: an inception block learns what to add to its input, and
what it adds is scaled down, or else wide networks collapse early in training.

The released network of that name, with timm's names. It is not quite the paper's: its stem is that
of Inception v3, it has 10, 20 and 10 blocks in place of 5, 10 and 5, and a last block without ReLU
adds unscaled. The paper's dropout of 0.2 before the last layer is left out, as in timm.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from striate.layers import Inception, InceptionConv, init
from striate.models.contract import ConvNet, Stage, check_classes, last
from striate.models.inception_v4 import mean, reduction_a


class ScaledResidual(nn.Module):
    """(B, C, H, W) -> (B, C, H, W): y = relu(x + scale * conv2d([branch0(x), branch1(x), ...])).

    `conv2d` is a 1x1 convolution with bias, from the branches' `width` maps back to C. With
    `relu=False` the sum is the answer.
    """

    def __init__(
        self,
        branches: Mapping[str, nn.Module],
        width: int,
        channels: int,
        scale: float,
        *,
        relu: bool = True,
    ) -> None:
        super().__init__()
        self.branches = tuple(branches)
        for name, branch in branches.items():
            self.add_module(name, branch)
        self.conv2d = nn.Conv2d(width, channels, 1)
        self.act = nn.ReLU(inplace=True) if relu else nn.Identity()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        maps = torch.cat([self.get_submodule(name)(x) for name in self.branches], 1)
        return self.act(x + self.scale * self.conv2d(maps))  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """The scale, as `print(net)` shows it."""
        return f"scale={self.scale}"


class InceptionResNetV2(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 75."""

    heads = ("classif",)

    def __init__(self, classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        self.conv2d_1a = InceptionConv(in_channels, 32, 3, stride=2, padding=0)
        self.conv2d_2a = InceptionConv(32, 32, 3, padding=0)
        self.conv2d_2b = InceptionConv(32, 64, 3)
        self.maxpool_3a = nn.MaxPool2d(3, 2)
        self.conv2d_3b = InceptionConv(64, 80, 1)
        self.conv2d_4a = InceptionConv(80, 192, 3, padding=0)
        self.maxpool_5a = nn.MaxPool2d(3, 2)
        self.mixed_5b = _mixed_5b()
        self.repeat = nn.Sequential(*(_block35(0.17) for _ in range(10)))
        self.mixed_6a = reduction_a(320, (256, 256, 384), 384)
        self.repeat_1 = nn.Sequential(*(_block17(0.1) for _ in range(20)))
        self.mixed_7a = _mixed_7a()
        self.repeat_2 = nn.Sequential(*(_block8(0.2) for _ in range(9)))
        self.block8 = _block8(1.0, relu=False)
        self.conv2d_7b = InceptionConv(2080, 1536, 1)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classif = nn.Linear(1536, check_classes(classes))
        stem = ("conv2d_1a", "conv2d_2a", "conv2d_2b", "conv2d_3b", "conv2d_4a")
        self.stages = {
            "stem": Stage(stem, 192, 4),
            "mixed_5": Stage(("mixed_5b", "repeat"), 320, 8),
            "mixed_6": Stage(("mixed_6a", "repeat_1"), 1088, 16),
            "mixed_7": Stage(("mixed_7a", "repeat_2", "block8", "conv2d_7b"), 1536, 32),
            "head": Stage(("classif",), classes, 0),
        }
        init.he(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `mixed_5`, `mixed_6`, `mixed_7`."""
        x = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))
        maps = {"stem": self.conv2d_4a(self.conv2d_3b(self.maxpool_3a(x)))}
        maps["mixed_5"] = self.repeat(self.mixed_5b(self.maxpool_5a(maps["stem"])))
        maps["mixed_6"] = self.repeat_1(self.mixed_6a(maps["mixed_5"]))
        x = self.block8(self.repeat_2(self.mixed_7a(maps["mixed_6"])))
        maps["mixed_7"] = self.conv2d_7b(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return self.classif(torch.flatten(pooled, 1))  # type: ignore[no-any-return]


def _mixed_5b() -> Inception:
    """(B, 192, H, W) -> (B, 320, H, W)."""
    unit = InceptionConv
    return Inception(
        {
            "branch0": unit(192, 96, 1),
            "branch1": nn.Sequential(unit(192, 48, 1), unit(48, 64, 5)),
            "branch2": nn.Sequential(unit(192, 64, 1), unit(64, 96, 3), unit(96, 96, 3)),
            "branch3": nn.Sequential(mean(), unit(192, 64, 1)),
        }
    )


def _block35(scale: float) -> ScaledResidual:
    """(B, 320, H, W) -> (B, 320, H, W): Inception-ResNet-A, figure 16."""
    unit = InceptionConv
    branches = {
        "branch0": unit(320, 32, 1),
        "branch1": nn.Sequential(unit(320, 32, 1), unit(32, 32, 3)),
        "branch2": nn.Sequential(unit(320, 32, 1), unit(32, 48, 3), unit(48, 64, 3)),
    }
    return ScaledResidual(branches, 32 + 32 + 64, 320, scale)


def _block17(scale: float) -> ScaledResidual:
    """(B, 1088, H, W) -> (B, 1088, H, W): Inception-ResNet-B, figure 17."""
    unit = InceptionConv
    branches = {
        "branch0": unit(1088, 192, 1),
        "branch1": nn.Sequential(
            unit(1088, 128, 1), unit(128, 160, (1, 7)), unit(160, 192, (7, 1))
        ),
    }
    return ScaledResidual(branches, 192 + 192, 1088, scale)


def _mixed_7a() -> Inception:
    """(B, 1088, H, W) -> (B, 2080, (H - 1) // 2, (W - 1) // 2): figure 18."""
    unit = InceptionConv
    return Inception(
        {
            "branch0": nn.Sequential(unit(1088, 256, 1), unit(256, 384, 3, stride=2, padding=0)),
            "branch1": nn.Sequential(unit(1088, 256, 1), unit(256, 288, 3, stride=2, padding=0)),
            "branch2": nn.Sequential(
                unit(1088, 256, 1), unit(256, 288, 3), unit(288, 320, 3, stride=2, padding=0)
            ),
            "branch3": nn.MaxPool2d(3, 2),
        }
    )


def _block8(scale: float, *, relu: bool = True) -> ScaledResidual:
    """(B, 2080, H, W) -> (B, 2080, H, W): Inception-ResNet-C, figure 19."""
    unit = InceptionConv
    branches = {
        "branch0": unit(2080, 192, 1),
        "branch1": nn.Sequential(
            unit(2080, 192, 1), unit(192, 224, (1, 3)), unit(224, 256, (3, 1))
        ),
    }
    return ScaledResidual(branches, 192 + 256, 2080, scale, relu=relu)


NETS = {"inception_resnet_v2": InceptionResNetV2}
