"""Going Deeper with Convolutions. Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke,
Rabinovich, CVPR 2015.

https://arxiv.org/abs/1409.4842. The idea: filters of several sizes side by side, made cheap by 1x1
reductions; two auxiliary classifiers bring the gradient to the middle of the network.

`googlenet_2014` is the paper's: biases, no batch normalisation, LRN with AlexNet's constants (the
paper gives none). Poolings round up, as the paper's sizes need. Behind the auxiliary classifiers'
5x5/3 pooling stands an adaptive one to 4x4, which does nothing at the paper's 224 pixels and lets
other sizes train. `googlenet` is torchvision's, with its names and its deviations: batch
normalisation and no biases, 3x3 filters in the branch that should have 5x5, a last max pooling of
2x2, adaptive pooling before the auxiliary classifiers, and dropout of 0.2 where the paper has 0.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from striate.layers import ConvNormAct, Inception, InceptionConv, LocalResponseNorm, init
from striate.layers.conv import Build
from striate.models.contract import ConvNet, Stage, WithAux, check_classes, last


@dataclass(frozen=True, slots=True)
class Row:
    """Filters of one inception module: a row of the paper's table 1, in its column order."""

    one: int
    three_reduce: int
    three: int
    five_reduce: int
    five: int
    pool: int

    @property
    def channels(self) -> int:
        """How many maps the module leaves."""
        return self.one + self.three + self.five + self.pool


ROWS = {
    "inception3a": Row(64, 96, 128, 16, 32, 32),
    "inception3b": Row(128, 128, 192, 32, 96, 64),
    "inception4a": Row(192, 96, 208, 16, 48, 64),
    "inception4b": Row(160, 112, 224, 24, 64, 64),
    "inception4c": Row(128, 128, 256, 24, 64, 64),
    "inception4d": Row(112, 144, 288, 32, 64, 64),
    "inception4e": Row(256, 160, 320, 32, 128, 128),
    "inception5a": Row(256, 160, 320, 32, 128, 128),
    "inception5b": Row(384, 192, 384, 48, 128, 128),
}
AUXILIARY = {"aux1": "inception4a", "aux2": "inception4d"}


@dataclass(frozen=True, slots=True)
class Edition:
    """In what the paper's network and torchvision's differ."""

    unit: Build
    """A convolution with what follows it."""
    norm: Build
    """What follows the first pooling, and the last convolution of the stem."""
    five: int
    """The size of the filters in the third branch."""
    last_pool: int
    """The window of the pooling before inception5a."""
    aux_pool: Build
    dropout: float


PAPER = Edition(
    unit=partial(ConvNormAct, norm=None),
    norm=LocalResponseNorm,
    five=5,
    last_pool=3,
    aux_pool=lambda: nn.Sequential(nn.AvgPool2d(5, 3), nn.AdaptiveAvgPool2d(4)),
    dropout=0.4,
)
TORCHVISION = Edition(
    unit=InceptionConv,
    norm=nn.Identity,
    five=3,
    last_pool=2,
    aux_pool=partial(nn.AdaptiveAvgPool2d, 4),
    dropout=0.2,
)


