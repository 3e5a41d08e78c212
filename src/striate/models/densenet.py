"""Densely Connected Convolutional Networks. Huang, Liu, van der Maaten, Weinberger, CVPR 2017.

https://arxiv.org/abs/1608.06993. The idea: every layer is given the maps of all layers before it
in its block, so features are reused, not learned again, and gradients reach every layer directly.

The nets for ImageNet are torchvision's, its 161 included (k = 48, in the paper's first version);
264 is the paper's. The nets for CIFAR are the paper's table 2: the plain ones keep the channels
between blocks; BC has bottlenecks of 4k maps and transitions that halve the channels. The paper's
dropout of 0.2, for data without augmentation, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from striate.layers import DenseBlock, DenseLayer, Transition, init
from striate.models.contract import ConvNet, Stage, check_classes, last


@dataclass(frozen=True, slots=True)
class Row:
    """A column of the paper's table 1 or a line of its table 2."""

    growth: int
    """The paper's k: the maps each layer adds."""
    layers: tuple[int, ...]
    """Layers in each dense block."""
    stem: int
    """Maps before the first block."""
    bc: bool = True
    """Bottlenecks (B) and compression (C)."""
    small: bool = False
    """For pictures of 32 pixels: a stem that keeps their size."""


ROWS = {
    "densenet121": Row(32, (6, 12, 24, 16), 64),
    "densenet161": Row(48, (6, 12, 36, 24), 96),
    "densenet169": Row(32, (6, 12, 32, 32), 64),
    "densenet201": Row(32, (6, 12, 48, 32), 64),
    "densenet264": Row(32, (6, 12, 64, 48), 64),
    "densenet_40_12": Row(12, (12, 12, 12), 16, bc=False, small=True),
    "densenet_100_12": Row(12, (32, 32, 32), 16, bc=False, small=True),
    "densenet_100_24": Row(24, (32, 32, 32), 16, bc=False, small=True),
    "densenet_bc_100_12": Row(12, (16, 16, 16), 24, small=True),
    "densenet_bc_250_24": Row(24, (41, 41, 41), 48, small=True),
    "densenet_bc_190_40": Row(40, (31, 31, 31), 80, small=True),
}


class DenseFeatures(nn.Sequential):
    """(B, in_channels, H, W) -> {piece: its map}; each piece is a few of the modules, by name."""

    def __init__(self, pieces: Mapping[str, Mapping[str, nn.Module]]) -> None:
        super().__init__()
        for name, module in (pair for piece in pieces.values() for pair in piece.items()):
            self.add_module(name, module)
        self.pieces = {name: tuple(piece) for name, piece in pieces.items()}

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Any map -> the map after each piece, by name, in order."""
        maps = {}
        for name, piece in self.pieces.items():
            for module in piece:
                x = self.get_submodule(module)(x)
            maps[name] = x
        return maps


class DenseNet(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 32, at least 4 for CIFAR's.

    The map of the last block is given normed and rectified.
    """

    heads = ("classifier",)

    def __init__(self, row: Row, classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        pieces = {"stem": _stem(row, in_channels)} | dict(_blocks(row))
        channels = [row.stem, *(wide for _, wide in _widths(row))]
        pieces[f"denseblock{len(row.layers)}"] |= {
            "norm5": nn.BatchNorm2d(channels[-1]),
            "relu5": nn.ReLU(inplace=True),
        }
        self.features = DenseFeatures(pieces)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels[-1], check_classes(classes))
        self.stages = {}
        for number, (name, piece) in enumerate(self.features.pieces.items()):
            stride = 2 ** max(number - 1, 0) if row.small else 2 ** (number + 1)
            parts = tuple(f"features.{module}" for module in piece)
            self.stages[name] = Stage(parts, channels[number], stride)
        self.stages["head"] = Stage(("classifier",), classes, 0)
        init.he(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return self.classifier(torch.flatten(pooled, 1))  # type: ignore[no-any-return]


def _stem(row: Row, in_channels: int) -> dict[str, nn.Module]:
    if row.small:
        return {"conv0": nn.Conv2d(in_channels, row.stem, 3, 1, 1, bias=False)}
    return {
        "conv0": nn.Conv2d(in_channels, row.stem, 7, 2, 3, bias=False),
        "norm0": nn.BatchNorm2d(row.stem),
        "relu0": nn.ReLU(inplace=True),
    }


def _blocks(row: Row) -> Iterator[tuple[str, dict[str, nn.Module]]]:
    """Each dense block under its name, with what stands between it and the one before."""
    bottleneck, before = 4 if row.bc else 0, row.stem
    for number, (narrow, wide) in enumerate(_widths(row), 1):
        piece: dict[str, nn.Module] = {}
        if number > 1:
            piece[f"transition{number - 1}"] = Transition(before, narrow)
        elif not row.small:
            piece["pool0"] = nn.MaxPool2d(3, 2, 1)
        layers = {
            f"denselayer{step}": DenseLayer(channels, row.growth, bottleneck)
            for step, channels in enumerate(range(narrow, wide, row.growth), 1)
        }
        piece[f"denseblock{number}"] = DenseBlock(layers)
        before = wide
        yield f"denseblock{number}", piece


def _widths(row: Row) -> Iterator[tuple[int, int]]:
    """The channels into and out of each dense block."""
    narrow = row.stem
    for depth in row.layers:
        wide = narrow + depth * row.growth
        yield narrow, wide
        narrow = wide // 2 if row.bc else wide


NETS = {
    name: partial(DenseNet, row, classes=10 if row.small else 1000) for name, row in ROWS.items()
}
