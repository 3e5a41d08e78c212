"""Operations that move pixels. Neighbours in a policy are fused into one resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.data.augment.limits import check_padding, check_range
from striate.data.augment.op import Geometric, Shape
from striate.data.augment.resample import affine
from striate.data.augment.spread import each, either_way, log_between
from striate.errors import unknown_name


@dataclass(frozen=True)
class Rotate(Geometric):
    """Turn by up to `degrees` either way, any fraction of a degree, about the middle."""

    degrees: float
    padding: str = "reflect"

    def __post_init__(self) -> None:
        check_padding(self.padding)
        check_range("degrees", self.degrees, 0, 180)

    @property
    def draws(self) -> int:
        """One: the angle."""
        return 1

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """Anticlockwise on the screen for a positive angle."""
        angle = either_way(uniform[:, 0], math.radians(self.degrees))
        cos, sin = each(math.cos, angle), each(math.sin, angle)
        zero = torch.zeros_like(angle)
        return affine(cos, -sin, zero, sin, cos, zero)


@dataclass(frozen=True)
class Scale(Geometric):
    """Enlarge by `low` to `high` times (below 1 makes smaller), evenly in the logarithm."""

    low: float
    high: float
    padding: str = "reflect"

    def __post_init__(self) -> None:
        check_padding(self.padding)
        check_range("low", self.low, 0.05, self.high)
        check_range("high", self.high, self.low, 20)

    @property
    def draws(self) -> int:
        """One: the factor."""
        return 1

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """The same factor both ways."""
        step = 1 / log_between(uniform[:, 0], self.low, self.high)
        zero = torch.zeros_like(step)
        return affine(step, zero, zero, zero, step, zero)


@dataclass(frozen=True)
class Shear(Geometric):
    """Lean by up to `horizontal` degrees sideways and `vertical` degrees up or down."""

    horizontal: float
    vertical: float = 0.0
    padding: str = "reflect"

    def __post_init__(self) -> None:
        check_padding(self.padding)
        check_range("horizontal", self.horizontal, 0, 80)
        check_range("vertical", self.vertical, 0, 80)

    @property
    def draws(self) -> int:
        """Two: an angle each way."""
        return 2

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """The tangents of the two angles beside the diagonal."""
        across = each(math.tan, either_way(uniform[:, 0], math.radians(self.horizontal)))
        down = each(math.tan, either_way(uniform[:, 1], math.radians(self.vertical)))
        one, zero = torch.ones_like(across), torch.zeros_like(across)
        return affine(one, across, zero, down, one, zero)


@dataclass(frozen=True)
class Translate(Geometric):
    """Shift by up to these shares of the picture's width and height, by any part of a pixel."""

    horizontal: float
    vertical: float
    padding: str = "reflect"

    def __post_init__(self) -> None:
        check_padding(self.padding)
        check_range("horizontal", self.horizontal, 0, 1)
        check_range("vertical", self.vertical, 0, 1)

    @property
    def draws(self) -> int:
        """Two: a shift each way."""
        return 2

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """Only the last column differs from the identity."""
        x = either_way(uniform[:, 0], self.horizontal * shape.width)
        y = either_way(uniform[:, 1], self.vertical * shape.height)
        one, zero = torch.ones_like(x), torch.zeros_like(x)
        return affine(one, zero, x, zero, one, y)


@dataclass(frozen=True)
class Flip(Geometric):
    """Mirror with this probability: `horizontal` swaps left and right, `vertical` top and bottom.

    By itself it copies pixels exactly.
    """

    axis: str = "horizontal"
    probability: float = 0.5
    padding: str = "reflect"

    def __post_init__(self) -> None:
        check_padding(self.padding)
        if self.axis not in ("horizontal", "vertical"):
            raise unknown_name("axis", self.axis, ("horizontal", "vertical"))
        check_range("probability", self.probability, 0, 1)

    @property
    def draws(self) -> int:
        """One: whether."""
        return 1

    @property
    def fuses(self) -> bool:
        """Swapping pixels is cheaper than resampling."""
        return False

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """A sign on one axis."""
        sign = torch.where(uniform[:, 0] < self.probability, -1.0, 1.0).to(torch.float64)
        one, zero = torch.ones_like(sign), torch.zeros_like(sign)
        a, d = (sign, one) if self.axis == "horizontal" else (one, sign)
        return affine(a, zero, zero, zero, d, zero)

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """Turn round those whose sign is negative."""
        column, dim = (0, 3) if self.axis == "horizontal" else (4, 2)
        turned = (plan[:, column] < 0).nonzero().squeeze(1)
        if len(turned) == len(pixels):
            return pixels.flip(dim)
        if len(turned):
            here = turned.to(pixels.device)
            pixels[here] = pixels[here].flip(dim)
        return pixels
