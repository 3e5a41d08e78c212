"""Correlation and convolution of 1-D and 2-D signals, of any stride, dilation and padding.

correlate:  y[i] = sum_j w[j] x[i*stride + j*dilation - before]
convolve:   the same with the kernel turned round (both axes of a 2-D kernel flipped)

The spatial axes are the last ones, as many as the kernel has; those before are batch. `axes` names
others, e.g. (0, 1) for an array (H, W, C). The result is of the signal's kind. Integers up to 16
bits and half floats become float32, wider integers float64. `padding` is one of
`striate.signal.pad`'s: `valid` keeps whole windows only, `full` every overlap, the others the size;
of these, every `stride`-th result is kept. An even kernel's centre is tap `taps // 2`.

A NaN or infinity reaches the windows that hold it under a weight other than 0, and no others; with
gradients, or off the CPU, torch's own convolution runs, where a weight of 0 passes it on as well.
Gradients flow to a tensor and to a kernel tensor that ask for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from striate.errors import ArgumentError
from striate.signal.engine import run
from striate.signal.geometry import Axis, axis_for
from striate.signal.kinds import (
    SIGNED,
    KernelLike,
    Signal,
    compute_dtype,
    read,
    read_kernel,
    spatial_axes,
    whole_numbers,
    write,
)
from striate.signal.pad import pad_axis, padding_name
from striate.signal.plan import Task


def correlate(
    signal: Signal,
    kernel: KernelLike,
    *,
    padding: str = "zeros",
    stride: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
    axes: int | Sequence[int] | None = None,
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
    axes: int | Sequence[int] | None = None,
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
    axes: int | Sequence[int] | None,
) -> Signal:
    tensor = read(signal)
    mode = padding_name(padding)
    positions = spatial_axes(tensor, kernel.ndim, axes, signal)
    steps = per_axis("stride", stride, kernel.ndim)
    gaps = per_axis("dilation", dilation, kernel.ndim)
    filtered = [
        axis_for(tensor.shape[at], taps, step, gap, mode, flipped)
        for at, taps, step, gap in zip(positions, kernel.shape, steps, gaps, strict=True)
    ]
    if flipped:
        kernel = kernel.flip(tuple(range(kernel.ndim)))
    graph = torch.is_grad_enabled() and (tensor.requires_grad or kernel.requires_grad)
    if graph or tensor.device.type != "cpu":
        return write(_with_graph(tensor, kernel, filtered, positions, mode), signal)
    with torch.no_grad():
        return write(_without_graph(tensor, kernel.cpu(), filtered, positions, mode), signal)


def _without_graph(
    tensor: torch.Tensor,
    kernel: torch.Tensor,
    filtered: list[Axis],
    positions: tuple[int, ...],
    padding: str,
) -> torch.Tensor:
    """The engine's way: the tensor as planes (P, H, W)."""
    dtype = compute_dtype(tensor.dtype)
    if tensor.dtype in SIGNED:
        tensor = tensor.to(dtype)
    moved = tensor.movedim(positions, tuple(range(-len(positions), 0)))
    if len(filtered) == 2:
        down, across = filtered
    else:
        # One axis: the others lie beside it as rows, none of them filtered.
        kernel, across = kernel[None], filtered[0]
        down = Axis(moved[..., 0].numel())
        moved = moved.reshape(1, down.length, across.length)
    lead = tensor.movedim(positions, tuple(range(-len(positions), 0))).shape[: -len(positions)]
    planes = moved.reshape(-1, down.length, across.length)
    out = run(planes, Task(kernel, down, across, dtype, len(planes)), padding)
    out = out.reshape(*lead, *(axis.results for axis in filtered))
    return out.movedim(tuple(range(-len(positions), 0)), positions)


def _with_graph(
    tensor: torch.Tensor,
    kernel: torch.Tensor,
    filtered: list[Axis],
    positions: tuple[int, ...],
    padding: str,
) -> torch.Tensor:
    """torch's own convolution: keeps the graph, and runs on any device, at its precision there.

    (On a GPU torch may round float32 to TF32; `torch.backends.cudnn.allow_tf32` says.)
    """
    tensor = tensor.to(compute_dtype(tensor.dtype))
    for at, axis in zip(positions, filtered, strict=True):
        tensor = pad_axis(tensor, at, (axis.before, axis.after), padding)
    back = tuple(range(-len(positions), 0))
    moved = tensor.movedim(positions, back)
    lead = moved.shape[: -len(positions)]
    conv = F.conv1d if len(filtered) == 1 else F.conv2d
    out = conv(
        moved.reshape(-1, 1, *moved.shape[-len(positions) :]),
        kernel.to(tensor)[None, None],
        stride=tuple(axis.stride for axis in filtered),
        dilation=tuple(axis.dilation for axis in filtered),
    )
    return out.reshape(*lead, *out.shape[2:]).movedim(back, positions)


def per_axis(name: str, value: Any, count: int) -> tuple[int, ...]:
    """A positive whole number for each spatial axis, from one number or one per axis."""
    values = whole_numbers(value, count)
    if len(values) != count or min(values) < 1:
        raise ArgumentError(name, value, "a whole number from 1, or one per spatial axis")
    return values
