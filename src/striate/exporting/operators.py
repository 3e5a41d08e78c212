"""PyTorch's operations in ONNX's words: one function an operation, found by its name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor

from striate.errors import StriateError
from striate.exporting.graph import Graph
from striate.exporting.recording import Step, Value

Emit = Callable[[Graph, Step], str]
_KINDS: dict[str, Emit] = {}
BATCH = 2  # of the run that is recorded: a size of one would hide where the batch is


class NoFormError(StriateError):
    """An operation for which no ONNX form is written down."""


def emit(graph: Graph, step: Step) -> None:
    """Append what the step does to the graph, under the name of its output."""
    name = step.op.removesuffix(".default").removeprefix("aten.")
    name = name.removesuffix("_") if name.endswith("_") else name
    if name not in _KINDS:
        raise NoFormError(f"the operation {step.op} has no ONNX form here")
    made = _KINDS[name](graph, step)
    if made and step.outputs[0]:
        graph.add("Identity", [made], step.outputs[0].name)


def _kind(*names: str) -> Callable[[Emit], Emit]:
    def keep(function: Emit) -> Emit:
        _KINDS.update(dict.fromkeys(names, function))
        return function

    return keep


def _simple(kind: str, **attributes: Any) -> Emit:
    return lambda graph, step: graph.add(kind, [graph.use(step.args[0])], **attributes)


def _pair(kind: str) -> Emit:
    def make(graph: Graph, step: Step) -> str:
        left, right = (graph.use(value) for value in step.args[:2])
        if step.options.get("alpha", 1) != 1:
            right = graph.add("Mul", [right, graph.use(step.options["alpha"])])
        return graph.add(kind, [left, right])

    return make


_KINDS |= {
    "relu": _simple("Relu"),
    "tanh": _simple("Tanh"),
    "sigmoid": _simple("Sigmoid"),
    "hardswish": _simple("HardSwish"),
    "hardsigmoid": _simple("HardSigmoid", alpha=1 / 6, beta=0.5),
    "neg": _simple("Neg"),
    "abs": _simple("Abs"),
    "sqrt": _simple("Sqrt"),
    "exp": _simple("Exp"),
    "clone": _simple("Identity"),
    "detach": _simple("Identity"),
    "alias": _simple("Identity"),
    "contiguous": _simple("Identity"),
    "add.Tensor": _pair("Add"),
    "add_.Tensor": _pair("Add"),
    "sub.Tensor": _pair("Sub"),
    "mul.Tensor": _pair("Mul"),
    "mul_.Tensor": _pair("Mul"),
    "div.Tensor": _pair("Div"),
    "div_.Tensor": _pair("Div"),
    "maximum": _pair("Max"),
    "pow.Tensor_Scalar": _pair("Pow"),
    "mm": _pair("MatMul"),
    "bmm": _pair("MatMul"),
}


@_kind("convolution")
def _convolution(graph: Graph, step: Step) -> str:
    image, weight, bias, stride, padding, dilation, transposed, extra, groups = step.args
    inputs = [graph.use(one) for one in (image, weight, bias) if one is not None]
    attributes: dict[str, Any] = {
        "strides": stride, "pads": [*padding, *padding], "dilations": dilation, "group": groups,
    }  # fmt: skip
    if transposed:
        return graph.add("ConvTranspose", inputs, output_padding=extra, **attributes)
    return graph.add("Conv", inputs, **attributes)


@_kind("native_batch_norm")
def _batch_norm(graph: Graph, step: Step) -> str:
    rank = len(step.args[0].shape)
    scale, shift = (
        graph.use(one.float().view(-1, *[1] * (rank - 2))) for one in scale_and_shift(step)
    )
    return graph.add("Add", [graph.add("Mul", [graph.use(step.args[0]), scale]), shift])


@_kind("native_layer_norm")
def _layer_norm(graph: Graph, step: Step) -> str:
    image, shape, weight, bias, eps = step.args
    inputs = [graph.use(one) for one in (image, weight, bias) if one is not None]
    return graph.add("LayerNormalization", inputs, axis=-len(shape), epsilon=eps)


@_kind("addmm")
def _addmm(graph: Graph, step: Step) -> str:
    bias, left, right = step.args
    return graph.add("Gemm", [graph.use(left), graph.use(right), graph.use(bias)])


@_kind("silu")
def _silu(graph: Graph, step: Step) -> str:
    name = graph.use(step.args[0])
    return graph.add("Mul", [name, graph.add("Sigmoid", [name])])


@_kind("gelu")
def _gelu(graph: Graph, step: Step) -> str:
    name = graph.use(step.args[0])
    if step.options.get("approximate", "none") == "tanh":
        cubed = graph.add("Mul", [graph.add("Mul", [name, name]), name])
        inner = graph.add("Add", [name, graph.add("Mul", [cubed, graph.use(0.044715)])])
        bent = graph.add("Tanh", [graph.add("Mul", [inner, graph.use(math.sqrt(2 / math.pi))])])
    else:
        bent = graph.add("Erf", [graph.add("Div", [name, graph.use(math.sqrt(2))])])
    more = graph.add("Add", [bent, graph.use(1)])
    return graph.add("Mul", [graph.add("Mul", [name, more]), graph.use(0.5)])


@_kind("leaky_relu")
def _leaky_relu(graph: Graph, step: Step) -> str:
    slope = step.args[1] if len(step.args) > 1 else 0.01
    return graph.add("LeakyRelu", [graph.use(step.args[0])], alpha=slope)


@_kind("hardtanh", "clamp", "clamp_min")
def _clip(graph: Graph, step: Step) -> str:
    bottom, top = (-1, 1) if "hardtanh" in step.op else (None, None)
    _, low, high = _filled(step, None, bottom, top)
    bounds = ["" if bound is None else graph.use(bound) for bound in (low, high)]
    return graph.add("Clip", [graph.use(step.args[0]), *bounds])


@_kind("max_pool2d_with_indices")
def _max_pool(graph: Graph, step: Step) -> str:
    _, kernel, stride, padding, dilation, ceil = _filled(step, None, None, (), 0, 1, False)
    return graph.add(
        "MaxPool", [graph.use(step.args[0])], kernel_shape=_two(kernel),
        strides=_two(stride or kernel), pads=_two(padding) * 2, dilations=_two(dilation),
        ceil_mode=int(ceil),
    )  # fmt: skip


@_kind("avg_pool2d")
def _avg_pool(graph: Graph, step: Step) -> str:
    _, kernel, stride, padding, ceil, counted, divisor = _filled(
        step, None, None, (), 0, False, True, None
    )
    if ceil and counted and any(_two(padding)):
        raise NoFormError("an average pool with padding and ceil_mode has no ONNX form here")
    mean = graph.add(
        "AveragePool", [graph.use(step.args[0])], kernel_shape=_two(kernel),
        strides=_two(stride or kernel), pads=_two(padding) * 2, ceil_mode=int(ceil),
        count_include_pad=int(counted),
    )  # fmt: skip
    if divisor is None:
        return mean
    return graph.add("Mul", [mean, graph.use(math.prod(_two(kernel)) / divisor)])


@_kind("_adaptive_avg_pool2d", "adaptive_max_pool2d")
def _adaptive(graph: Graph, step: Step) -> str:
    image, sizes = step.args[0], _two(step.args[1])
    kind = "MaxPool" if "max" in step.op else "AveragePool"
    if any(have % want for have, want in zip(image.shape[-2:], sizes, strict=True)):
        raise NoFormError("an adaptive pool with windows of several sizes has no ONNX form here")
    window = [have // want for have, want in zip(image.shape[-2:], sizes, strict=True)]
    return graph.add(kind, [graph.use(image)], kernel_shape=window, strides=window)


@_kind("mean.dim", "sum.dim_IntList", "amax")
def _reduce(graph: Graph, step: Step) -> str:
    kind = {"m": "ReduceMean", "s": "ReduceSum", "a": "ReduceMax"}[step.op.split(".")[1][0]]
    axes = step.args[1] if isinstance(step.args[1], list) else [step.args[1]]
    keep = int(step.args[2]) if len(step.args) > 2 else 0
    return graph.add(kind, [graph.use(step.args[0]), graph.numbers(axes)], keepdims=keep)


@_kind("logsumexp")
def _logsumexp(graph: Graph, step: Step) -> str:
    keep = int(step.args[2]) if len(step.args) > 2 else 0
    inputs = [graph.use(step.args[0]), graph.numbers(step.args[1])]
    return graph.add("ReduceLogSumExp", inputs, keepdims=keep)


@_kind("_log_softmax", "_softmax")
def _softmax(graph: Graph, step: Step) -> str:
    kind = "LogSoftmax" if "log" in step.op else "Softmax"
    return graph.add(kind, [graph.use(step.args[0])], axis=step.args[1])


@_kind("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze.dim", "squeeze.dims")
def _reshape(graph: Graph, step: Step) -> str:
    """Whatever only gives the same numbers another shape; what is left over is the batch's."""
    made = step.outputs[0]
    if made is None or made.shape[0] % BATCH:
        raise NoFormError(f"{step.op} that moves the batch has no ONNX form here")
    return graph.add("Reshape", [graph.use(step.args[0]), graph.numbers([-1, *made.shape[1:]])])


