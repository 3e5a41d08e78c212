"""EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks. Tan, Le, ICML 2019.

https://arxiv.org/abs/1905.11946. The idea: a network twice as costly is best made deeper, wider and
finer in its input at once, by one coefficient; B1 to B7 are B0 so scaled. EfficientNet-Lite (Liu,
TensorFlow blog, 2020) leaves out what integer arithmetic dislikes, channel attention and swish, and
keeps stem, top, and the depth of the first and last stage as in B0.

The paper's networks are TensorFlow's: `same=True` pads and normalises as they do, for their
weights. Without it each side is padded alike, as in torchvision, and the norm's constants are
those of the weights torchvision publishes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from torch import Tensor, nn

from striate.layers import ConvNormAct, InvertedResidual, SamePadConv2d, SqueezeExcite, init
from striate.layers.channels import rounded
from striate.layers.conv import Build
from striate.models.contract import ConvNet, Stage, Trunk, check_classes, last


@dataclass(frozen=True, slots=True)
class Blocks:
    """A line of table 1: MBConv with its expansion and kernel, stride, channels, layers.

    The first layer has the stride; the paper prints the resolutions that follow from it.
    """

    expand: int
    kernel: int
    stride: int
    channels: int
    layers: int


B0 = (
    Blocks(1, 3, 1, 16, 1),
    Blocks(6, 3, 2, 24, 2),
    Blocks(6, 5, 2, 40, 2),
    Blocks(6, 3, 2, 80, 3),
    Blocks(6, 5, 1, 112, 3),
    Blocks(6, 5, 2, 192, 4),
    Blocks(6, 3, 1, 320, 1),
)


class Constants(NamedTuple):
    """Of a batch norm, in torch's meaning: a momentum of 0.01 is TensorFlow's 0.99."""

    eps: float
    momentum: float


TORCH = Constants(1e-5, 0.1)
TENSORFLOW = Constants(1e-3, 0.01)


@dataclass(frozen=True, slots=True)
class Row:
    """One scaling of B0: width, depth, resolution it is trained at, dropout before the head."""

    width: float
    depth: float
    resolution: int
    dropout: float
    lite: bool = False
    norm: Constants = TORCH


ROWS = {
    "efficientnet_b0": Row(1.0, 1.0, 224, 0.2),
    "efficientnet_b1": Row(1.0, 1.1, 240, 0.2),
    "efficientnet_b2": Row(1.1, 1.2, 260, 0.3),
    "efficientnet_b3": Row(1.2, 1.4, 300, 0.3),
    "efficientnet_b4": Row(1.4, 1.8, 380, 0.4),
    "efficientnet_b5": Row(1.6, 2.2, 456, 0.4, norm=TENSORFLOW),
    "efficientnet_b6": Row(1.8, 2.6, 528, 0.5, norm=TENSORFLOW),
    "efficientnet_b7": Row(2.0, 3.1, 600, 0.5, norm=TENSORFLOW),
    "efficientnet_lite0": Row(1.0, 1.0, 224, 0.2, lite=True),
    "efficientnet_lite1": Row(1.0, 1.1, 240, 0.2, lite=True),
    "efficientnet_lite2": Row(1.1, 1.2, 260, 0.3, lite=True),
    "efficientnet_lite3": Row(1.2, 1.4, 280, 0.3, lite=True),
    "efficientnet_lite4": Row(1.4, 1.8, 300, 0.3, lite=True),
}

DROP = 0.2
"""The rate of stochastic depth that the blocks approach, from 0 in the first."""


class Piece(NamedTuple):
    """One piece of the trunk: the module, and the map it leaves."""

    module: nn.Module
    channels: int
    stride: int


class EfficientNet(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes): pieces one after the other, mean, dropout."""

    heads = ("classifier.1",)

    def __init__(self, pieces: dict[str, Piece], dropout: float, classes: int) -> None:
        super().__init__()
        self.features = Trunk({name: [piece.module] for name, piece in pieces.items()})
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        width = pieces["top"].channels
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(width, check_classes(classes))
        )
        ends = [(piece.channels, piece.stride) for piece in pieces.values()]
        self.stages = self.features.stages_under("features", ends)
        self.stages["head"] = Stage(("classifier",), classes, 0)
        _initialise(self.features)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        return self.classifier(self.avgpool(last(self.features(x))).flatten(1))  # type: ignore[no-any-return]


