"""Says why a run stopped, in the terms of the layer that stopped it: expected, got, the mend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from striate.anatomy import ops
from striate.anatomy.calls import Failure, Shape
from striate.anatomy.geometry import output_size
from striate.anatomy.work import Doing, Frame, shapes

Story = tuple[str, str, str, str]  # reason, expected, got, mend

INDICES = "int64 indices"
_SMALLER = "Start from a larger image, pool less, or use a smaller kernel or more padding"


def explain(error: Exception, stack: list[Frame], doing: Doing | None) -> Failure:
    """The failure of the innermost layer at work, or of the function it was calling."""
    frame = stack[-1] if stack else None
    story = _of_data(error) or _of_arguments(error, frame)
    if story is None and frame is not None:
        story = _of_module(frame)
    if story is None and doing is not None:
        story = _of_operation(doing)
    reason, expected, got, mend = story or (_plain(error), "", "", "")
    if frame is None:
        return Failure("", "network", (), reason, expected, got, mend)
    if frame.leaf or doing is None or doing.name in ops.QUIET:
        name, kind = frame.name, type(frame.module).__name__
        return Failure(name, kind, shapes(frame.inputs), reason, expected, got, mend)
    kind = ops.label(doing.name)
    name = f"{frame.name}.({kind})" if frame.name else f"({kind})"
    return Failure(name, kind, shapes(doing.args), reason, expected, got, mend)


def _plain(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__


def _of_data(error: Exception) -> Story | None:
    if isinstance(error, DataDependentOutputException | DynamicOutputShapeException):
        return (
            "what happens next depends on the numbers, and a symbolic run has none",
            "shapes that follow from shapes alone",
            f"{ops.label(error.func.overloadpacket.__name__)} of the data",
            "Take .item(), bool(), tolist() and masks out of forward, or look at its parts",
        )
    return None


def _of_arguments(error: Exception, frame: Frame | None) -> Story | None:
    """`forward` of the network itself takes another number of inputs."""
    if isinstance(error, TypeError) and frame and not frame.name and "positional" in str(error):
        mend = "Give one shape per argument of forward, such as ((3, 224, 224), (10,))"
        return _plain(error), "", "", mend
    return None


# -- by the module's type ------------------------------------------------------------------------


def _of_module(frame: Frame) -> Story | None:
    if not frame.inputs:
        return None
    shape = tuple(frame.inputs[0].shape)
    axes = _axes(frame.module)
    if axes is not None and len(shape) != axes + 2:
        return _dimensions(axes, shape, first=frame.sources == (-1,))
    for kind, rule in _MODULES:
        if isinstance(frame.module, kind):
            return rule(frame.module, shape)
    return None


def _axes(module: nn.Module) -> int | None:
    """Spatial axes that a layer insists on; None for layers that take any number."""
    if isinstance(module, _ConvNd):
        return len(module.kernel_size)
    if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
        return 2 if isinstance(module, nn.BatchNorm2d) else 3
    return None


def _linear(module: Any, shape: Shape) -> Story | None:
    wanted, came = module.in_features, shape[-1]
    mend = f"Set in_features={came}"
    if len(shape) > 2:
        flat = prod(shape[1:])
        mend = "Put nn.Flatten() before it" + ("" if flat == wanted else f" and in_features={flat}")
    return None if wanted == came else _mismatch("features", wanted, came, mend)


def _conv(module: Any, shape: Shape) -> Story | None:
    return _channels(shape, in_channels=module.in_channels)


def _norm(module: Any, shape: Shape) -> Story | None:
    if isinstance(module, nn.BatchNorm1d) and len(shape) > 3:
        return _dimensions(1, shape, first=False)
    return _channels(shape, num_features=module.num_features)


def _group_norm(module: Any, shape: Shape) -> Story | None:
    return _channels(shape, num_channels=module.num_channels)


def _channels(shape: Shape, **argument: int) -> Story | None:
    [(name, wanted)] = argument.items()
    came = shape[1]
    return None if wanted == came else _mismatch("channels", wanted, came, f"Set {name}={came}")


def _layer_norm(module: Any, shape: Shape) -> Story | None:
    wanted = tuple(module.normalized_shape)
    came = shape[-len(wanted) :]
    if wanted == came:
        return None
    return (
        "the last dimensions are others",
        f"{_shape(wanted)} at the end",
        _shape(shape),
        f"Set normalized_shape={came}",
    )


def _recurrent(module: Any, shape: Shape) -> Story | None:
    wanted, came = module.input_size, shape[-1]
    if wanted == came:
        return None
    mend = f"Set input_size={came}"
    if wanted == shape[1]:
        mend = "Its input is (batch, time, features): swap the last two axes with transpose(1, 2)"
    return _mismatch("features", wanted, came, mend)


_MODULES: list[tuple[type[nn.Module], Callable[[Any, Shape], Story | None]]] = [
    (nn.Linear, _linear),
    (_ConvNd, _conv),
    (_NormBase, _norm),
    (nn.GroupNorm, _group_norm),
    (nn.LayerNorm, _layer_norm),
    (nn.RNNBase, _recurrent),
]


def _mismatch(what: str, wanted: int, came: int, mend: str) -> Story:
    return f"the input has another number of {what}", f"{wanted} {what}", f"{came}", mend


def _dimensions(axes: int, shape: Shape, *, first: bool) -> Story:
    names = {1: "length", 2: "height, width", 3: "depth, height, width"}[axes]
    mend = f"Use the {len(shape) - 2}d kind of this layer, or reshape its input"
    if first:
        mend = f"Give input_shape as (channels, {names}), without a batch axis"
    elif len(shape) == 2:
        mend = "Its input was flattened too early: move nn.Flatten() behind it"
    return (
        "the input has another number of dimensions",
        f"(batch, channels, {names})",
        _shape(shape),
        mend,
    )


# -- by the operation ----------------------------------------------------------------------------


def _of_operation(doing: Doing) -> Story | None:
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
    return _mismatch("features", wanted, came, f"Its weights must read {came} features")


def _convolution(args: Sequence[Any]) -> Story | None:
    x, weight, _, stride, padding, dilation, transposed, _, groups = args
    wanted = weight.shape[0] if transposed else weight.shape[1] * groups
    if x.shape[1] != wanted:
        came = x.shape[1]
        return _mismatch("channels", wanted, came, f"Its weights must read {came} channels")
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
        f"at least {'x'.join(map(str, least))}",
        "x".join(map(str, sizes)),
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
        f"{_shape(joined[0])} but for axis {place}",
        " and ".join(_shape(shape) for shape in joined[1:]),
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
    return "the two branches have different shapes", _shape(left), _shape(right), mend


def _view(args: Sequence[Any]) -> Story:
    shape, wanted = tuple(args[0].shape), tuple(args[1])
    return (
        f"{prod(shape)} numbers do not fill the new shape",
        _shape(wanted),
        _shape(shape),
        "Use flatten(1), or reckon the new shape from the old one",
    )


def _embedding(args: Sequence[Any]) -> Story | None:
    if not args[1].dtype.is_floating_point:
        return None
    return (
        "an embedding looks up whole numbers",
        INDICES,
        f"{args[1].dtype}".removeprefix("torch."),
        "Trace it with dtype=torch.int64",
    )


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


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "a single number"