@_kind("as_strided")
def _as_strided(graph: Graph, step: Step) -> str:
    """Only where it tells of memory: PyTorch renames the strides of axes of size one."""
    made = step.outputs[0]
    if made is None or made.shape != step.args[0].shape:
        raise NoFormError("as_strided to another shape has no ONNX form here")
    return graph.use(step.args[0])


@_kind("permute", "transpose.int", "t")
def _transpose(graph: Graph, step: Step) -> str:
    rank = len(step.args[0].shape)
    order = list(range(rank))
    if "permute" in step.op:
        order = [axis % rank for axis in step.args[1]]
    else:
        one, other = (axis % rank for axis in (step.args[1:] or (0, 1)))
        order[one], order[other] = other, one
    return graph.add("Transpose", [graph.use(step.args[0])], perm=order)


@_kind("cat")
def _concat(graph: Graph, step: Step) -> str:
    axis = step.args[1] if len(step.args) > 1 else 0
    return graph.add("Concat", [graph.use(one) for one in step.args[0]], axis=axis)


@_kind("slice.Tensor")
def _slice(graph: Graph, step: Step) -> str:
    image, axis, start, end, stride = _filled(step, None, 0, None, None, 1)
    ends = 2**62 if end is None else end
    bounds = [graph.numbers(one) for one in (start or 0, ends, axis, stride)]
    return graph.add("Slice", [graph.use(image), *bounds])


