"""How each operation changes what a unit sees: one rule per aten operation.

A rule is exact or says None. Operations without a rule, and inputs that no rule foresees, give None
("can't be told"), never a guess.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from striate.anatomy.tracing import layout, windows
from striate.anatomy.tracing.reach import Axis, Reach, joined
from striate.anatomy.tracing.rule import Op, Rule, each, numbers


def spread(op: Op) -> Reach:
    """What the units of `op.output` see, from what its inputs see."""
    everything = joined([reach for _, reach in op.live])
    if everything is None or all(axis.whole for axis in everything):
        return everything  # unknown stays unknown, and behind "the whole input" nothing changes
    if op.name in _JOINS or op.pointwise:
        return _JOINS.get(op.name, _broadcast)(op)
    if op.name in _RULES and len(op.live) == 1:
        x, reach = op.live[0]
        assert reach is not None  # `everything` would be None
        return _RULES[op.name](op, x, reach)
    return None


def _norm_over(dims: Callable[[Op, Tensor], set[int]]) -> Rule:
    """Every unit depends on all units along `dims`: norms with live statistics, softmax."""

    def rule(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
        mixed = dims(op, x)
        return each(
            reach, lambda axis, dim: axis.folded(range(x.shape[dim])) if dim in mixed else axis
        )

    return rule


def _batch_norm_dims(op: Op, x: Tensor) -> set[int]:
    return {0, *range(2, x.ndim)} if op.arg(5, False) is True else set()


def _reduce(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    dims = op.arg(1)
    dims = range(x.ndim) if dims is None or dims == [] else numbers(dims, 1)
    gone = {dim % x.ndim for dim in dims}
    kept = op.output.ndim == x.ndim

    def change(axis: Axis, dim: int) -> Axis:
        if dim in gone:
            return axis.folded(range(x.shape[dim]))
        return axis if kept else axis.moved(dim - sum(other < dim for other in gone))

    return each(reach, change)


def _product(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    left, right = op.args[-2:] if op.name in ("mm", "bmm") else op.args[1:3]
    if x is not left and x is not right:
        return None
    summed = x.ndim - 1 if x is left else x.ndim - 2
    return each(
        reach, lambda axis, dim: axis.folded(range(x.shape[dim])) if dim == summed else axis
    )


def _broadcast(op: Op) -> Reach:
    """Elementwise: shapes line up at the last dimension, and what is repeated is seen by all."""
    return joined([_stretched(x, reach, op.output) for x, reach in op.live])


def _stretched(x: Tensor, reach: Reach, output: Tensor) -> Reach:
    shift = output.ndim - x.ndim

    def change(axis: Axis, dim: int) -> Axis:
        if x.shape[dim] == 1 and output.shape[dim + shift] != 1:
            return axis.folded(range(1))
        return axis.moved(dim + shift)

    return None if reach is None else each(reach, change)


def _cat(op: Op) -> Reach:
    place = op.arg(1, 0) % op.output.ndim
    total = joined([reach for _, reach in op.live])
    if total is None:
        return None
    if op.name == "stack":
        return each(total, lambda axis, dim: axis.moved(dim + (dim >= place)))
    return each(total, lambda axis, dim: None if dim == place else axis)


def _named(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


# Operations with several inputs, and those that treat an input as elementwise ones do.
_JOINS: dict[str, Callable[[Op], Reach]] = {
    "cat": _cat,
    "stack": _cat,
    "alias": _broadcast,
    "channel_shuffle": _broadcast,
    "clone": _broadcast,
    "contiguous": _broadcast,
    "copy": _broadcast,
    "detach": _broadcast,
    "expand": _broadcast,
    "hardswish": _broadcast,
    "lift_fresh": _broadcast,
    "native_channel_shuffle": _broadcast,
    "native_dropout": _broadcast,
    "_to_copy": _broadcast,
}

_RULES: dict[str, Rule] = {
    "convolution": windows.convolution,
    "local_product": windows.local,
    **_named("max_pool1d", windows.pool(1, dilated=True)),
    **_named("max_pool2d max_pool2d_with_indices", windows.pool(2, dilated=True)),
    **_named("max_pool3d max_pool3d_with_indices", windows.pool(3, dilated=True)),
    **_named("avg_pool1d", windows.pool(1, dilated=False)),
    **_named("avg_pool2d", windows.pool(2, dilated=False)),
    **_named("avg_pool3d", windows.pool(3, dilated=False)),
    **_named("adaptive_avg_pool1d _adaptive_avg_pool2d", windows.adaptive_pool),
    **_named("_adaptive_avg_pool3d adaptive_max_pool1d", windows.adaptive_pool),
    **_named("adaptive_max_pool2d adaptive_max_pool3d", windows.adaptive_pool),
    **_named("reflection_pad1d reflection_pad2d reflection_pad3d", windows.pad),
    **_named("replication_pad1d replication_pad2d replication_pad3d", windows.pad),
    "constant_pad_nd": windows.pad,
    **_named("upsample_nearest1d upsample_nearest2d upsample_nearest3d", windows.nearest),
    **_named("upsample_linear1d upsample_bilinear2d upsample_trilinear3d", windows.smooth(0, 1)),
    "upsample_bicubic2d": windows.smooth(1, 2),
    "pixel_shuffle": windows.pixel_shuffle,
    "pixel_unshuffle": windows.pixel_unshuffle,
    **_named("native_batch_norm cudnn_batch_norm", _norm_over(_batch_norm_dims)),
    "_native_batch_norm_legit_no_training": _norm_over(lambda op, x: set()),
    "native_group_norm": _norm_over(lambda op, x: set(range(1, x.ndim))),
    "native_layer_norm": _norm_over(lambda op, x: set(range(x.ndim - len(op.args[1]), x.ndim))),
    **_named("_softmax _log_softmax", _norm_over(lambda op, x: {op.args[1] % x.ndim})),
    **_named("mean sum amax amin max min var std prod logsumexp argmax any all", _reduce),
    **_named("view _unsafe_view reshape _reshape_alias squeeze", layout.view),
    **_named("permute transpose t", layout.permute),
    "unsqueeze": layout.unsqueeze,
    "slice": layout.cut,
    "select": layout.select,
    **_named("split split_with_sizes", layout.split),
    "unbind": layout.unbind,
    **_named("mm bmm addmm baddbmm", _product),
}