def efficientnet(
    row: Row,
    classes: int = 1000,
    in_channels: int = 3,
    *,
    same: bool = False,
    small: bool = False,
) -> EfficientNet:
    """One of B0 to B7 or Lite0 to Lite4, for pictures of any size.

    `same` is TensorFlow's arithmetic, padding "same" and its norm's constants, which weights made
    there need: with torch's, Lite0's own lose 6 points on photographs of ants and bees. `small` is
    the stem for pictures of 32 pixels, of stride 1.
    """
    unit = _unit(row, same)
    width = 1.0 if row.lite else row.width
    channels, stride = rounded(32 * width), 1 if small else 2
    pieces = {"stem": Piece(unit(in_channels, channels, 3, stride=stride), channels, stride)}
    rates = drop_rates(_depths(row))
    for number, line in enumerate(B0, 1):
        after = rounded(line.channels * row.width)
        blocks = _stage(line, unit, (channels, after), next(rates), row.lite)
        channels, stride = after, stride * line.stride
        pieces[f"stage{number}"] = Piece(blocks, channels, stride)
    top = rounded(1280 * width)
    pieces["top"] = Piece(unit(channels, top, 1), top, stride)
    return EfficientNet(pieces, row.dropout, classes)


def drop_rates(depths: Sequence[int]) -> Iterator[list[float]]:
    """For each stage its blocks' rates of stochastic depth: all blocks in equal steps from 0."""
    block, total = 0, sum(depths)
    for depth in depths:
        yield [DROP * number / total for number in range(block, block + depth)]
        block += depth


def attention(channels: int, inner: int) -> SqueezeExcite:
    """Among a block's `inner` channels, by a quarter of the `channels` that it is given."""
    return SqueezeExcite(inner, max(1, channels // 4), act=partial(nn.SiLU, inplace=True))


class SameUnit(ConvNormAct):
    """A `ConvNormAct` that pads as TensorFlow does; only a stride above 1 makes a difference."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1, **rest: Any
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride=stride, **rest)
        if stride > 1:
            groups = rest.get("groups", 1)
            self[0] = SamePadConv2d(
                in_channels, out_channels, kernel_size, stride=stride, groups=groups, bias=False
            )


def _unit(row: Row, same: bool) -> Build:
    eps, momentum = TENSORFLOW if same else row.norm
    norm = partial(nn.BatchNorm2d, eps=eps, momentum=momentum)
    act = partial(nn.ReLU6 if row.lite else nn.SiLU, inplace=True)
    return partial(SameUnit if same else ConvNormAct, norm=norm, act=act)


def _depths(row: Row) -> list[int]:
    """Layers of the seven stages, scaled and rounded up; Lite leaves the outer two alone."""
    depths = [math.ceil(row.depth * line.layers) for line in B0]
    if row.lite:
        depths[0], depths[-1] = B0[0].layers, B0[-1].layers
    return depths


def _stage(
    line: Blocks, unit: Build, channels: tuple[int, int], rates: list[float], lite: bool
) -> nn.Sequential:
    """One block for each rate; the first strides, and leads from the one width to the other."""
    before, after = channels
    blocks = []
    for number, rate in enumerate(rates):
        width, stride = (before, line.stride) if number == 0 else (after, 1)
        inner = width * line.expand
        block = InvertedResidual(
            width,
            inner,
            after,
            line.kernel,
            stride=stride,
            unit=unit,
            attention=None if lite else attention(width, inner),
            drop=rate,
        )
        blocks.append(block)
    return nn.Sequential(*blocks)


def _initialise(trunk: nn.Module) -> None:
    """As the paper's code: normal by fan-out, which for a depthwise filter is its own area.

    The head stays as torch makes it: by its fan-out, one of few classes begins with large logits.
    """
    init.he_fan_out(trunk)
    for layer in trunk.modules():
        if isinstance(layer, nn.Conv2d) and layer.groups > 1:
            init.he(layer)


NETS = {name: partial(efficientnet, row) for name, row in ROWS.items()}
