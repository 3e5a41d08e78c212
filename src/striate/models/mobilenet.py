"""MobileNets: Efficient Convolutional Neural Networks for Mobile Vision. Howard et al. 2017.

https://arxiv.org/abs/1704.04861. The idea: filter each map by itself, then mix the maps in every
pixel: an eighth of the work of filters that do both. MobileNetV2 (Sandler, Howard, Zhu, Zhmoginov,
Chen 2018, https://arxiv.org/abs/1801.04381) widens a narrow map for the filtering, and adds what
comes back to it.

`width` multiplies the channels (the papers' alpha; 1, 0.75, 0.5, 0.25 in the first), rounded to
multiples of 8. ReLU6 throughout, as in the papers' code. Version 1's last block has stride 1, where
the paper's table says 2 yet keeps 7x7; its names are timm's, version 2's torchvision's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from striate.layers import ConvNormAct, GlobalAveragePool, arguments, init
from striate.layers.channels import rounded
from striate.models.contract import ConvNet, Stage, Trunk, check_classes, last

Act = partial(nn.ReLU6, inplace=True)


@dataclass(frozen=True, slots=True)
class Row:
    """A stage: expansion t, channels c, blocks n, stride s of the first, as in V2's table 2."""

    t: int
    c: int
    n: int
    s: int


V1 = (Row(1, 64, 1, 1), Row(1, 128, 2, 2), Row(1, 256, 2, 2), Row(1, 512, 6, 2), Row(1, 1024, 2, 2))
"""V1's table 1, of equal channels a stage; nothing is widened."""

V2 = (
    Row(1, 16, 1, 1),
    Row(6, 24, 2, 2),
    Row(6, 32, 3, 2),
    Row(6, 64, 4, 2),
    Row(6, 96, 3, 1),
    Row(6, 160, 3, 2),
    Row(6, 320, 1, 1),
)


class Separable(nn.Module):
    """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride)): depthwise 3x3, then 1x1."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(
            in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False
        )
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv_pw = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.act = Act()

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride))."""
        x = self.act(self.bn1(self.conv_dw(x)))
        return self.act(self.bn2(self.conv_pw(x)))  # type: ignore[no-any-return]


class MobileNetV1(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 32.

    `small` is for pictures of 32 pixels: stride 1 in the first convolution and in `stage2`.
    """

    heads = ("classifier",)

    def __init__(
        self,
        classes: int = 1000,
        in_channels: int = 3,
        *,
        width: float = 1.0,
        small: bool = False,
    ) -> None:
        super().__init__()
        arguments.positive("width", width)
        channels, reach = rounded(32 * width), 1 if small else 2
        self.conv_stem = nn.Conv2d(in_channels, channels, 3, reach, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.act = Act()
        self.blocks = nn.Sequential()
        self.stages = {"stem": Stage(("conv_stem", "bn1"), channels, reach)}
        for number, row in enumerate(V1, 1):
            after, stride = rounded(row.c * width), 1 if small and number == 2 else row.s
            blocks = [Separable(channels, after, stride)]
            blocks += [Separable(after, after, 1) for _ in range(row.n - 1)]
            self.blocks.append(nn.Sequential(*blocks))
            channels, reach = after, reach * stride
            self.stages[f"stage{number}"] = Stage((f"blocks.{number - 1}",), channels, reach)
        self.pool = GlobalAveragePool()
        self.classifier = nn.Linear(channels, check_classes(classes))
        self.stages["head"] = Stage(("classifier",), classes, 0)
        init.he(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `stage1` ... `stage5`."""
        x = self.act(self.bn1(self.conv_stem(x)))
        maps = {"stem": x}
        for number, stage in enumerate(self.blocks, 1):
            x = maps[f"stage{number}"] = stage(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        return self.classifier(self.pool(last(self.features(x))))  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride)): wide inside, narrow outside.

    Expand by 1x1 (not where `expansion` is 1), filter each map, return by 1x1 without activation;
    x is added where the shapes agree. `layers.InvertedResidual` under torchvision's names of V2.
    """

    def __init__(self, in_channels: int, out_channels: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = in_channels * expansion
        steps: list[nn.Module] = []
        if expansion > 1:
            steps.append(ConvNormAct(in_channels, inner, 1, act=Act))
        steps += [
            ConvNormAct(inner, inner, 3, stride=stride, groups=inner, act=Act),
            nn.Conv2d(inner, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        ]
        self.conv = nn.Sequential(*steps)
        self.adds = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride))."""
        return x + self.conv(x) if self.adds else self.conv(x)  # type: ignore[no-any-return]


class MobileNetV2(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 32.

    `width` above 1 also widens the last map, below 1 it does not. `small` is for pictures of 32
    pixels: stride 1 in the first convolution and in `stage2`.
    """

    heads = ("classifier.1",)

    def __init__(
        self,
        classes: int = 1000,
        in_channels: int = 3,
        *,
        width: float = 1.0,
        small: bool = False,
    ) -> None:
        super().__init__()
        arguments.positive("width", width)
        channels, reach = rounded(32 * width), 1 if small else 2
        ends = [(channels, reach)]
        pieces: dict[str, list[nn.Module]] = {
            "stem": [ConvNormAct(in_channels, channels, stride=reach, act=Act)]
        }
        for number, row in enumerate(V2, 1):
            after, stride = rounded(row.c * width), 1 if small and number == 2 else row.s
            blocks: list[nn.Module] = [Bottleneck(channels, after, row.t, stride)]
            blocks += [Bottleneck(after, after, row.t, 1) for _ in range(row.n - 1)]
            channels, reach = after, reach * stride
            pieces[f"stage{number}"] = blocks
            ends.append((channels, reach))
        top = rounded(1280 * max(1.0, width))
        pieces["top"] = [ConvNormAct(channels, top, 1, act=Act)]
        ends.append((top, reach))
        self.features = Trunk(pieces)
        self.pool = GlobalAveragePool()
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(top, check_classes(classes)))
        self.stages = self.features.stages_under("features", ends)
        self.stages["head"] = Stage(("classifier",), classes, 0)
        init.he(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        return self.classifier(self.pool(last(self.features(x))))  # type: ignore[no-any-return]


NETS = {"mobilenet_v1": MobileNetV1, "mobilenet_v2": MobileNetV2}
