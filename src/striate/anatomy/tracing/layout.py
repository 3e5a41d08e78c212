"""Receptive-field rules of operations that only rearrange: views, permutations, cuts."""

from __future__ import annotations

from math import prod

from torch import Tensor

from striate.anatomy.tracing.reach import Axis, Reach
from striate.anatomy.tracing.rule import Op, each


def view(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """A dimension that keeps its size and place in memory is still the same one."""
    shape = op.output.shape

    def change(axis: Axis, dim: int) -> Axis | None:
        if x.shape[dim] == 1:
            return axis.folded(range(1))
        for new, size in enumerate(shape):
            if size == x.shape[dim] and prod(shape[:new]) == prod(x.shape[:dim]):
                return axis.moved(new)
        # Flattened to one vector per sample, the map is one thing: together it sees all.
        flat = len(shape) == 1 or (len(shape) == 2 and shape[0] == x.shape[0])
        return axis.folded(range(x.shape[dim])) if flat else None

    return each(reach, change)


def permute(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """permute, transpose and t."""
    if op.name == "permute":
        order = [dim % x.ndim for dim in op.args[1]]
    else:
        first, second = (op.arg(1, 0) % x.ndim, op.arg(2, 1) % x.ndim) if x.ndim > 1 else (0, 0)
        order = list(range(x.ndim))
        order[first], order[second] = second, first
    return each(reach, lambda axis, dim: axis.moved(order.index(dim)))


def unsqueeze(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """A new dimension of size 1."""
    place = op.args[1] % op.output.ndim
    return each(reach, lambda axis, dim: axis.moved(dim + (dim >= place)))


def cut(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """x[start::step] along one dimension."""
    place, start, step = op.arg(1, 0) % x.ndim, op.arg(2) or 0, op.arg(4, 1)
    start = max(0, start + x.shape[place]) if start < 0 else start

    def change(axis: Axis, dim: int) -> Axis:
        if dim != place:
            return axis
        return axis.rewired(lambda unit: (start + unit * step,), 1, step)

    return each(reach, change)


def select(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """x[index] along one dimension, which goes."""
    cut = op.args[1] % x.ndim
    unit = op.args[2] % x.shape[cut]

    def change(axis: Axis, dim: int) -> Axis:
        return axis.folded((unit,)) if dim == cut else axis.moved(dim - (dim > cut))

    return each(reach, change)


def split(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """Parts along a dimension that is not spatial."""
    cut = op.arg(2, 0) % x.ndim
    return each(reach, lambda axis, dim: None if dim == cut else axis)


def unbind(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    """One part per unit of a dimension that is not spatial."""
    cut = op.arg(1, 0) % x.ndim
    return each(reach, lambda axis, dim: None if dim == cut else axis.moved(dim - (dim > cut)))
