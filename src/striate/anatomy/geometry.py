"""The arithmetic of layers: sizes, weights, multiply-adds and receptive fields, in integers.

Nothing here runs a network or imports torch. Every length is along one axis; a kernel given as a
tuple has one entry per spatial axis.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from striate.errors import ArgumentError


def effective_kernel(kernel: int, dilation: int = 1) -> int:
    """Pixels that a dilated kernel spans: d (k - 1) + 1."""
    _at_least(1, kernel=kernel, dilation=dilation)
    return dilation * (kernel - 1) + 1


def same_padding(kernel: int, dilation: int = 1) -> int:
    """Padding on each side that keeps the size at stride 1: d (k - 1) / 2, the span being odd."""
    span = effective_kernel(kernel, dilation)
    if span % 2 == 0:
        raise ArgumentError(
            "kernel",
            kernel,
            "a kernel whose span d(k-1)+1 is odd",
            remedy="An even span has no centre: use an odd kernel, or pad the sides unequally",
        )
    return (span - 1) // 2


def output_size(
    n: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, ceil: bool = False
) -> int:
    """Units that a convolution or pooling makes from `n`: floor((n + 2p - d(k-1) - 1) / s) + 1.

    With `ceil` the fraction rounds up, as pooling may, except that a last window which would start
    in the padding behind the image is dropped. 0 means that the kernel does not fit once.
    """
    _at_least(0, n=n, padding=padding)
    _at_least(1, stride=stride)
    room = n + 2 * padding - effective_kernel(kernel, dilation)
    if not ceil:
        return max(0, room // stride + 1)
    units = max(0, -(-room // stride) + 1)
    return units - 1 if units and (units - 1) * stride >= n + padding else units


def transposed_size(
    n: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> int:
    """Units that a transposed convolution makes: (n - 1) s - 2p + d(k-1) + output_padding + 1.

    0 means that the padding takes away all that there is.
    """
    _at_least(0, n=n, padding=padding, output_padding=output_padding)
    _at_least(1, stride=stride)
    span = effective_kernel(kernel, dilation)
    return max(0, (n - 1) * stride - 2 * padding + span + output_padding)


def conv_parameters(
    in_channels: int,
    out_channels: int,
    kernel: int | Sequence[int],
    groups: int = 1,
    bias: bool = True,
) -> int:
    """Weights of a convolution: out * (in / groups) * k_h * k_w, and `out` biases.

    An int `kernel` is square (two axes); give `(3,)` for one axis. Padding, stride, dilation and
    the image's size change nothing.
    """
    _whole_groups(in_channels, out_channels, groups)
    return out_channels * (in_channels // groups) * _taps(kernel) + bias * out_channels


def linear_parameters(in_features: int, out_features: int, bias: bool = True) -> int:
    """Weights of a fully connected layer: in * out, and `out` biases."""
    _at_least(1, in_features=in_features, out_features=out_features)
    return in_features * out_features + bias * out_features


def local_parameters(
    in_channels: int,
    out_channels: int,
    kernel: int | Sequence[int],
    output: Sequence[int],
    bias: bool = True,
) -> int:
    """Weights of local receptive fields without sharing: a convolution's, at every position.

    `output` is the map's size in units, e.g. (24, 24) for 5x5 fields over 28x28 pixels.
    """
    _at_least(1, **{f"output[{axis}]": units for axis, units in enumerate(output)})
    return conv_parameters(in_channels, out_channels, kernel, bias=bias) * prod(output)


def conv_macs(
    in_channels: int,
    out_channels: int,
    kernel: int | Sequence[int],
    output: Sequence[int],
    groups: int = 1,
) -> int:
    """Multiply-adds of a convolution on one image: every output unit reads one whole kernel.

    Taps that fall on padding count, the bias does not.
    """
    return conv_parameters(in_channels, out_channels, kernel, groups, bias=False) * prod(output)


@dataclass(frozen=True, slots=True)
class Field:
    """What one unit sees of the input, along one axis.

    `size` input pixels are seen by a unit (the largest, where units differ); neighbouring units
    see windows `jump` pixels apart; `start` is the centre of unit 0's window. Pixel i has its
    centre at i, so the input itself is `Field(1, 1, 0)`, a window over the pixels 0..k-1 has its
    centre at (k - 1) / 2, and a negative start lies in the padding. `jump` is below 1 after
    upsampling and 0 when every unit sees the same pixels (after a global pool).
    """

    size: int = 1
    jump: float = 1
    start: float = 0

    def after(self, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Field:
        """The field one convolution or pooling later.

        size' = size + (span - 1) jump; jump' = jump s; start' = start + ((span - 1)/2 - p) jump.
        """
        _at_least(1, stride=stride)
        reach = effective_kernel(kernel, dilation) - 1
        return Field(
            size=int(self.size + reach * self.jump),
            jump=self.jump * stride,
            start=_plain(self.start + (reach / 2 - padding) * self.jump),
        )

    def window(self, unit: int, n: int) -> tuple[int, int]:
        """First and last input pixel, of 0..n-1, that `unit` sees (what lies outside is cut)."""
        first = round(self.start + unit * self.jump - (self.size - 1) / 2)
        return max(0, first), min(n - 1, first + self.size - 1)


def receptive_field(layers: Iterable[Sequence[int]]) -> Field:
    """The field after a stack of (kernel, stride, padding, dilation) rows, shorter ones too.

    `receptive_field([(3, 1, 1), (2, 2), (3,)])` is a 3x3 convolution, a pooling, a convolution.
    """
    field = Field()
    for row in layers:
        field = field.after(*row)
    return field


def _plain(number: float) -> float:
    """2 rather than 2.0, so that fields print as people write them."""
    return int(number) if number == int(number) else number


def _taps(kernel: int | Sequence[int]) -> int:
    sizes = (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)
    for size in sizes:
        _at_least(1, kernel=size)
    return prod(sizes)


def _whole_groups(in_channels: int, out_channels: int, groups: int) -> None:
    _at_least(1, in_channels=in_channels, out_channels=out_channels, groups=groups)
    if in_channels % groups or out_channels % groups:
        raise ArgumentError(
            "groups",
            groups,
            f"a divisor of in_channels={in_channels} and out_channels={out_channels}",
        )


def _at_least(least: int, **numbers: int) -> None:
    for name, number in numbers.items():
        try:
            enough = operator.index(number) >= least
        except TypeError:  # 2.5, and 2.0 too: what came of a division may be off elsewhere
            enough = False
        if not enough:
            raise ArgumentError(name, number, f"a whole number of at least {least}")
