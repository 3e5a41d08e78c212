"""How each operation changes what a unit sees: one rule per aten operation.

A rule is exact or says None. Operations without a rule, and inputs that no rule foresees, give None
("can't be told"), never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import gcd, prod
from typing import Any

from torch import Tensor

from striate.anatomy.reach import Axis, Reach, joined


@dataclass(frozen=True, slots=True)
class Op:
    """One operation: its arguments, its first output, and its inputs that depend on the image."""

    name: str
    pointwise: bool
    args: Sequence[Any]
    output: Tensor
    live: Sequence[tuple[Tensor, Reach]]

    def arg(self, place: int, default: Any = None) -> Any:
        """A positional argument, or its default where the caller left it out."""
        return self.args[place] if len(self.args) > place else default


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


Rule = Callable[[Op, Tensor, tuple[Axis, ...]], Reach]


def _each(reach: Iterable[Axis], change: Callable[[Axis, int], Axis | None]) -> Reach:
    """Change every axis that still lies along a dimension; one None makes the reach None."""
    axes = [axis if axis.dim is None else change(axis, axis.dim) for axis in reach]
    known = tuple(axis for axis in axes if axis is not None)
    return known if len(known) == len(axes) else None


def _numbers(value: Any, count: int) -> list[int]:
    """One number per axis from torch's `2`, `[2]` or `[2, 2]`."""
    numbers = [value] if isinstance(value, int) else list(value)
    return numbers * count if len(numbers) == 1 else numbers


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


