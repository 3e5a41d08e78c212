"""Keras' poolings: windows, and the whole map at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from striate.layers import GlobalAveragePool, GlobalMaxPool
from striate.sequential.base import Layer, MissingError, Shape, sizes
from striate.sequential.padding import SamePad, check_padding

Sizes = int | Sequence[int]


class _Pooling(Layer):
    rank = 2

    def __init__(
        self,
        pool_size: Sizes = 2,
        strides: Sizes | None = None,
        padding: str = "valid",
        **common: object,
    ) -> None:
        super().__init__(**common)  # type: ignore[arg-type]
        assert self.rank is not None
        self.window = sizes("pool_size", pool_size, self.rank)
        self.stride = self.window if strides is None else sizes("strides", strides, self.rank)
        self.padding = check_padding(padding)


class MaxPooling2D(_Pooling):
    """(H, W, C) -> (H', W', C): the largest value of each window."""

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        kind = nn.MaxPool2d if self.rank == 2 else nn.MaxPool1d
        pool = kind(self.window, self.stride)
        if self.padding == "valid":
            return pool
        return nn.Sequential(SamePad(self.window, self.stride, float("-inf")), pool)


class MaxPooling1D(MaxPooling2D):
    """(L, C) -> (L', C): the largest value of each window."""

    rank = 1


class AveragePooling2D(_Pooling):
    """(H, W, C) -> (H', W', C): the mean of each window; its places outside do not count."""

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        kind = nn.AvgPool2d if self.rank == 2 else nn.AvgPool1d
        pool = kind(self.window, self.stride)  # type: ignore[arg-type]
        if self.padding == "valid":
            return pool
        return SameAverage(SamePad(self.window, self.stride), pool)


class AveragePooling1D(AveragePooling2D):
    """(L, C) -> (L', C): the mean of each window; its places outside do not count."""

    rank = 1


class SameAverage(nn.Module):
    """(B, C, ...) -> (B, C, ...): the mean of what a window holds of the image itself."""

    def __init__(self, pad: SamePad, pool: nn.Module) -> None:
        super().__init__()
        self.pad, self.pool = pad, pool

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> (B, C, ...)."""
        inside: Tensor = self.pool(self.pad(torch.ones_like(x[:1, :1])))
        means: Tensor = self.pool(self.pad(x))
        return means / inside


class _GlobalPooling(Layer):
    rank = 2

    def __init__(self, keepdims: bool = False, **common: object) -> None:
        super().__init__(**common)  # type: ignore[arg-type]
        if keepdims:
            raise MissingError(f"{self.kind}(keepdims=True)")


class GlobalAveragePooling2D(_GlobalPooling):
    """(H, W, C) -> (C,): the mean of each map."""

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        return GlobalAveragePool()


class GlobalAveragePooling1D(GlobalAveragePooling2D):
    """(L, C) -> (C,): the mean over time."""

    rank = 1


class GlobalMaxPooling2D(_GlobalPooling):
    """(H, W, C) -> (C,): the largest value of each map."""

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        return GlobalMaxPool()


class GlobalMaxPooling1D(GlobalMaxPooling2D):
    """(L, C) -> (C,): the largest value over time."""

    rank = 1
