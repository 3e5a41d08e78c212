"""What an operation expected of its inputs, what it got, and how to mend the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from torch import Tensor

from striate.anatomy.geometry import output_size
from striate.anatomy.tracing.calls import Shape
from striate.anatomy.tracing.work import Doing
from striate.anatomy.words import shape_text, times

Story = tuple[str, str, str, str]  # reason, expected, got, mend

INDICES = "int64 indices"
_SMALLER = "Start from a larger image, pool less, or use a smaller kernel or more padding"


def mismatch(what: str, wanted: int, came: int, mend: str) -> Story:
    """Another number of features or channels."""
    return f"the input has another number of {what}", f"{wanted} {what}", f"{came}", mend


def words(x: Tensor) -> Story | None:
    """An embedding that was given numbers instead of indices."""
    if not x.is_floating_point():
        return None
    return (
        "an embedding looks up whole numbers",
        INDICES,
        f"{x.dtype}".removeprefix("torch."),
        "Trace it with dtype=torch.int64",
    )


def of_operation(doing: Doing) -> Story | None:
    """The story of an operation that failed, where its arguments tell one."""
    rule = _OPERATIONS.get(doing.name.strip("_"))
    if rule is not None:
        return rule(doing.args)
    if "pool" in doing.name:
        return _pool(doing.args)
    tensors = [tuple(value.shape) for value in doing.args if isinstance(value, Tensor)]
    return _broadcast(tensors) if len(tensors) == 2 else None


def _product(args: Sequence[Any]) -> Story | None:
    left, right = [x for x in args if isinstance(x, Tensor)][-2:]
    wanted, came = right.shape[-2], left.shape[-1]
    if wanted == came:
        return None
    return mismatch("features", wanted, came, f"Its weights must read {came} features")


def _convolution(args: Sequence[Any]) -> Story | None:
    x, weight, _, stride, padding, dilation, transposed, _, groups = args
    wanted = weight.shape[0] if transposed else weight.shape[1] * groups
    if x.shape[1] != wanted:
        came = x.shape[1]
        return mismatch("channels", wanted, came, f"Its weights must read {came} channels")
    if transposed:
        return None
    return _too_small(x.shape[2:], weight.shape[2:], stride, padding, dilation)


def _pool(args: Sequence[Any]) -> Story | None:
    x, kernel = args[0], list(args[1])
    stride = list(args[2]) if len(args) > 2 and args[2] else kernel
    padding = list(args[3]) if len(args) > 3 else [0]
    return _too_small(x.shape[-len(kernel) :], kernel, stride, padding, [1])


def _too_small(
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> Story | None:
    count = len(sizes)
    stride, padding, dilation = (_filled(value, count) for value in (stride, padding, dilation))
    rows = list(zip(sizes, kernel, stride, padding, dilation, strict=True))
    if all(n > 0 and output_size(n, k, s, p, d) > 0 for n, k, s, p, d in rows):
        return None
    least = [max(1, d * (k - 1) + 1 - 2 * p) for _, k, _, p, d in rows]
    return (
        "the image has shrunk below the kernel",
        f"at least {times(least)}",
        times(sizes),
        _SMALLER,
    )


def _filled(value: Sequence[int], count: int) -> Sequence[int]:
    return list(value) * count if len(value) == 1 else value


def _cat(args: Sequence[Any]) -> Story | None:
    joined = [tuple(x.shape) for x in args[0]]
    place = (args[1] if len(args) > 1 else 0) % len(joined[0])
    sizes = [shape for shape in joined if len(shape) == len(joined[0])]
    rest = {shape[:place] + shape[place + 1 :] for shape in sizes}
    if len(rest) == 1 and len(sizes) == len(joined):
        return None
    return (
        f"the branches differ along another axis than {place}, along which they are joined",
        f"{shape_text(joined[0])} but for axis {place}",
        " and ".join(shape_text(shape) for shape in joined[1:]),
        "Give the branches the same stride and padding, so that their maps have one size",
    )


def _broadcast(pair: list[Shape]) -> Story | None:
    left, right = pair
    tails = zip(reversed(left), reversed(right), strict=False)
    if all(a == b or 1 in (a, b) for a, b in tails):
        return None
    mend = "Give both branches the same stride and padding, so that their maps have one size"
    if len(left) == len(right) and left[1] != right[1] and left[2:] == right[2:]:
        mend = f"Give both branches the same channels (a 1x1 convolution {right[1]} -> {left[1]})"
    return "the two branches have different shapes", shape_text(left), shape_text(right), mend


def _view(args: Sequence[Any]) -> Story:
    shape, wanted = tuple(args[0].shape), tuple(args[1])
    return (
        f"{prod(shape)} numbers do not fill the new shape",
        shape_text(wanted),
        shape_text(shape),
        "Use flatten(1), or reckon the new shape from the old one",
    )


def _embedding(args: Sequence[Any]) -> Story | None:
    return words(args[1])


_OPERATIONS: dict[str, Callable[[Sequence[Any]], Story | None]] = {
    "addmm": _product,
    "mm": _product,
    "bmm": _product,
    "convolution": _convolution,
    "cat": _cat,
    "view": _view,
    "unsafe_view": _view,
    "reshape": _view,
    "embedding": _embedding,
}
