"""From uniform numbers to the numbers operations want."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor


def either_way(uniform: Tensor, reach: float) -> Tensor:
    """Evenly from `-reach` to `reach`."""
    return (2 * uniform - 1) * reach


def between(uniform: Tensor, low: float, high: float) -> Tensor:
    """Evenly from `low` to `high`."""
    return low + uniform * (high - low)


def log_between(uniform: Tensor, low: float, high: float) -> Tensor:
    """From `low` to `high`, evenly in the logarithm: halving is as likely as doubling."""
    return each(math.exp, between(uniform, math.log(low), math.log(high)))


def normal(uniform: Tensor) -> Tensor:
    """Standard normal, by the inverse of the distribution function."""
    quantiles: Tensor = torch.special.ndtri(uniform)
    return quantiles


def each(function: Callable[[float], float], values: Tensor) -> Tensor:
    """A function of single numbers (B,), one by one.

    Torch's vector code and the scalar code at a tensor's end may differ in the last bit, and then a
    sample's numbers would depend on its place in the batch.
    """
    return torch.tensor([function(value) for value in values.tolist()], dtype=torch.float64)


def beta_quantile(uniform: Tensor, alpha: float) -> Tensor:
    """The inverse distribution function of Beta(alpha, alpha)."""
    places, shares = _beta_table(alpha)
    lower = torch.minimum(uniform, 1 - uniform).contiguous()
    after = torch.searchsorted(shares, lower).clamp(1, len(shares) - 1)
    start, end = shares[after - 1], shares[after]
    powers = torch.lerp(places[after - 1], places[after], (lower - start) / (end - start))
    below = each(lambda power: power ** (1 / alpha), powers)
    return torch.where(uniform < 0.5, below, 1 - below)


@functools.lru_cache(maxsize=8)
def _beta_table(alpha: float, steps: int = 4096) -> tuple[Tensor, Tensor]:
    """Powers `x**alpha` up to x = 1/2 and the share of the distribution below each.

    In `w = x**alpha` the density's pole at 0 is gone: what is left is `(1 - x)**(alpha - 1)`. By
    symmetry half of the distribution lies below 1/2.
    """
    places = torch.linspace(0, 0.5**alpha, steps, dtype=torch.float64)
    density = (1 - places ** (1 / alpha)) ** (alpha - 1)
    shares = torch.cat((torch.zeros(1, dtype=torch.float64), torch.cumulative_trapezoid(density)))
    return places, shares * (0.5 / shares[-1])
