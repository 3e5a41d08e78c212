"""One symbolic run of any network: shapes, costs and receptive fields, without a single number.

The run happens on a double of the network made of fake tensors (`ghost`), so it takes no memory to
speak of and the network, its buffers, its flags and the random numbers stay as they were.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.parameter import is_lazy

from striate.anatomy.tracing.calls import Call as Call
from striate.anatomy.tracing.calls import Failure as Failure
from striate.anatomy.tracing.calls import Shape
from striate.anatomy.tracing.calls import Trace as Trace
from striate.anatomy.tracing.failure import explain
from striate.anatomy.tracing.ghost import ghost, settled
from striate.anatomy.tracing.mismatch import INDICES
from striate.anatomy.tracing.reach import Axis, Reach
from striate.anatomy.tracing.recorder import Recorder
from striate.errors import ArgumentError


def trace(
    net: nn.Module,
    input_shape: Sequence[int] | Sequence[Sequence[int]] = (),
    *,
    dtype: torch.dtype | None = None,
) -> Trace:
    """Run `net` symbolically, in eval mode, on one sample of `input_shape`.

    `input_shape` has no batch axis: (3, 224, 224), (channels, length), or one shape per argument of
    a network with several inputs: ((3, 224, 224), (10,)). `dtype` is the input's; left out, it is
    the network's own. A network that fails half way gives the calls up to there, and a `failure`.
    """
    if isinstance(net, str):
        remedy = f"Build it first: striate.create({net!r})"
        raise ArgumentError("net", net, "a torch.nn.Module", remedy=remedy)
    if not isinstance(net, nn.Module):
        raise ArgumentError("net", net, "a torch.nn.Module", remedy="Call it if it is a class")
    if any(isinstance(module, torch.jit.ScriptModule) for module in net.modules()):
        raise ArgumentError(
            "net",
            type(net).__name__,
            "layers that can be watched, which TorchScript hides",
            remedy="Give the Python module it was made from",
        )
    shapes = _samples(input_shape)  # left out, it is an error that says what to pass
    found = _traced(net, shapes, dtype or _own_dtype(net))
    if dtype is None and found.failure is not None and found.failure.expected == INDICES:
        words = _traced(net, shapes, torch.int64)  # perhaps it reads words, not pictures
        found = max(found, words, key=lambda one: len(one.calls))
    return found


def _traced(net: nn.Module, shapes: tuple[Shape, ...], dtype: torch.dtype) -> Trace:
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    double = ghost(settled(net, shapes, dtype), mode)
    recorder = Recorder(double, dict(net.named_modules(remove_duplicate=False)))
    with _symbolic(mode):
        inputs = [torch.empty((1, *shape), dtype=dtype) for shape in shapes]
        for x, reach in zip(inputs, _first_reaches(shapes), strict=True):
            recorder.mark_input(x, reach)
        output, failure = _run(double, inputs, recorder)
    return _totals(double, recorder.calls, shapes, output, failure)


def _run(net: nn.Module, inputs: list[Tensor], recorder: Recorder) -> tuple[Any, Failure | None]:
    try:
        with recorder:
            return _structure(net(*inputs)), None
    except Exception as error:  # whatever a stranger's network raises becomes the report
        return None, explain(error, recorder.stack, recorder.doing)


@contextlib.contextmanager
def _symbolic(mode: FakeTensorMode) -> Iterator[None]:
    """Fake tensors, no gradients, and attention by its plain operations, which can be counted."""
    # Failures are told by `failure`; torch would print its own traceback of each as well.
    log = logging.getLogger("torch._subclasses.fake_tensor")
    quiet, log.disabled = log.disabled, True
    try:
        # The device mode overrules a default the caller has set, and, as torch's attention steps
        # off its fused path under any such mode, leaves plain products that can be counted.
        with torch.device("cpu"), torch.inference_mode(False), torch.no_grad(), mode:
            yield
    finally:
        log.disabled = quiet


def _samples(input_shape: Any) -> tuple[Shape, ...]:
    """One tuple of positive ints per input of the network."""
    several = isinstance(input_shape, list | tuple) and any(
        isinstance(shape, list | tuple) for shape in input_shape
    )
    shapes = input_shape if several else [input_shape]
    for shape in shapes:
        if not isinstance(shape, list | tuple) or not shape or not all(map(_is_size, shape)):
            raise ArgumentError(
                "input_shape",
                input_shape,
                "the shape of one sample without the batch, such as (3, 224, 224)",
                remedy="A network known by name: striate.models.entry('resnet18').input",
            )
    return tuple(tuple(int(size) for size in shape) for shape in shapes)


def _is_size(size: Any) -> bool:
    return isinstance(size, int) and not isinstance(size, bool) and size > 0


def _own_dtype(net: nn.Module) -> torch.dtype:
    """The dtype of the network's first floating-point weights."""
    floats = (p.dtype for p in net.parameters() if p.dtype.is_floating_point)
    return next(floats, torch.get_default_dtype())


def _first_reaches(shapes: tuple[Shape, ...]) -> list[Reach]:
    """Each pixel of an input sees itself. Inputs of different sizes have no common picture."""
    if len({shape[1:] for shape in shapes}) > 1:
        return [None] * len(shapes)
    return [
        tuple(Axis(size, dim) for dim, size in enumerate(shape[1:], start=2)) for shape in shapes
    ]


def _structure(value: Any) -> Any:
    """The network's output with shapes in place of tensors."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, dict):
        return {key: _structure(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_structure(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _structure(getattr(value, item.name)) for item in fields(value)}
    return None


def _totals(
    double: nn.Module,
    calls: list[Call],
    shapes: tuple[Shape, ...],
    output: Any,
    failure: Failure | None,
) -> Trace:
    known = [p for p in double.parameters() if not is_lazy(p)]
    buffers = [b for b in double.buffers() if not is_lazy(b)]
    return Trace(
        calls=tuple(calls),
        input_shape=shapes[0] if len(shapes) == 1 else shapes,
        output=output,
        failure=failure,
        parameters=sum(p.numel() for p in known),
        trainable=sum(p.numel() for p in known if p.requires_grad),
        buffers=sum(b.numel() for b in buffers),
        macs=sum(call.macs for call in calls),
        activation_bytes=sum(call.bytes for call in calls),
        weight_bytes=sum(t.numel() * t.element_size() for t in [*known, *buffers]),
    )
