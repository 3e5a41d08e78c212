"""Noise a pixel: a hash of the pixel's place under two key words a sample.

Philox would cost more than the rest of a policy here. What is asked of noise is less: each place,
under both keys, goes through a 32-bit mixer (multiplications and shifts, constants from C. Wellons'
search for low bias, 2018). Whole numbers only: the same bits on every device.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.data.augment.limits import check_span
from striate.data.augment.op import Shape, Step, as_floats, beside
from striate.data.augment.spread import between, normal
from striate.data.augment.stream import as_words

_LEVELS = 1 << 16


@dataclass(frozen=True)
class GaussianNoise(Step):
    """Normal noise on every number; its deviation, a share of white, is even between the limits."""

    deviation: tuple[float, float] = (0.0, 0.05)

    def __post_init__(self) -> None:
        check_span("deviation", self.deviation, 0, 1)

    @property
    def draws(self) -> int:
        """Three: the deviation and two keys."""
        return 3

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """Deviation and keys: (B, 3)."""
        deviation = between(uniform[:, :1], *self.deviation)
        return torch.cat((deviation, as_words(uniform[:, 1:]).double()), dim=1)

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """Each word of the hash gives two normal numbers, by a table of the 65,536 quantiles."""
        pixels = as_floats(pixels)
        count = pixels[0].numel()
        words = _hash(plan[:, 1:], (count + 1) // 2, pixels.device)
        places = words.view(torch.int16).to(torch.int32).add_(_LEVELS // 2)
        table = _quantiles().to(pixels.device, pixels.dtype)
        noise = table.index_select(0, places.flatten()).view(len(pixels), -1)[:, :count]
        noise = noise.mul_(beside(plan[:, :1] * white, pixels)).reshape(pixels.shape)
        return pixels.add_(noise).clamp_(0, white)


@dataclass(frozen=True)
class SaltAndPepper(Step):
    """Whole pixels turn white or black, half each; their share is even between the limits."""

    share: tuple[float, float] = (0.0, 0.05)

    def __post_init__(self) -> None:
        check_span("share", self.share, 0, 1)

    @property
    def draws(self) -> int:
        """Three: the share and two keys."""
        return 3

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """Share and keys: (B, 3)."""
        share = between(uniform[:, :1], *self.share)
        return torch.cat((share, as_words(uniform[:, 1:]).double()), dim=1)

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """The lowest words of the hash are pepper, the highest salt."""
        height, width = pixels.shape[2:]
        words = _hash(plan[:, 1:], height * width, pixels.device).view(-1, 1, height, width)
        # Words run from -2^31 to 2^31 - 1; a share of s takes s 2^31 of them at either end.
        reach = (plan[:, 0] * 2.0**31).to(torch.int64).to(pixels.device).view(-1, 1, 1, 1)
        pepper, salt = reach - 2**31, 2**31 - 1 - reach
        return pixels.masked_fill_(words < pepper, 0).masked_fill_(words > salt, white)


def _hash(keys: Tensor, count: int, device: torch.device) -> Tensor:
    """Words for places 0 to count - 1 under key words (B, 2): int32 (B, count)."""
    # as signed words: int32 arithmetic wraps, and a right shift drags the sign along
    first, second = (
        torch.where(keys < 2.0**31, keys, keys - 2.0**32).to(torch.int32).to(device).split(1, 1)
    )
    # One key is added and one laid over, so that no sample runs through a shifted other.
    words: Tensor = (_places(count, device) + first).bitwise_xor_(second)
    words ^= (words >> 16).bitwise_and_(0xFFFF)
    words *= 0x7FEB352D
    words ^= (words >> 15).bitwise_and_(0x1FFFF)
    words *= 0x846CA68B - 2**32
    words ^= (words >> 16).bitwise_and_(0xFFFF)
    return words


@functools.lru_cache(maxsize=4)
def _places(count: int, device: torch.device) -> Tensor:
    """0 to count - 1 in strides of the golden ratio of 2^32, so that neighbours differ widely."""
    return (torch.arange(count) * 0x9E3779B9 % 2**32 - 2**31).to(torch.int32).to(device)


@functools.lru_cache(maxsize=1)
def _quantiles() -> Tensor:
    """Of the normal distribution, at the middles of 65,536 equal steps: float32.

    Scaled to a deviation of exactly 1: the table ends at 4.3.
    """
    middles = (torch.arange(_LEVELS, dtype=torch.float64) + 0.5) / _LEVELS
    table = normal(middles)
    return (table / table.square().mean().sqrt()).to(torch.float32)
