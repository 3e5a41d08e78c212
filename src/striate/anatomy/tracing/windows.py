"""Receptive-field rules of operations that read windows: convolutions, pools, padding, resizing."""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd

from torch import Tensor

from striate.anatomy.tracing.reach import Axis, Reach
from striate.anatomy.tracing.rule import Op, Rule, each, numbers


def _windows(axis: Axis, kernel: int, stride: int, padding: int, dilation: int) -> Axis:
    def sees(unit: int) -> Iterable[int]:
        first = unit * stride - padding
        return range(first, first + kernel * dilation, dilation)

    return axis.rewired(sees, 1, stride)


def _spread_back(axis: Axis, kernel: int, stride: int, padding: int, dilation: int) -> Axis:
    """Transposed: input i writes the outputs i s - p + t d, so output o reads those i."""

    def sees(unit: int) -> Iterable[int]:
        places = (unit + padding - tap * dilation for tap in range(kernel))
        return [place // stride for place in places if place % stride == 0]

    return axis.rewired(sees, stride, 1)


def convolution(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """Unit o reads s o - p + t d for each tap t; a transposed convolution turns that round."""
    weight, transposed, groups = op.args[1], op.args[6], op.args[8]
    if x is not op.args[0]:
        return None  # a kernel computed from the image
    count = x.ndim - 2
    stride, padding, dilation = (numbers(op.args[place], count) for place in (3, 4, 5))
    window = _spread_back if transposed else _windows

    def change(axis: Axis, dim: int) -> Axis | None:
        if dim < 2:  # an image axis used as channels: every output channel reads all of them
            return axis.folded(range(x.shape[1])) if dim == 1 and groups == 1 else None
        place = dim - 2
        return window(axis, weight.shape[dim], stride[place], padding[place], dilation[place])

    return each(reach, change)


def local(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """A convolution's windows, with weights (H', W', U, V, C, O) of their own at each place."""
    kernel, stride = op.args[1].shape[2:4], op.args[2]
    return each(reach, lambda axis, dim: _windows(axis, kernel[dim - 2], stride[dim - 2], 0, 1))


def pool(count: int, *, dilated: bool) -> Rule:
    """Windows over the last `count` dimensions."""

    def rule(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
        kernel = numbers(op.args[1], count)
        stride = numbers(op.arg(2) or kernel, count)
        padding = numbers(op.arg(3, 0), count)
        dilation = numbers(op.arg(4, 1) if dilated else 1, count)

        def change(axis: Axis, dim: int) -> Axis:
            place = dim - (x.ndim - count)
            if place < 0:
                return axis
            return _windows(axis, kernel[place], stride[place], padding[place], dilation[place])

        return each(reach, change)

    return rule


def adaptive_pool(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """Unit o of m reads the units floor(o n / m) up to, not with, ceil((o + 1) n / m)."""

    def change(axis: Axis, dim: int) -> Axis:
        old, new = x.shape[dim], op.output.shape[dim]
        if new == 1:
            return axis.folded(range(old))
        common = gcd(old, new)
        return axis.rewired(
            lambda unit: range(unit * old // new, -(-(unit + 1) * old // new)),
            new // common,
            old // common,
        )

    return each(reach, change)


def pad(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """Unit o is the old unit o - before; mirrored and repeated borders count as padding too."""
    widths = op.args[1]  # (before, after) pairs, last dimension first

    def change(axis: Axis, dim: int) -> Axis:
        place = 2 * (x.ndim - 1 - dim)
        before = widths[place] if place < len(widths) else 0
        return axis.rewired(lambda unit: (unit - before,), 1, 1)

    return each(reach, change)


def nearest(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """Unit o of m repeats the old unit floor(o n / m)."""

    def change(axis: Axis, dim: int) -> Axis | None:
        old, new = x.shape[dim], op.output.shape[dim]
        scale = op.arg(dim, None)  # (x, size, scales...): the scale of dimension 2 is argument 2
        if scale is not None and old * scale != new:
            return None
        common = gcd(old, new)
        return axis.rewired(lambda unit: (unit * old // new,), new // common, old // common)

    return each(reach, change)


def smooth(before: int, behind: int) -> Rule:
    """Linear (taps 0..1 around the point) and cubic (-1..2) interpolation."""

    def rule(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
        corners = op.arg(2, False)

        def change(axis: Axis, dim: int) -> Axis | None:
            old, new = x.shape[dim], op.output.shape[dim]
            scale = op.arg(dim + 1, None)
            if scale is not None and not corners and old * scale != new:
                return None
            if corners and (old == 1 or new == 1):
                return axis.folded(range(1)) if old == 1 else None

            # The point that unit o reads is top(o) / bottom, a fraction in old units.
            rise, bottom = (old - 1, new - 1) if corners else (2 * old, 2 * new)

            def sees(unit: int) -> Iterable[int]:
                top = unit * rise if corners else unit * rise + old - new
                floor, rest = divmod(top, bottom)
                return range(floor - before, floor + behind + 1) if rest else (floor,)

            common = gcd(rise, bottom)
            return axis.rewired(sees, bottom // common, rise // common)

        return each(reach, change)

    return rule


def pixel_shuffle(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """Unit o comes from the old unit floor(o / r), from one of its r r channels."""
    factor = op.args[1]
    return each(reach, lambda axis, dim: axis.rewired(lambda unit: (unit // factor,), factor, 1))


def pixel_unshuffle(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """Unit o stacks the r old units r o .. r o + r - 1 as channels."""
    factor = op.args[1]
    return each(reach, lambda axis, dim: _windows(axis, factor, factor, 0, 1))
