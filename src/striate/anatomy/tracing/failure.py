"""Says why a run stopped, in the terms of the layer that stopped it: expected, got, the mend."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from torch import nn
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from striate.anatomy.tracing import ops
from striate.anatomy.tracing.calls import Failure, Shape
from striate.anatomy.tracing.mismatch import Story, mismatch, of_operation, words
from striate.anatomy.tracing.work import Doing, Frame, shapes
from striate.anatomy.words import shape_text


def explain(error: Exception, stack: list[Frame], doing: Doing | None) -> Failure:
    """The failure of the innermost layer at work, or of the function it was calling."""
    frame = stack[-1] if stack else None
    story = _of_data(error) or _of_arguments(error, frame)
    if story is None and frame is not None:
        story = _of_module(frame)
    if story is None and doing is not None:
        story = of_operation(doing)
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
    if isinstance(frame.module, nn.Embedding | nn.EmbeddingBag):
        return words(frame.inputs[0])
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
    return None if wanted == came else mismatch("features", wanted, came, mend)


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
    return None if wanted == came else mismatch("channels", wanted, came, f"Set {name}={came}")


def _layer_norm(module: Any, shape: Shape) -> Story | None:
    wanted = tuple(module.normalized_shape)
    came = shape[-len(wanted) :]
    if wanted == came:
        return None
    return (
        "the last dimensions are others",
        f"{shape_text(wanted)} at the end",
        shape_text(shape),
        f"Set normalized_shape={came}",
    )


def _recurrent(module: Any, shape: Shape) -> Story | None:
    wanted, came = module.input_size, shape[-1]
    if wanted == came:
        return None
    mend = f"Set input_size={came}"
    if wanted == shape[1]:
        mend = "Its input is (batch, time, features): swap the last two axes with transpose(1, 2)"
    return mismatch("features", wanted, came, mend)


_MODULES: list[tuple[type[nn.Module], Callable[[Any, Shape], Story | None]]] = [
    (nn.Linear, _linear),
    (_ConvNd, _conv),
    (_NormBase, _norm),
    (nn.GroupNorm, _group_norm),
    (nn.LayerNorm, _layer_norm),
    (nn.RNNBase, _recurrent),
]


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
        shape_text(shape),
        mend,
    )