@_kind("split.Tensor", "split_with_sizes", "chunk")
def _split(graph: Graph, step: Step) -> str:
    axis = step.args[2] if len(step.args) > 2 else 0
    start = 0
    for part in step.outputs:
        if not isinstance(part, Value):
            raise NoFormError("a split with an empty part has no ONNX form here")
        end = start + part.shape[axis]
        bounds = [graph.numbers(one) for one in (start, end, axis)]
        graph.add("Slice", [graph.use(step.args[0]), *bounds], part.name)
        start = end
    return ""


@_kind("channel_shuffle", "native_channel_shuffle")
def _shuffle(graph: Graph, step: Step) -> str:
    image, groups = step.args
    _, channels, *sides = image.shape
    cut = graph.numbers([-1, groups, channels // groups, *sides])
    split = graph.add("Reshape", [graph.use(image), cut])
    turned = graph.add("Transpose", [split], perm=[0, 2, 1, *range(3, 3 + len(sides))])
    return graph.add("Reshape", [turned, graph.numbers([-1, channels, *sides])])


@_kind("constant_pad_nd", "replication_pad2d", "reflection_pad2d")
def _pad(graph: Graph, step: Step) -> str:
    image, pads = step.args[:2]
    rank, sides = len(image.shape), len(pads) // 2
    mode = {"c": "constant", "r": "edge"}[step.op.split(".")[1][0]]
    mode = "reflect" if "reflection" in step.op else mode
    before, after = [0] * rank, [0] * rank
    for k in range(sides):
        before[rank - 1 - k], after[rank - 1 - k] = pads[2 * k : 2 * k + 2]
    inputs = [graph.use(image), graph.numbers([*before, *after])]
    if mode == "constant" and len(step.args) > 2:
        inputs.append(graph.use(step.args[2]))
    return graph.add("Pad", inputs, mode=mode)


def scale_and_shift(norm: Step) -> tuple[Tensor, Tensor]:
    """What a BatchNorm in eval mode multiplies with and adds, float64 `(C,)` each."""
    _, weight, bias, mean, variance, training, _, eps = norm.args
    if training:
        raise NoFormError("a BatchNorm without running statistics has no ONNX form here")
    scale = (variance.double() + eps).rsqrt()
    scale = scale if weight is None else scale * weight.double()
    shift = -mean.double() * scale
    return scale, shift if bias is None else shift + bias.double()


def _two(value: Any) -> list[int]:
    """One number or two, as a pair."""
    values = [value] if isinstance(value, int) else list(value)
    return values * 2 if len(values) == 1 else values


def _filled(step: Step, *defaults: Any) -> tuple[Any, ...]:
    """The step's arguments, and the defaults of those left out."""
    return (*step.args, *defaults[len(step.args) :])
