"""Correlation and convolution of 1-D and 2-D signals, of any stride, dilation and padding.

correlate:  y[i] = sum_j w[j] x[i*stride + j*dilation - before]
convolve:   the same with the kernel turned round (both axes of a 2-D kernel flipped)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from striate.errors import ArgumentError
from striate.signal.kinds import (
    KernelLike,
    Signal,
    compute_dtype,
    read,
    read_kernel,
    spatial_axes,
    write,
)
from striate.signal.pad import pad_axis, padding_name


def correlate(
    signal: Signal,
    kernel: KernelLike,
    *,
    padding: str = "zeros",
    stride: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
    axes: Sequence[int] | None = None,
) -> Signal:
    """Slide the kernel over the signal as it stands: what networks call convolution."""
    return _run(signal, read_kernel(kernel), False, padding, stride, dilation, axes)


def convolve(
    signal: Signal,
    kernel: KernelLike,
    *,
    padding: str = "zeros",
    stride: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
    axes: Sequence[int] | None = None,
) -> Signal:
    """Slide the kernel, turned round, over the signal: the convolution of signal processing."""
    return _run(signal, read_kernel(kernel), True, padding, stride, dilation, axes)


def separable(
    signal: Signal,
    column: KernelLike,
    row: KernelLike,
    *,
    padding: str = "zeros",
) -> Signal:
    """Correlate with the 2-D kernel `column[:, None] * row[None, :]`, as two 1-D passes."""
    down, across = read_kernel(column, "column"), read_kernel(row, "row")
    for name, factor in (("column", down), ("row", across)):
        if factor.ndim != 1:
            raise ArgumentError(name, tuple(factor.shape), "a 1-D kernel")
    return _run(signal, torch.outer(down, across), False, padding, 1, 1, None)


def _run(
    signal: Signal,
    kernel: torch.Tensor,
    flipped: bool,
    padding: str,
    stride: Any,
    dilation: Any,
    axes: Sequence[int] | None,
) -> Signal:
    tensor = read(signal)
    mode = padding_name(padding)
    positions = spatial_axes(tensor, kernel.ndim, axes, signal)
    steps = per_axis("stride", stride, kernel.ndim)
    gaps = per_axis("dilation", dilation, kernel.ndim)
    tensor = tensor.to(compute_dtype(tensor.dtype))
    for axis, taps, gap in zip(positions, kernel.shape, gaps, strict=True):
        reach = (taps - 1) * gap
        before = reach if mode == "full" else (taps // 2) * gap
        after = reach if mode == "full" else reach - before
        if flipped:
            before, after = after, before
        if mode == "valid" and reach >= tensor.shape[axis]:
            raise ArgumentError(
                "kernel",
                tuple(kernel.shape),
                f"at most {tensor.shape[axis]} samples wide along axis {axis}",
                remedy="No whole window fits: use another padding",
            )
        tensor = pad_axis(tensor, axis, (before, after), mode)
    moved = tensor.movedim(positions, tuple(range(-len(positions), 0)))
    lead, last = moved.shape[: -kernel.ndim], moved.shape[-kernel.ndim :]
    weight = (kernel.flip(tuple(range(kernel.ndim))) if flipped else kernel).to(tensor)
    conv = F.conv1d if kernel.ndim == 1 else F.conv2d
    out = conv(moved.reshape(-1, 1, *last), weight[None, None], stride=steps, dilation=gaps)
    out = out.reshape(*lead, *out.shape[2:])
    return write(out.movedim(tuple(range(-len(positions), 0)), positions), signal)


def per_axis(name: str, value: Any, count: int) -> tuple[int, ...]:
    """A positive whole number for each spatial axis, from one number or one per axis."""
    values = (value,) * count if isinstance(value, int) else tuple(value)
    if len(values) != count or not all(
        isinstance(v, int) and not isinstance(v, bool) and v >= 1 for v in values
    ):
        raise ArgumentError(name, value, "a whole number from 1, or one per spatial axis")
    return values