def _convolution(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    weight, transposed, groups = op.args[1], op.args[6], op.args[8]
    if x is not op.args[0]:
        return None  # a kernel computed from the image
    count = x.ndim - 2
    stride, padding, dilation = (_numbers(op.args[place], count) for place in (3, 4, 5))
    window = _spread_back if transposed else _windows

    def change(axis: Axis, dim: int) -> Axis | None:
        if dim < 2:  # an image axis used as channels: every output channel reads all of them
            return axis.folded(range(x.shape[1])) if dim == 1 and groups == 1 else None
        place = dim - 2
        return window(axis, weight.shape[dim], stride[place], padding[place], dilation[place])

    return _each(reach, change)


def _pool(count: int, dilated: bool) -> Rule:
    def rule(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
        kernel = _numbers(op.args[1], count)
        stride = _numbers(op.arg(2) or kernel, count)
        padding = _numbers(op.arg(3, 0), count)
        dilation = _numbers(op.arg(4, 1) if dilated else 1, count)

        def change(axis: Axis, dim: int) -> Axis:
            place = dim - (x.ndim - count)
            if place < 0:
                return axis
            return _windows(axis, kernel[place], stride[place], padding[place], dilation[place])

        return _each(reach, change)

    return rule


def _adaptive_pool(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
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

    return _each(reach, change)


def _pad(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    widths = op.args[1]  # (before, after) pairs, last dimension first

    def change(axis: Axis, dim: int) -> Axis:
        place = 2 * (x.ndim - 1 - dim)
        before = widths[place] if place < len(widths) else 0
        return axis.rewired(lambda unit: (unit - before,), 1, 1)

    return _each(reach, change)


def _nearest(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    def change(axis: Axis, dim: int) -> Axis | None:
        old, new = x.shape[dim], op.output.shape[dim]
        scale = op.arg(dim, None)  # (x, size, scales...): the scale of dimension 2 is argument 2
        if scale is not None and old * scale != new:
            return None
        common = gcd(old, new)
        return axis.rewired(lambda unit: (unit * old // new,), new // common, old // common)

    return _each(reach, change)


def _smooth(before: int, behind: int) -> Rule:
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

        return _each(reach, change)

    return rule


def _pixel_shuffle(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    factor = op.args[1]
    return _each(reach, lambda axis, dim: axis.rewired(lambda unit: (unit // factor,), factor, 1))


def _pixel_unshuffle(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    factor = op.args[1]
    return _each(reach, lambda axis, dim: _windows(axis, factor, factor, 0, 1))


def _norm_over(dims: Callable[[Op, Tensor], set[int]]) -> Rule:
    """Every unit depends on all units along `dims`: norms with live statistics, softmax."""

    def rule(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
        mixed = dims(op, x)
        return _each(
            reach, lambda axis, dim: axis.folded(range(x.shape[dim])) if dim in mixed else axis
        )

    return rule


def _batch_norm_dims(op: Op, x: Tensor) -> set[int]:
    return {0, *range(2, x.ndim)} if op.arg(5, False) is True else set()


def _reduce(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    dims = op.arg(1)
    dims = range(x.ndim) if dims is None or dims == [] else _numbers(dims, 1)
    gone = {dim % x.ndim for dim in dims}
    kept = op.output.ndim == x.ndim

    def change(axis: Axis, dim: int) -> Axis:
        if dim in gone:
            return axis.folded(range(x.shape[dim]))
        return axis if kept else axis.moved(dim - sum(other < dim for other in gone))

    return _each(reach, change)


def _view(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
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

    return _each(reach, change)


def _permute(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    if op.name == "permute":
        order = [dim % x.ndim for dim in op.args[1]]
    else:
        first, second = (op.arg(1, 0) % x.ndim, op.arg(2, 1) % x.ndim) if x.ndim > 1 else (0, 0)
        order = list(range(x.ndim))
        order[first], order[second] = second, first
    return _each(reach, lambda axis, dim: axis.moved(order.index(dim)))


def _unsqueeze(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    place = op.args[1] % op.output.ndim
    return _each(reach, lambda axis, dim: axis.moved(dim + (dim >= place)))


def _slice(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    cut, start, step = op.arg(1, 0) % x.ndim, op.arg(2) or 0, op.arg(4, 1)
    start = max(0, start + x.shape[cut]) if start < 0 else start

    def change(axis: Axis, dim: int) -> Axis:
        if dim != cut:
            return axis
        return axis.rewired(lambda unit: (start + unit * step,), 1, step)

    return _each(reach, change)


def _select(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    cut = op.args[1] % x.ndim
    unit = op.args[2] % x.shape[cut]

    def change(axis: Axis, dim: int) -> Axis:
        return axis.folded((unit,)) if dim == cut else axis.moved(dim - (dim > cut))

    return _each(reach, change)


def _split(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    cut = op.arg(2, 0) % x.ndim
    return _each(reach, lambda axis, dim: None if dim == cut else axis)


def _unbind(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    cut = op.arg(1, 0) % x.ndim
    return _each(reach, lambda axis, dim: None if dim == cut else axis.moved(dim - (dim > cut)))


def _product(op: Op, x: Tensor, reach: tuple[Axis, ...]) -> Reach:
    left, right = op.args[-2:] if op.name in ("mm", "bmm") else op.args[1:3]
    if x is not left and x is not right:
        return None
    summed = x.ndim - 1 if x is left else x.ndim - 2
    return _each(
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

    return None if reach is None else _each(reach, change)


def _cat(op: Op) -> Reach:
    place = op.arg(1, 0) % op.output.ndim
    total = joined([reach for _, reach in op.live])
    if total is None:
        return None
    if op.name == "stack":
        return _each(total, lambda axis, dim: axis.moved(dim + (dim >= place)))
    return _each(total, lambda axis, dim: None if dim == place else axis)


def _named(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


_JOINS: dict[str, Callable[[Op], Reach]] = {
    "cat": _cat,
    "stack": _cat,
    **dict.fromkeys(
        """alias clone contiguous copy_ detach expand lift_fresh native_dropout
        _to_copy""".split(),
        _broadcast,
    ),
}

_RULES: dict[str, Rule] = {
    "convolution": _convolution,
    **{f"max_pool{n}d{tail}": _pool(n, True) for n in (1, 2, 3) for tail in ("", "_with_indices")},
    **{f"avg_pool{n}d": _pool(n, False) for n in (1, 2, 3)},
    **{
        f"{head}adaptive_{kind}_pool{n}d": _adaptive_pool
        for n in (1, 2, 3)
        for kind in ("avg", "max")
        for head in ("", "_")
    },
    **{f"{kind}_pad{n}d": _pad for n in (1, 2, 3) for kind in ("reflection", "replication")},
    "constant_pad_nd": _pad,
    **{f"upsample_nearest{n}d": _nearest for n in (1, 2, 3)},
    **_named("upsample_linear1d upsample_bilinear2d upsample_trilinear3d", _smooth(0, 1)),
    "upsample_bicubic2d": _smooth(1, 2),
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    **_named(
        "native_batch_norm cudnn_batch_norm _native_batch_norm_legit", _norm_over(_batch_norm_dims)
    ),
    "_native_batch_norm_legit_no_training": _norm_over(lambda op, x: set()),
    "native_group_norm": _norm_over(lambda op, x: set(range(1, x.ndim))),
    "native_layer_norm": _norm_over(lambda op, x: set(range(x.ndim - len(op.args[1]), x.ndim))),
    **_named("_softmax _log_softmax cumsum", _norm_over(lambda op, x: {op.args[1] % x.ndim})),
    **_named("mean sum amax amin max min var std prod logsumexp argmax any all", _reduce),
    **_named("view _unsafe_view reshape _reshape_alias", _view),
    **_named("permute transpose t", _permute),
    "unsqueeze": _unsqueeze,
    "squeeze": _view,
    "slice": _slice,
    "select": _select,
    **_named("split split_with_sizes", _split),
    "unbind": _unbind,
    **_named("mm bmm addmm baddbmm", _product),
}
