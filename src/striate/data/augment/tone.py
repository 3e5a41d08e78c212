"""Operations on tones: what RandAugment and its relatives add to colour jitter."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from striate.data.augment.limits import check_range, check_span
from striate.data.augment.op import Shape, Step, as_floats, beside
from striate.data.augment.spread import between, either_way
from striate.errors import ArgumentError


@dataclass(frozen=True)
class Solarise(Step):
    """Invert what is at least as bright as a threshold, even between these shares of white."""

    threshold: tuple[float, float] = (0.5, 1.0)

    def __post_init__(self) -> None:
        check_span("threshold", self.threshold, 0, 1)

    @property
    def draws(self) -> int:
        """One: the threshold."""
        return 1

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """The thresholds: (B, 1)."""
        return between(uniform, *self.threshold)

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """White minus the pixel, where bright."""
        pixels = as_floats(pixels)
        threshold = beside(plan * white, pixels)[:, :, None, None]
        return torch.where(pixels < threshold, pixels, white - pixels)


@dataclass(frozen=True)
class Posterise(Step):
    """Keep only the first bits of 8, as many as a number drawn from `bits`, both ends included."""

    bits: tuple[int, int] = (4, 8)

    def __post_init__(self) -> None:
        if not 1 <= self.bits[0] <= self.bits[1] <= 8:
            raise ArgumentError("bits", self.bits, "two whole numbers in order, from 1 to 8")

    @property
    def draws(self) -> int:
        """One: the number of bits."""
        return 1

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """The steps between levels, on the scale of 256: (B, 1)."""
        low, high = self.bits
        return 2.0 ** (8 - (low + (uniform * (high - low + 1)).floor()))

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """Round down to a multiple of the step."""
        pixels = as_floats(pixels)
        step = beside(plan * (white / 255), pixels)[:, :, None, None]
        return pixels.div_(step).floor_().mul_(step)


@dataclass(frozen=True)
class AutoContrast(Step):
    """Stretch every channel so that its darkest pixel is black and its brightest white."""

    @property
    def draws(self) -> int:
        """None."""
        return 0

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """Nothing to decide: (B, 0)."""
        return uniform

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """A channel of one value stays as it is."""
        pixels = as_floats(pixels)
        low, high = pixels.amin((2, 3), keepdim=True), pixels.amax((2, 3), keepdim=True)
        flat = high == low
        gain = torch.where(flat, 1.0, white / (high - low))
        return pixels.sub_(torch.where(flat, 0.0, low)).mul_(gain).clamp_(0, white)


@dataclass(frozen=True)
class Sharpness(Step):
    """Multiply a picture's distance from its smoothed self by 1 - strength to 1 + strength.

    Smoothing is the 3x3 kernel of ones with 5 in the middle, as in Pillow; the frame stays.
    """

    strength: float = 0.9

    def __post_init__(self) -> None:
        check_range("strength", self.strength, 0, 5)

    @property
    def draws(self) -> int:
        """One: the factor."""
        return 1

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """What is added of the distance: (B, 1)."""
        return either_way(uniform, self.strength)

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """The sum over the 3x3 window is made of two passes."""
        pixels = as_floats(pixels)
        if min(pixels.shape[2:]) < 3:
            return pixels
        rows = pixels[:, :, :-2] + pixels[:, :, 1:-1] + pixels[:, :, 2:]
        around = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
        middle = pixels[:, :, 1:-1, 1:-1]
        smooth = (around + 4 * middle) / 13
        middle += (middle - smooth) * beside(plan, pixels)[:, :, None, None]
        return pixels.clamp_(0, white)
