"""Dropping whole branches while training."""

from __future__ import annotations

from torch import Tensor, nn

from striate.layers import arguments


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
