"""What a row of the layer table says, and the shape laws that rows are written with."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from layer_naive import Array
from torch import nn

Shape = tuple[int, ...]
Law = Callable[[Shape], Shape | tuple[Shape, ...]]


@dataclass(frozen=True)
class Row:
    """One layer, how it is made, and what must be true of it."""

    name: str
    build: Callable[[], nn.Module]
    law: Law
    """The input's shape -> the output's (or outputs')."""
    naive: Callable[[Any, Array], Any]
    shapes: tuple[Shape, ...]
    """Inputs to try; the first, the smallest, is the one for gradients and loops."""
    keys: str = ""
    """The state dict's names."""
    linear: bool = False
    """Linear in the input, up to an offset; every other row must fail that."""
    training: str = "same"
    """Against evaluation: "same", "batch" (uses the batch's statistics), "random"."""
    positive: bool = False
    """The layer is made for inputs >= 0 alone."""
    tolerance: float = 1e-10
    """Of the naive loops; larger where a fixed kernel is kept in float32."""

    @property
    def layer(self) -> str:
        return self.name.split()[0]


def window(n: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    return (n + 2 * padding - kernel) // stride + 1


def maps(channels: int, size: Callable[[int], int]) -> Law:
    """(B, C, ...) -> (B, channels, size of every axis)."""
    return lambda shape: (shape[0], channels, *(size(n) for n in shape[2:]))


def grown(extra: int, size: Callable[[int], int]) -> Law:
    return lambda shape: (shape[0], shape[1] + extra, *(size(n) for n in shape[2:]))


def same(shape: Shape) -> Shape:
    return shape


def halved(n: int) -> int:
    return math.ceil(n / 2)


def kept(n: int) -> int:
    return n


IMAGES = ((2, 3, 5, 6), (1, 3, 9, 4), (3, 3, 16, 17))
FOUR_MAPS = ((2, 4, 4, 5), (1, 4, 7, 8), (3, 4, 16, 10))
SIGNALS = ((2, 3, 7), (1, 3, 12), (3, 3, 40))
