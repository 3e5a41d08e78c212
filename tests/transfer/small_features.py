"""Features of which a linear layer tells most, and by hand what a solver should find."""

from __future__ import annotations

import torch
from torch import Tensor


def blobs(
    num: int, width: int, classes: int, *, seed: int = 0, gap: float = 1.0
) -> tuple[Tensor, Tensor]:
    """(N, F) float32 around a mean a class, on scales that differ, and labels (N,)."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(num) % classes
    means = gap * torch.randn(classes, width, generator=draw)
    scales = torch.logspace(-1, 1, width)
    noise = torch.randn(num, width, generator=draw)
    return 3 + scales * (means[labels] / width**0.5 + noise), labels
