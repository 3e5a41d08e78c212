"""The two convolution units every later network is built from."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from striate.errors import ArgumentError
from striate.layers import arguments

Build = Callable[..., nn.Module]
"""What makes a normalisation from its channels, or an activation from nothing."""


class ConvNormAct(nn.Sequential):
    """(B, I, H, W) -> (B, O, H', W'): y = act(norm(conv(x))), n' = (n + 2p - k) // stride + 1.

    Padding `None` keeps the size at stride 1: p = (k - 1) / 2, for which the kernel must be odd.
    The convolution has a bias only where no norm follows, since a norm would subtract it again.
    An inner layer given as `None` is left out. Parameters are called as in any
    `nn.Sequential`: `0` the convolution, `1` the norm.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int] = 3,
        *,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | None = None,
        groups: int = 1,
        norm: Build | None = nn.BatchNorm2d,
        act: Build | None = nn.ReLU,
    ) -> None:
        arguments.whole("in_channels", in_channels)
        arguments.whole("out_channels", out_channels)
        arguments.divides("groups", groups, in_channels, out_channels)
        kernel = arguments.pair("kernel_size", kernel_size)
        convolution = nn.Conv2d(
            in_channels,
            out_channels,
            kernel,
            stride=arguments.pair("stride", stride),
            padding=_same(kernel) if padding is None else arguments.pair("padding", padding, 0),
            groups=groups,
            bias=norm is None,
        )
        after = [] if norm is None else [norm(out_channels)]
        super().__init__(convolution, *after, *([] if act is None else [act()]))


class DepthwiseSeparable(nn.Sequential):
    """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride)): space first, then channels.

    `0` filters every map by itself (k*k*I weights), `1` mixes the maps with a 1x1 convolution
    (I*O weights), each with its norm and activation: k*k*I + I*O weights in place of k*k*I*O.
    MobileNet (Howard et al. 2017). With `norm=None, act=None` it is the bare separable
    convolution of Xception (Chollet 2017), with biases.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int] = 3,
        *,
        stride: int | tuple[int, int] = 1,
        norm: Build | None = nn.BatchNorm2d,
        act: Build | None = nn.ReLU,
    ) -> None:
        arguments.whole("in_channels", in_channels)
        super().__init__(
            ConvNormAct(
                in_channels,
                in_channels,
                kernel_size,
                stride=stride,
                groups=in_channels,
                norm=norm,
                act=act,
            ),
            ConvNormAct(in_channels, out_channels, 1, norm=norm, act=act),
        )


def _same(kernel: tuple[int, int]) -> tuple[int, int]:
    if kernel[0] % 2 == 0 or kernel[1] % 2 == 0:
        raise ArgumentError(
            "kernel_size",
            kernel,
            "an odd kernel where the padding is left to be computed",
            remedy="Give the padding, or take an odd kernel",
        )
    return (kernel[0] - 1) // 2, (kernel[1] - 1) // 2
