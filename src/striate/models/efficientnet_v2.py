"""EfficientNetV2: Smaller Models and Faster Training. Tan, Le, ICML 2021.

https://arxiv.org/abs/2104.00298. The idea: depthwise filters need few operations but are slow, so
the early blocks expand with a full 3x3 convolution ("Fused-MBConv"), and inputs grow while it
trains.

As in torchvision every side is padded alike; the paper's weights were made with TensorFlow's
padding. A block's attention is made of a quarter of the width it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from striate.layers import ConvNormAct, InvertedResidual, StochasticDepth
from striate.models.efficientnet import EfficientNet, Piece, attention, drop_rates


@dataclass(frozen=True, slots=True)
class Row:
    """A line of table 4: Fused-MBConv or MBConv with its expansion, stride, channels, layers."""

    fused: bool
    expand: int
    stride: int
    channels: int
    layers: int


S = (
    Row(True, 1, 1, 24, 2),
    Row(True, 4, 2, 48, 4),
    Row(True, 4, 2, 64, 4),
    Row(False, 4, 2, 128, 6),
    Row(False, 6, 1, 160, 9),
    Row(False, 6, 2, 256, 15),
)

unit = partial(
    ConvNormAct,
    norm=partial(nn.BatchNorm2d, eps=1e-3),
    act=partial(nn.SiLU, inplace=True),
)


class FusedInvertedResidual(nn.Module):
    """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride)): the first two steps in one.

    y = project(expand(x)), plus x where stride is 1 and O = I: a 3x3 convolution to `expanded`
    channels and a 1x1 convolution back, without an activation. Where nothing is expanded the 3x3
    convolution leads to O by itself.
    """

    def __init__(
        self, in_channels: int, expanded: int, out_channels: int, *, stride: int, drop: float
    ) -> None:
        super().__init__()
        if expanded == in_channels:
            self.block = nn.Sequential(unit(in_channels, out_channels, 3, stride=stride))
        else:
            self.block = nn.Sequential(
                unit(in_channels, expanded, 3, stride=stride),
                unit(expanded, out_channels, 1, act=None),
            )
        self.adds = stride == 1 and in_channels == out_channels
        self.drop = StochasticDepth(drop)

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride))."""
        y = self.block(x)
        return x + self.drop(y) if self.adds else y  # type: ignore[no-any-return]


def efficientnet_v2(
    rows: tuple[Row, ...], classes: int = 1000, in_channels: int = 3
) -> EfficientNet:
    """EfficientNetV2-S, for pictures of any size; the paper trains it to 300 and tests at 384."""
    channels, stride = rows[0].channels, 2
    pieces = {"stem": Piece(unit(in_channels, channels, 3, stride=2), channels, stride)}
    rates = drop_rates([row.layers for row in rows])
    for number, row in enumerate(rows, 1):
        blocks = _stage(row, channels, next(rates))
        channels, stride = row.channels, stride * row.stride
        pieces[f"stage{number}"] = Piece(blocks, channels, stride)
    pieces["top"] = Piece(unit(channels, 1280, 1), 1280, stride)
    return EfficientNet(pieces, 0.2, classes)


def _stage(row: Row, before: int, rates: list[float]) -> nn.Sequential:
    """One block for each rate; the first strides, and leads from the one width to the other."""
    blocks: list[nn.Module] = []
    for number, rate in enumerate(rates):
        width, stride = (before, row.stride) if number == 0 else (row.channels, 1)
        sizes = width, width * row.expand, row.channels
        if row.fused:
            blocks.append(FusedInvertedResidual(*sizes, stride=stride, drop=rate))
        else:
            gates = attention(width, width * row.expand)
            blocks.append(
                InvertedResidual(*sizes, stride=stride, unit=unit, attention=gates, drop=rate)
            )
    return nn.Sequential(*blocks)


NETS = {"efficientnet_v2_s": partial(efficientnet_v2, S)}
