"""Mastering the game of Go with deep neural networks and tree search. Silver et al., Nature 2016.

https://doi.org/10.1038/nature16961. The idea: the board is an image of 48 planes (stones, turns
since, liberties, captures, ladders, ...), and a convolutional network without any pooling answers
how good a move each of its points is. This is the policy network of the paper's Methods; the paper
trained it with 128, 192, 256 and 384 filters and played its matches with 192.

The softmax over the points stands outside: `forward` answers logits. Convolutions fit a board of
any size, only the biases of the last layer count its points, so `classes` is the number of points,
19 * 19 as published, and 81 makes the net for the board of 9 x 9.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import arguments, init
from striate.models.contract import ConvNet, Stage, check_classes, last

LAYERS = 12
"""Hidden convolutions: one of 5x5, eleven of 3x3."""


class PositionBias(nn.Module):
    """(B, 1, side, side) -> (B, side * side): a bias for every point of the board.

    y[h * side + w] = x[h, w] + bias[h * side + w].
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.bias = nn.Parameter(torch.zeros(side * side))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, side, side) -> (B, side * side)."""
        if tuple(x.shape[2:]) != (self.side, self.side):
            raise ArgumentError(
                "board",
                tuple(x.shape[2:]),
                f"the {self.side} x {self.side} points that this network has biases for",
                remedy="classes=points of the board, or reset_head, makes it fit another",
            )
        return x.flatten(1) + self.bias


class AlphaGoPolicy(ConvNet):
    """(B, in_channels, side, side) -> logits (B, classes), the points row by row.

    side * side = classes. 3,882,793 parameters as published: 48 planes, 192 filters, 361 points.
    Zeros around the board keep its size: 23 x 23 for the filter of 5x5, 21 x 21 for those of 3x3.
    """

    heads = ("conv13",)

    def __init__(self, classes: int = 361, in_channels: int = 48, *, filters: int = 192) -> None:
        super().__init__()
        arguments.whole("in_channels", in_channels)
        arguments.whole("filters", filters)
        self.stages = {}
        for number in range(1, LAYERS + 1):
            size, planes = (5, in_channels) if number == 1 else (3, filters)
            self.add_module(f"conv{number}", nn.Conv2d(planes, filters, size, padding=size // 2))
            self.stages[f"conv{number}"] = Stage((f"conv{number}",), filters, 1)
        self.relu = nn.ReLU(inplace=True)
        self.conv13 = nn.Conv2d(filters, 1, 1, bias=False)
        self.points = PositionBias(_side(classes))
        self.stages["head"] = Stage(("conv13", "points"), classes, 0)
        init.he(self)

    def reset_head(self, classes: int) -> None:
        """A new last layer for a board of `classes` points: a square, such as 81 for 9 x 9."""
        points, weight = PositionBias(_side(classes)), self.conv13.weight
        super().reset_head(1)
        self.points = points.to(device=weight.device, dtype=weight.dtype)
        self.stages["head"] = self.stages["head"]._replace(channels=classes)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, side, side) -> maps `conv1` ... `conv12`, of the board's size."""
        maps = {}
        for number in range(1, LAYERS + 1):
            x = maps[f"conv{number}"] = self.relu(self.get_submodule(f"conv{number}")(x))
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, side, side) -> logits (B, classes)."""
        return self.points(self.conv13(last(self.features(x))))  # type: ignore[no-any-return]


def _side(classes: int) -> int:
    """The side of the square board of so many points."""
    side = math.isqrt(check_classes(classes))
    if side * side != classes:
        raise ArgumentError(
            "classes",
            classes,
            "the points of a square board, such as 361 = 19 * 19 or 81 = 9 * 9, because each point"
            " has its own score and bias",
        )
    return side


NETS = {"alphago_policy": AlphaGoPolicy}
