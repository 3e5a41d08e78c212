"""Padding: what a signal is taken to be beyond its edge.

| mode      | beyond the edge of `a b c d` | numpy.pad's name | the lectures' name |
|-----------|------------------------------|------------------|--------------------|
| zeros     | `0 0  a b c d  0 0`          | constant         | zero padding       |
| replicate | `a a  a b c d  d d`          | edge             | extended           |
| wrap      | `c d  a b c d  a b`          | wrap             | cyclic             |
| reflect   | `c b  a b c d  c b`          | reflect          | -                  |
| valid     | nothing is invented          | -                | undefined          |
| full      | zeros, as many as overlap    | constant         | -                  |
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

import torch

from striate.errors import ArgumentError, unknown_name
from striate.signal.kinds import SIGNED, Signal, read, spatial_axes, whole_numbers, write

PADDINGS = ("zeros", "replicate", "wrap", "reflect", "valid", "full")
LECTURE_NAMES = {"extended": "replicate", "cyclic": "wrap", "undefined": "valid"}

Widths: TypeAlias = int | Sequence[int] | Sequence[Sequence[int]]


def pad(
    signal: Signal, widths: Widths, mode: str = "zeros", *, axes: int | Sequence[int] | None = None
) -> Signal:
    """The signal with `widths` more samples before and after it along its spatial axes.

    `widths` is one number, `(before, after)` for every spatial axis, or one such pair per axis.
    The spatial axes are the last two (one for a 1-D signal; with a pair per axis, as many as there
    are pairs), or `axes`. Widths may exceed the signal. `valid` adds nothing whatever the widths;
    `full` adds zeros. The type of the numbers stays; tensors keep their gradient.
    """
    tensor = read(signal)
    pairs = _pairs(widths)
    count = len(pairs) if len(pairs) > 1 else min(tensor.ndim, 2)
    if axes is not None and len(pairs) == 1:
        count = len(whole_numbers(axes, 1)) or 1
    positions = spatial_axes(tensor, count, axes, signal)
    name = padding_name(mode)
    dtype = tensor.dtype
    if dtype in SIGNED:
        tensor = tensor.view(SIGNED[dtype])
    for axis, pair in zip(positions, pairs * count if len(pairs) == 1 else pairs, strict=True):
        tensor = pad_axis(tensor, axis, pair, name)
    return write((tensor.view(dtype) if dtype in SIGNED else tensor).clone(), signal)


def padding_name(name: object) -> str:
    """The padding's own name for one of its names; an error with the nearest name for another."""
    text = str(name)
    known = LECTURE_NAMES.get(text, text)
    if known not in PADDINGS:
        raise unknown_name("padding", text, (*PADDINGS, *LECTURE_NAMES))
    return known


def source_indices(first: int, count: int, length: int, mode: str) -> torch.Tensor:
    """Where samples `first ... first + count - 1` of an extended signal come from.

    Indices into the `length` samples there are; -1 stands for a zero.
    """
    at = torch.arange(first, first + count)
    if mode == "replicate":
        return at.clamp(0, length - 1)
    if mode == "wrap":
        return at.remainder(length)
    if mode == "reflect":
        if length == 1:
            return torch.zeros_like(at)
        period = 2 * (length - 1)
        at = at.remainder(period)
        return torch.minimum(at, period - at)
    return torch.where((at >= 0) & (at < length), at, -1)


def gather(tensor: torch.Tensor, axis: int, indices: torch.Tensor) -> torch.Tensor:
    """The samples at `indices` along an axis, with zeros where the index is -1."""
    picked = tensor.index_select(axis, indices.clamp(min=0).to(tensor.device))
    outside = indices < 0
    if not bool(outside.any()):
        return picked
    shape = [1] * tensor.ndim
    shape[axis] = len(indices)
    return picked.masked_fill(outside.view(shape).to(tensor.device), 0)


def pad_axis(tensor: torch.Tensor, axis: int, widths: tuple[int, int], mode: str) -> torch.Tensor:
    """The tensor with `(before, after)` more samples along one axis; itself where both are 0."""
    before, after = widths
    if mode == "valid" or before == after == 0:
        return tensor
    length = tensor.shape[axis]
    parts = [
        gather(tensor, axis, source_indices(-before, before, length, mode)),
        tensor,
        gather(tensor, axis, source_indices(length, after, length, mode)),
    ]
    return torch.cat(parts, dim=axis)


def _pairs(widths: Any) -> list[tuple[int, int]]:
    """The widths as `(before, after)` pairs: one for all axes, or one for each."""
    try:
        if not isinstance(widths, Sequence):
            one = operator.index(widths)
            pairs = [(one, one)]
        elif isinstance(widths[0], Sequence):
            pairs = [(operator.index(a), operator.index(b)) for a, b in widths]
        else:
            before, after = widths
            pairs = [(operator.index(before), operator.index(after))]
    except (TypeError, ValueError, IndexError) as error:
        raise ArgumentError("widths", widths, _EXPECTED_WIDTHS) from error
    if any(width < 0 for pair in pairs for width in pair):
        raise ArgumentError("widths", widths, _EXPECTED_WIDTHS)
    return pairs


_EXPECTED_WIDTHS = "a number, (before, after), or one such pair per axis, none below 0"
