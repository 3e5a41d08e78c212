"""Rethinking the Inception Architecture for Computer Vision. Szegedy, Vanhoucke, Ioffe, Shlens,
Wojna, CVPR 2016.

https://arxiv.org/abs/1512.00567. The idea: factor large filters into small ones, a 5x5 into two
3x3, a 7x7 into 1x7 and 7x1, and spend what is saved on width.

The network and its names are those of the published weights (torchvision's), whose stem is not the
one the paper prints: 1x1 to 80 maps and 3x3 to 192 between the two poolings. The first blocks keep
one 5x5. The auxiliary classifier has batch normalisation in both of its convolutions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import InceptionConv, NumberedInception, init
from striate.models.contract import ConvNet, Stage, WithAux, check_classes, last


class Auxiliary(nn.Module):
    """(B, I, H, W) -> logits (B, classes), H and W at least 17: a classifier on mixed_6."""

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(5, 3)
        self.conv0 = InceptionConv(in_channels, 128, 1)
        self.conv1 = InceptionConv(128, 768, 5, padding=0)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(768, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> logits (B, classes)."""
        if min(x.shape[2:]) < 17:
            raise ArgumentError(
                "images",
                f"maps of {tuple(x.shape[2:])} in the middle",
                "images of at least 299 pixels for the auxiliary classifier",
                remedy="Train on larger images, or build the network with aux=False",
            )
        x = self.avgpool(self.conv1(self.conv0(self.pool(x))))
        return self.fc(torch.flatten(x, 1))  # type: ignore[no-any-return]


class InceptionV3(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 75.

    In training mode `WithAux(logits, (aux,))`: the classifier on mixed_6, which needs H and W of
    at least 299. `aux=False` leaves it out.
    """

    heads: tuple[str, ...] = ("fc",)

    def __init__(self, classes: int = 1000, in_channels: int = 3, *, aux: bool = True) -> None:
        super().__init__()
        check_classes(classes)
        self.Conv2d_1a_3x3 = InceptionConv(in_channels, 32, 3, stride=2, padding=0)
        self.Conv2d_2a_3x3 = InceptionConv(32, 32, 3, padding=0)
        self.Conv2d_2b_3x3 = InceptionConv(32, 64, 3)
        self.maxpool1 = nn.MaxPool2d(3, 2)
        self.Conv2d_3b_1x1 = InceptionConv(64, 80, 1)
        self.Conv2d_4a_3x3 = InceptionConv(80, 192, 3, padding=0)
        self.maxpool2 = nn.MaxPool2d(3, 2)
        self.Mixed_5b = _two_threes(192, pool=32)
        self.Mixed_5c = _two_threes(256, pool=64)
        self.Mixed_5d = _two_threes(288, pool=64)
        self.Mixed_6a = _reduction_6a(288)
        self.Mixed_6b = _sevens(768, inner=128)
        self.Mixed_6c = _sevens(768, inner=160)
        self.Mixed_6d = _sevens(768, inner=160)
        self.Mixed_6e = _sevens(768, inner=192)
        self.AuxLogits = Auxiliary(768, classes) if aux else None
        self.Mixed_7a = _reduction_7a(768)
        self.Mixed_7b = _forks(1280)
        self.Mixed_7c = _forks(2048)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(2048, classes)
        if aux:
            self.heads = ("fc", "AuxLogits.fc")
        self.stages = {
            "stem": Stage(_STEM, 192, 4),
            "mixed_5": Stage(_MIXED["mixed_5"], 288, 8),
            "mixed_6": Stage(_MIXED["mixed_6"], 768, 16),
            "mixed_7": Stage(_MIXED["mixed_7"], 2048, 32),
            "head": Stage(("fc", "AuxLogits") if aux else ("fc",), classes, 0),
        }
        init.he(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `mixed_5`, `mixed_6`, `mixed_7`."""
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        maps = {"stem": self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(self.maxpool1(x)))}
        x = self.maxpool2(maps["stem"])
        for stage, blocks in _MIXED.items():
            for name in blocks:
                x = maps[stage] = self.get_submodule(name)(x)
        return maps

    def forward(self, x: Tensor) -> Tensor | WithAux:
        """(B, in_channels, H, W) -> logits (B, classes); in training `WithAux`."""
        maps = self.features(x)
        pooled = self.avgpool(last(maps))
        logits: Tensor = self.fc(self.dropout(torch.flatten(pooled, 1)))
        if not self.training or self.AuxLogits is None:
            return logits
        return WithAux(logits, (self.AuxLogits(maps["mixed_6"]),))


_STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
_MIXED = {
    "mixed_5": ("Mixed_5b", "Mixed_5c", "Mixed_5d"),
    "mixed_6": ("Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
    "mixed_7": ("Mixed_7a", "Mixed_7b", "Mixed_7c"),
}


def _two_threes(channels: int, pool: int) -> NumberedInception:
    """(B, channels, H, W) -> (B, 224 + pool, H, W): one 5x5, and one as two 3x3 (figure 5)."""
    unit = InceptionConv
    return NumberedInception(
        {
            "branch1x1": [unit(channels, 64, 1)],
            "branch5x5": [unit(channels, 48, 1), unit(48, 64, 5)],
            "branch3x3dbl": [unit(channels, 64, 1), unit(64, 96, 3), unit(96, 96, 3)],
            "branch_pool": [_pooled(channels, pool)],
        }
    )


def _sevens(channels: int, inner: int) -> NumberedInception:
    """(B, channels, H, W) -> (B, 768, H, W): 7x7 filters as 1x7 and 7x1 (figure 6)."""
    unit = InceptionConv
    return NumberedInception(
        {
            "branch1x1": [unit(channels, 192, 1)],
            "branch7x7": [
                unit(channels, inner, 1),
                unit(inner, inner, (1, 7)),
                unit(inner, 192, (7, 1)),
            ],
            "branch7x7dbl": [
                unit(channels, inner, 1),
                unit(inner, inner, (7, 1)),
                unit(inner, inner, (1, 7)),
                unit(inner, inner, (7, 1)),
                unit(inner, 192, (1, 7)),
            ],
            "branch_pool": [_pooled(channels, 192)],
        }
    )


def _forks(channels: int) -> NumberedInception:
    """(B, channels, H, W) -> (B, 2048, H, W): 1x3 and 3x1 side by side, for width (figure 7)."""
    unit = InceptionConv
    return NumberedInception(
        {
            "branch1x1": [unit(channels, 320, 1)],
            "branch3x3": [unit(channels, 384, 1), (unit(384, 384, (1, 3)), unit(384, 384, (3, 1)))],
            "branch3x3dbl": [
                unit(channels, 448, 1),
                unit(448, 384, 3),
                (unit(384, 384, (1, 3)), unit(384, 384, (3, 1))),
            ],
            "branch_pool": [_pooled(channels, 192)],
        }
    )


def _reduction_6a(channels: int) -> NumberedInception:
    """(B, channels, H, W) -> (B, 480 + channels, (H - 1) // 2, (W - 1) // 2) (figure 10)."""
    unit = InceptionConv
    return NumberedInception(
        {
            "branch3x3": [unit(channels, 384, 3, stride=2, padding=0)],
            "branch3x3dbl": [
                unit(channels, 64, 1),
                unit(64, 96, 3),
                unit(96, 96, 3, stride=2, padding=0),
            ],
            "branch_pool": [nn.MaxPool2d(3, 2)],
        }
    )


def _reduction_7a(channels: int) -> NumberedInception:
    """(B, channels, H, W) -> (B, 512 + channels, (H - 1) // 2, (W - 1) // 2)."""
    unit = InceptionConv
    return NumberedInception(
        {
            "branch3x3": [unit(channels, 192, 1), unit(192, 320, 3, stride=2, padding=0)],
            "branch7x7x3": [
                unit(channels, 192, 1),
                unit(192, 192, (1, 7)),
                unit(192, 192, (7, 1)),
                unit(192, 192, 3, stride=2, padding=0),
            ],
            "branch_pool": [nn.MaxPool2d(3, 2)],
        }
    )


def _pooled(channels: int, out_channels: int) -> nn.Sequential:
    """A mean over 3x3 before the unit, under the unit's own names."""
    branch = nn.Sequential()
    branch.add_module("pool", nn.AvgPool2d(3, 1, 1))
    for name, module in InceptionConv(channels, out_channels, 1).named_children():
        branch.add_module(name, module)
    return branch


NETS = {"inception_v3": InceptionV3}
