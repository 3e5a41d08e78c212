"""Normalisation that `torch.nn` lacks, or has with another formula than the paper's."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import arguments


class LocalResponseNorm(nn.Module):
    """(B, C, ...) -> (B, C, ...): each unit is damped by its neighbours in other maps.

    y[c] = x[c] / (k + alpha * sum over |j - c| <= size // 2 of x[j]^2) ^ beta, all at one position.

    Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
    Networks", NIPS 2012, section 3.3, whose constants are the defaults. There alpha is *not*
    divided by the window; torch's layer divides it, so `nn.LocalResponseNorm(n, alpha=n * a)` is
    `LocalResponseNorm(n, alpha=a)`.

    The sum over neighbours is a product with a banded matrix of C x C, run as a 1x1 convolution.
    """

    def __init__(
        self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0
    ) -> None:
        super().__init__()
        self.size = arguments.odd("size", size)
        self.alpha = arguments.positive("alpha", alpha)
        self.beta = arguments.positive("beta", beta)
        self.k = arguments.positive("k", k)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> (B, C, ...)."""
        channel = torch.arange(x.shape[1], device=x.device)
        near = (channel[:, None] - channel).abs() <= self.size // 2
        band = (self.alpha * near.to(x.dtype))[:, :, None, None]
        offset = x.new_full((x.shape[1],), self.k)
        maps = x if x.ndim == 4 else x.reshape(x.shape[0], x.shape[1], -1, 1)
        damping = F.conv2d(maps.square(), band, offset).reshape(x.shape)
        return x * damping.pow(-self.beta)

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class LayerNorm2d(nn.LayerNorm):
    """(B, C, H, W) -> (B, C, H, W): layer normalisation over the channels of each position.

    y[c, h, w] = weight[c] * (x[c, h, w] - mean) / sqrt(variance + eps) + bias[c], mean and
    variance over c at (h, w): Ba et al. 2016, as ConvNeXt uses it (Liu et al. 2022).
    `nn.GroupNorm(1, C)` is another function: it shares mean and variance among positions.
    """

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        arguments.whole("channels", channels)
        super().__init__(channels, eps=arguments.positive("eps", eps))

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        if input.ndim != 4:
            raise ArgumentError("input", tuple(input.shape), "a batch of maps (B, C, H, W)")
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class FrozenBatchNorm2d(nn.Module):
    """(B, C, H, W) -> (B, C, H, W): batch normalisation that learns nothing any more.

    y[c] = weight[c] * (x[c] - running_mean[c]) / sqrt(running_var[c] + eps) + bias[c], in training
    as in evaluation; all four are buffers. For batches too small for statistics of their own, as
    in detectors (He et al., "Mask R-CNN", 2017).
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        arguments.whole("channels", channels)
        if not 0 <= eps < math.inf:
            raise ArgumentError("eps", eps, "a finite number of at least 0")
        self.eps = eps
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale[:, None, None] + shift[:, None, None]

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        return f"{len(self.weight)}, eps={self.eps}"