class Auxiliary(nn.Module):
    """(B, I, H, W) -> logits (B, classes): a small classifier on maps of the middle."""

    def __init__(self, edition: Edition, in_channels: int, classes: int) -> None:
        super().__init__()
        self.pool = edition.aux_pool()
        self.conv = edition.unit(in_channels, 128, 1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> logits (B, classes)."""
        x = torch.flatten(self.conv(self.pool(x)), 1)
        return self.fc2(self.dropout(self.relu(self.fc1(x))))  # type: ignore[no-any-return]


class GoogLeNet(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 31.

    In training mode `WithAux(logits, (aux1, aux2))`: the classifiers on inception4a and 4d, whose
    losses the paper weighs 0.3. In the paper's edition they need H and W of at least 79.
    `aux=False` leaves them out.
    """

    heads: tuple[str, ...] = ("fc",)

    def __init__(
        self, edition: Edition, classes: int = 1000, in_channels: int = 3, *, aux: bool = True
    ) -> None:
        super().__init__()
        pool = partial(nn.MaxPool2d, stride=2, ceil_mode=True)
        self.conv1 = edition.unit(in_channels, 64, 7, stride=2)
        self.maxpool1 = nn.Sequential(pool(3), edition.norm())
        self.conv2 = edition.unit(64, 64, 1)
        self.conv3 = edition.unit(64, 192, 3)
        self.maxpool2 = nn.Sequential(edition.norm(), pool(3))
        channels = 192
        for name, row in ROWS.items():
            self.add_module(name, _module(edition, row, channels))
            channels = row.channels
        self.maxpool3 = pool(3)
        self.maxpool4 = pool(edition.last_pool)
        self.aux = tuple(AUXILIARY) if aux else ()
        for name in self.aux:
            at = ROWS[AUXILIARY[name]].channels
            self.add_module(name, Auxiliary(edition, at, check_classes(classes)))
        self.heads = ("fc", *(f"{name}.fc2" for name in self.aux))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(edition.dropout)
        self.fc = nn.Linear(channels, check_classes(classes))
        self.stages = {
            "stem": Stage(("conv1", "conv2", "conv3"), 192, 4),
            "inception3": Stage(_of("inception3"), ROWS["inception3b"].channels, 8),
            "inception4": Stage(_of("inception4"), ROWS["inception4e"].channels, 16),
            "inception5": Stage(_of("inception5"), channels, 32),
            "head": Stage(("fc", *self.aux), classes, 0),
        }
        init.he(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `inception3`, `inception4`, `inception5`."""
        maps = self.blocks(x)
        return {stage: maps[block] for stage, block in _LAST.items()}

    def blocks(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> the maps of the stem and of every inception module."""
        x = self.conv3(self.conv2(self.maxpool1(self.conv1(x))))
        maps = {"stem": x}
        pools = {
            "inception3a": self.maxpool2,
            "inception4a": self.maxpool3,
            "inception5a": self.maxpool4,
        }
        for name in ROWS:
            x = pools[name](x) if name in pools else x
            x = maps[name] = self.get_submodule(name)(x)
        return maps

    def forward(self, x: Tensor) -> Tensor | WithAux:
        """(B, in_channels, H, W) -> logits (B, classes); in training `WithAux`."""
        maps = self.blocks(x)
        pooled = self.avgpool(last(maps))
        logits: Tensor = self.fc(self.dropout(torch.flatten(pooled, 1)))
        if not self.training or not self.aux:
            return logits
        at = {name: maps[AUXILIARY[name]] for name in self.aux}
        return WithAux(logits, tuple(self.get_submodule(name)(at[name]) for name in self.aux))


_LAST = {
    "stem": "stem",
    "inception3": "inception3b",
    "inception4": "inception4e",
    "inception5": "inception5b",
}


def _module(edition: Edition, row: Row, in_channels: int) -> Inception:
    """The four branches of a row: 1x1, 3x3 and 5x5 behind reductions, 1x1 behind a pooling."""
    unit = edition.unit
    return Inception(
        {
            "branch1": unit(in_channels, row.one, 1),
            "branch2": nn.Sequential(
                unit(in_channels, row.three_reduce, 1), unit(row.three_reduce, row.three, 3)
            ),
            "branch3": nn.Sequential(
                unit(in_channels, row.five_reduce, 1), unit(row.five_reduce, row.five, edition.five)
            ),
            "branch4": nn.Sequential(nn.MaxPool2d(3, 1, 1), unit(in_channels, row.pool, 1)),
        }
    )


def _of(stage: str) -> tuple[str, ...]:
    return tuple(name for name in ROWS if name.startswith(stage))


NETS = {"googlenet": partial(GoogLeNet, TORCHVISION), "googlenet_2014": partial(GoogLeNet, PAPER)}
