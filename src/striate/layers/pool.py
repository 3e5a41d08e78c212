"""Pooling that `torch.nn` lacks: sums, and the whole map at once."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import arguments


class SumPool1d(nn.Module):
    """(B, C, L) -> (B, C, (L + 2 padding - kernel) // stride + 1): the sum of each window.

    y[c, t] = sum over u < kernel of x[c, t*stride + u - padding], with zeros outside. The stride
    is the kernel size where none is given, as for every pool of torch.
    """

    def __init__(self, kernel_size: int, stride: int | None = None, padding: int = 0) -> None:
        super().__init__()
        self.kernel_size = arguments.whole("kernel_size", kernel_size)
        self.stride = kernel_size if stride is None else arguments.whole("stride", stride)
        self.padding = arguments.whole("padding", padding, 0)
        if 2 * padding > kernel_size:
            raise ArgumentError("padding", padding, f"at most half the kernel size {kernel_size}")

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, C, (L + 2 padding - kernel) // stride + 1)."""
        window, step, pad = (1, self.kernel_size), (1, self.stride), (0, self.padding)
        # Only the two-dimensional average takes a divisor of its own.
        summed = F.avg_pool2d(x.unsqueeze(-2), window, step, pad, divisor_override=1)
        return summed.squeeze(-2)

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        return f"{self.kernel_size}, stride={self.stride}, padding={self.padding}"


class SumPool2d(nn.Module):
    """(B, C, H, W) -> (B, C, H', W'), n' = (n + 2 padding - kernel) // stride + 1: window sums.

    y[c, h, w] = sum over u, v < kernel of x[c, h*stride + u - padding, w*stride + v - padding].
    One pass. `nn.LPPool2d(1, kernel)` has the same values, by way of powers and signs, but no
    gradient where a sum is exactly 0.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.kernel_size = arguments.pair("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else arguments.pair("stride", stride)
        self.padding = arguments.pair("padding", padding, 0)
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ArgumentError("padding", padding, f"at most half the kernel size {kernel_size}")

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H', W')."""
        return F.avg_pool2d(x, self.kernel_size, self.stride, self.padding, divisor_override=1)

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        return f"{self.kernel_size}, stride={self.stride}, padding={self.padding}"


class GlobalAveragePool(nn.Module):
    """(B, C, ...) -> (B, C): the mean of each map, whatever its size (Lin et al. 2014, NiN).

    y[c] = mean over all positions of x[c]. One map per class turns it into a classifier.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> (B, C)."""
        return _positions(x).mean(-1)


class GlobalMaxPool(nn.Module):
    """(B, C, ...) -> (B, C): the largest value of each map (Kim 2014: max over time).

    y[c] = max over all positions of x[c]. Where several positions share the maximum, they share
    its gradient.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> (B, C)."""
        return _positions(x).amax(-1)


def _positions(x: Tensor) -> Tensor:
    if x.ndim < 3:
        expected = "a batch of maps (B, C, ...) with at least one axis of positions"
        raise ArgumentError("input", tuple(x.shape), expected)
    return x.flatten(2)
