"""Convolution that keeps the image's size, under any of the four ways to continue an image."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError, unknown_name
from striate.layers import arguments

MODES = ("reflect", "replicate", "wrap", "zeros")


class PaddedConv2d(nn.Conv2d):
    """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride)), the image continued outside.

    y[o, h, w] = bias[o] + sum over i, u, v of weight[o, i, u, v] * x[i, h*stride + d*u - p, ...]
    with p = d * (kernel - 1) / 2, where x outside the image is, by `mode`:

    * `zeros`: 0. The kernel of the convolution does it, nothing is copied;
    * `replicate`: the nearest pixel of the border ("extended");
    * `wrap`: the opposite border ("cyclic"): the image is a torus, so shifting commutes exactly;
    * `reflect`: the image mirrored at the border pixel, which is not repeated.

    Parameters, names and initialisation are `nn.Conv2d`'s. Why not its `padding_mode`: this one
    computes the padding from an odd kernel, and its `wrap` keeps the channels_last order, which
    torch's "circular" loses: 0.56 of torch's time for a training step at 8x64x112x112, 3x3. The
    other modes copy once, by torch's own kernels. Convolving without a copy and repairing the four
    borders in strips was measured too: 1.7 times as long (`bench/bench_layers.py`).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int] = 3,
        *,
        mode: str = "zeros",
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        arguments.whole("in_channels", in_channels)
        arguments.whole("out_channels", out_channels)
        arguments.divides("groups", groups, in_channels, out_channels)
        kernel = arguments.odd_pair("kernel_size", kernel_size)
        spread = arguments.pair("dilation", dilation)
        if mode not in MODES:
            raise unknown_name("mode", mode, MODES)
        self.mode = mode
        self.reach = (spread[0] * (kernel[0] - 1) // 2, spread[1] * (kernel[1] - 1) // 2)
        super().__init__(
            in_channels,
            out_channels,
            kernel,
            stride=arguments.pair("stride", stride),
            padding=self.reach if mode == "zeros" else 0,
            dilation=spread,
            groups=groups,
            bias=bias,
        )

    def forward(self, input: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride))."""
        if self.mode == "zeros":
            return super().forward(input)
        return super().forward(_continued(input, self.reach, self.mode))

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        size = "x".join(str(side) for side in self.kernel_size)
        return f"{self.in_channels}, {self.out_channels}, {size}, mode={self.mode}"


def _continued(image: Tensor, reach: tuple[int, int], mode: str) -> Tensor:
    rows, columns = reach
    if mode == "wrap":
        return _wrapped(_wrapped(image, rows, -2), columns, -1)
    height, width = image.shape[-2:]
    if mode == "reflect" and (rows >= height or columns >= width):
        raise ArgumentError(
            "input",
            tuple(image.shape),
            f"an image larger than the reflected border, {rows} rows and {columns} columns",
            remedy="Use mode='replicate' or a smaller kernel or dilation",
        )
    return F.pad(image, (columns, columns, rows, rows), mode=mode)


def _wrapped(image: Tensor, reach: int, axis: int) -> Tensor:
    """`cat` keeps the memory format of its pieces; a border wider than the image goes round."""
    if reach == 0:
        return image
    size = image.shape[axis]
    if reach > size:
        around = torch.arange(-reach, size + reach, device=image.device) % size
        return image.index_select(axis, around)
    before, after = image.narrow(axis, size - reach, reach), image.narrow(axis, 0, reach)
    return torch.cat([before, image, after], axis)


class SamePadConv2d(nn.Conv2d):
    """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride)): TensorFlow's padding "same".

    As many zeros as n' = ceil(n / s) positions need, p = max((n' - 1) * s + d * (k - 1) + 1 - n, 0)
    along an axis of n: p // 2 before and the rest behind. A strided filter so begins at another
    pixel than with p / 2 on either side, by a rule that depends on n: weights trained with one are
    worse with the other. Parameters, names and initialisation are `nn.Conv2d`'s.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int] = 3,
        *,
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        arguments.whole("in_channels", in_channels)
        arguments.whole("out_channels", out_channels)
        arguments.divides("groups", groups, in_channels, out_channels)
        super().__init__(
            in_channels,
            out_channels,
            arguments.pair("kernel_size", kernel_size),
            stride=arguments.pair("stride", stride),
            dilation=arguments.pair("dilation", dilation),
            groups=groups,
            bias=bias,
        )

    def forward(self, input: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride))."""
        top, bottom = self._around(input.shape[-2], 0)
        left, right = self._around(input.shape[-1], 1)
        return super().forward(F.pad(input, (left, right, top, bottom)))

    def _around(self, size: int, axis: int) -> tuple[int, int]:
        """Zeros before and behind: (n' - 1) s - n is -n % s - s, so no size needs a branch."""
        stride = self.stride[axis]
        reach = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
        missing = -size % stride + reach - stride
        # A filter no shorter than its stride never has too many pixels: nothing to compare then,
        # and an exported network keeps its size free.
        missing = missing if reach >= stride else max(missing, 0)
        return missing // 2, missing - missing // 2
