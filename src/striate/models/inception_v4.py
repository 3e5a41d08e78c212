"""Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning. Szegedy,
Ioffe, Vanhoucke, Alemi, AAAI 2017.

https://arxiv.org/abs/1602.07261. The idea: Inception made regular, the same block over and over
for each size of map, and a stem that already branches.

The names are timm's (`features.0` to `features.21`). Means at a border count only what is inside
it, as in the released network; the paper's dropout of 0.2 before the last layer is left out, as
in timm.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from striate.layers import Inception, InceptionConv, NumberedInception, init
from striate.models.contract import ConvNet, Stage, Trunk, check_classes, last


class InceptionV4(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 75."""

    heads = ("last_linear",)

    def __init__(self, classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        self.features = Trunk(
            {
                "stem": _stem(in_channels),
                "mixed_5": [_second_join(), *(_block_a() for _ in range(4))],
                "mixed_6": [
                    reduction_a(384, (192, 224, 256), 384),
                    *(_block_b() for _ in range(7)),
                ],
                "mixed_7": [_reduction_b(), *(_block_c() for _ in range(3))],
            }
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.last_linear = nn.Linear(1536, check_classes(classes))
        ends = (192, 4), (384, 8), (1024, 16), (1536, 32)
        self.stages = self.features.stages_under("features", ends)
        self.stages["head"] = Stage(("last_linear",), classes, 0)
        init.he(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return self.last_linear(torch.flatten(pooled, 1))  # type: ignore[no-any-return]


def _stem(in_channels: int) -> list[nn.Module]:
    """(B, in_channels, H, W) -> (B, 192, H / 4, W / 4): figure 3, up to its second join."""
    unit = InceptionConv
    return [
        unit(in_channels, 32, 3, stride=2, padding=0),
        unit(32, 32, 3, padding=0),
        unit(32, 64, 3),
        Inception({"maxpool": nn.MaxPool2d(3, 2), "conv": unit(64, 96, 3, stride=2, padding=0)}),
        Inception(
            {
                "branch0": nn.Sequential(unit(160, 64, 1), unit(64, 96, 3, padding=0)),
                "branch1": nn.Sequential(
                    unit(160, 64, 1),
                    unit(64, 64, (1, 7)),
                    unit(64, 64, (7, 1)),
                    unit(64, 96, 3, padding=0),
                ),
            }
        ),
    ]


def _second_join() -> Inception:
    """(B, 192, H, W) -> (B, 384, (H - 1) // 2, (W - 1) // 2): the end of figure 3."""
    filters = InceptionConv(192, 192, 3, stride=2, padding=0)
    return Inception({"conv": filters, "maxpool": nn.MaxPool2d(3, 2)})


def _block_a() -> Inception:
    """(B, 384, H, W) -> (B, 384, H, W): Inception-A, figure 4."""
    unit = InceptionConv
    return Inception(
        {
            "branch0": unit(384, 96, 1),
            "branch1": nn.Sequential(unit(384, 64, 1), unit(64, 96, 3)),
            "branch2": nn.Sequential(unit(384, 64, 1), unit(64, 96, 3), unit(96, 96, 3)),
            "branch3": nn.Sequential(mean(), unit(384, 96, 1)),
        }
    )


def _block_b() -> Inception:
    """(B, 1024, H, W) -> (B, 1024, H, W): Inception-B, figure 5."""
    unit = InceptionConv
    return Inception(
        {
            "branch0": unit(1024, 384, 1),
            "branch1": nn.Sequential(
                unit(1024, 192, 1), unit(192, 224, (1, 7)), unit(224, 256, (7, 1))
            ),
            "branch2": nn.Sequential(
                unit(1024, 192, 1),
                unit(192, 192, (7, 1)),
                unit(192, 224, (1, 7)),
                unit(224, 224, (7, 1)),
                unit(224, 256, (1, 7)),
            ),
            "branch3": nn.Sequential(mean(), unit(1024, 128, 1)),
        }
    )


def _block_c() -> NumberedInception:
    """(B, 1536, H, W) -> (B, 1536, H, W): Inception-C, figure 6, where two branches fork."""
    unit = InceptionConv
    return NumberedInception(
        {
            "branch0": [unit(1536, 256, 1)],
            "branch1": [unit(1536, 384, 1), (unit(384, 256, (1, 3)), unit(384, 256, (3, 1)))],
            "branch2": [
                unit(1536, 384, 1),
                unit(384, 448, (3, 1)),
                unit(448, 512, (1, 3)),
                (unit(512, 256, (1, 3)), unit(512, 256, (3, 1))),
            ],
            "branch3": [nn.Sequential(mean(), unit(1536, 256, 1))],
        },
        first=0,
    )


def reduction_a(channels: int, threes: tuple[int, int, int], one: int) -> Inception:
    """(B, C, H, W) -> (B, n + m + C, (H - 1) // 2, (W - 1) // 2): figure 7.

    `threes` are table 1's k, l, m, the branch of three convolutions; `one` is n, that of one.
    """
    unit, (first, middle, end) = InceptionConv, threes
    return Inception(
        {
            "branch0": unit(channels, one, 3, stride=2, padding=0),
            "branch1": nn.Sequential(
                unit(channels, first, 1),
                unit(first, middle, 3),
                unit(middle, end, 3, stride=2, padding=0),
            ),
            "branch2": nn.MaxPool2d(3, 2),
        }
    )


def _reduction_b() -> Inception:
    """(B, 1024, H, W) -> (B, 1536, (H - 1) // 2, (W - 1) // 2): figure 8."""
    unit = InceptionConv
    return Inception(
        {
            "branch0": nn.Sequential(unit(1024, 192, 1), unit(192, 192, 3, stride=2, padding=0)),
            "branch1": nn.Sequential(
                unit(1024, 256, 1),
                unit(256, 256, (1, 7)),
                unit(256, 320, (7, 1)),
                unit(320, 320, 3, stride=2, padding=0),
            ),
            "branch2": nn.MaxPool2d(3, 2),
        }
    )


def mean() -> nn.AvgPool2d:
    """(B, C, H, W) -> (B, C, H, W): of the 3x3 around each position, as far as it is inside."""
    return nn.AvgPool2d(3, 1, 1, count_include_pad=False)


NETS = {"inception_v4": InceptionV4}
