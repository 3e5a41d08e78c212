"""Dropping values, or whole branches, while training."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.layers import arguments


class Dropout(nn.Dropout):
    """Any shape, kept: training, y = x * m / (1 - rate), m = 0 with chance `rate`; else y = x.

    Hinton and others, https://arxiv.org/abs/1207.0580. On a CPU torch draws a double for each
    value, one after the other, which took as long as the lectures' net's first convolution. Here
    one draw of 64 bits serves 8 values where `rate` is a number of 256ths, or else 4, so that the
    chance is right to 1 / 65536; the scale goes by the chance there is.
    """

    def __init__(self, rate: float = 0.5) -> None:
        super().__init__(arguments.share("rate", rate))

    def forward(self, x: Tensor) -> Tensor:
        """Any shape -> the same."""
        if not self.training or self.p == 0 or x.device.type != "cpu":
            return F.dropout(x, self.p, self.training)
        kind = torch.int8 if (self.p * 256).is_integer() else torch.int16
        levels = 256**kind.itemsize
        dropped = min(round(self.p * levels), levels - 1)
        words = -(-x.numel() * kind.itemsize // 8)
        draws = torch.empty(words, dtype=torch.int64).random_(-(2**63), None).view(kind)
        kept = draws[: x.numel()].view(x.shape) >= dropped - levels // 2
        scaled: Tensor = x * kept.to(x.dtype).mul_(levels / (levels - dropped))
        return scaled


class StochasticDepth(nn.Module):
    """Any (B, ...), kept: training, y[b] = x[b] * m[b] / (1 - rate), m[b] = 0 with chance `rate`.

    In evaluation y = x. The last module of a residual branch: the sample then skips the branch.
    Huang, Sun, Liu, Sedra, Weinberger, "Deep Networks with Stochastic Depth", ECCV 2016; they
    scale at test time and drop for a whole batch, here as in EfficientNet each sample has its own
    draw and the scale belongs to training, so that the mean over draws is x.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = arguments.share("rate", rate)

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) -> (B, ...)."""
        if not self.training or self.rate == 0:
            return x
        kept = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(1 - self.rate)
        return x * (kept / (1 - self.rate))

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        return f"rate={self.rate:g}"
