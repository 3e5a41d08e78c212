"""Operations that compute, in ONNX's words."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.exporting.forms import Form, Forms, NoFormError, filled, two
from striate.exporting.graph import Graph
from striate.exporting.recording import Step


def _simple(kind: str, **attributes: Any) -> Form:
    return lambda graph, step: graph.add(kind, [graph.use(step.args[0])], **attributes)


def _pair(kind: str) -> Form:
    def make(graph: Graph, step: Step) -> str:
        left, right = (graph.use(value) for value in step.args[:2])
        if step.options.get("alpha", 1) != 1:
            right = graph.add("Mul", [right, graph.use(step.options["alpha"])])
        return graph.add(kind, [left, right])

    return make


COMPUTING = Forms(
    {
        "relu": _simple("Relu"),
        "tanh": _simple("Tanh"),
        "sigmoid": _simple("Sigmoid"),
        "hardswish": _simple("HardSwish"),
        "hardsigmoid": _simple("HardSigmoid", alpha=1 / 6, beta=0.5),
        "neg": _simple("Neg"),
        "abs": _simple("Abs"),
        "sqrt": _simple("Sqrt"),
        "exp": _simple("Exp"),
        "reciprocal": _simple("Reciprocal"),
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
)


@COMPUTING.of("clone", "detach", "alias", "contiguous")
def _same(graph: Graph, step: Step) -> str:
    return graph.use(step.args[0])


@COMPUTING.of("convolution")
def _convolution(graph: Graph, step: Step) -> str:
    image, weight, bias, stride, padding, dilation, transposed, extra, groups = step.args
    inputs = [graph.use(one) for one in (image, weight, bias) if one is not None]
    attributes: dict[str, Any] = {
        "strides": stride, "pads": [*padding, *padding], "dilations": dilation, "group": groups,
    }  # fmt: skip
    if transposed:
        return graph.add("ConvTranspose", inputs, output_padding=extra, **attributes)
    return graph.add("Conv", inputs, **attributes)


@COMPUTING.of("native_batch_norm")
def _batch_norm(graph: Graph, step: Step) -> str:
    rank = len(step.args[0].shape)
    scale, shift = (
        graph.use(one.float().view(-1, *[1] * (rank - 2))) for one in scale_and_shift(step)
    )
    return graph.add("Add", [graph.add("Mul", [graph.use(step.args[0]), scale]), shift])


@COMPUTING.of("native_layer_norm")
def _layer_norm(graph: Graph, step: Step) -> str:
    image, shape, weight, bias, eps = step.args
    inputs = [graph.use(one) for one in (image, weight, bias) if one is not None]
    return graph.add("LayerNormalization", inputs, axis=-len(shape), epsilon=eps)


@COMPUTING.of("addmm")
def _addmm(graph: Graph, step: Step) -> str:
    bias, left, right = step.args
    return graph.add("Gemm", [graph.use(left), graph.use(right), graph.use(bias)])


@COMPUTING.of("silu")
def _silu(graph: Graph, step: Step) -> str:
    name = graph.use(step.args[0])
    return graph.add("Mul", [name, graph.add("Sigmoid", [name])])


@COMPUTING.of("gelu")
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


@COMPUTING.of("leaky_relu")
def _leaky_relu(graph: Graph, step: Step) -> str:
    slope = step.args[1] if len(step.args) > 1 else 0.01
    return graph.add("LeakyRelu", [graph.use(step.args[0])], alpha=slope)


@COMPUTING.of("hardtanh", "clamp", "clamp_min")
def _clip(graph: Graph, step: Step) -> str:
    bottom, top = (-1, 1) if "hardtanh" in step.op else (None, None)
    _, low, high = filled(step, None, bottom, top)
    bounds = ["" if bound is None else graph.use(bound) for bound in (low, high)]
    return graph.add("Clip", [graph.use(step.args[0]), *bounds])


@COMPUTING.of("max_pool2d_with_indices")
def _max_pool(graph: Graph, step: Step) -> str:
    _, kernel, stride, padding, dilation, ceil = filled(step, None, None, (), 0, 1, False)
    return graph.add(
        "MaxPool", [graph.use(step.args[0])], kernel_shape=two(kernel),
        strides=two(stride or kernel), pads=two(padding) * 2, dilations=two(dilation),
        ceil_mode=int(ceil),
    )  # fmt: skip


@COMPUTING.of("avg_pool2d")
def _avg_pool(graph: Graph, step: Step) -> str:
    _, kernel, stride, padding, ceil, counted, divisor = filled(
        step, None, None, (), 0, False, True, None
    )
    if ceil and counted and any(two(padding)):
        raise NoFormError("an average pool with padding and ceil_mode has no ONNX form here")
    mean = graph.add(
        "AveragePool", [graph.use(step.args[0])], kernel_shape=two(kernel),
        strides=two(stride or kernel), pads=two(padding) * 2, ceil_mode=int(ceil),
        count_include_pad=int(counted),
    )  # fmt: skip
    if divisor is None:
        return mean
    return graph.add("Mul", [mean, graph.use(math.prod(two(kernel)) / divisor)])


@COMPUTING.of("_adaptive_avg_pool2d", "adaptive_max_pool2d")
def _adaptive(graph: Graph, step: Step) -> str:
    image, sizes = step.args[0], two(step.args[1])
    kind = "MaxPool" if "max" in step.op else "AveragePool"
    pairs = list(zip(image.shape[-2:], sizes, strict=True))
    if not any(have % want for have, want in pairs):
        window = [have // want for have, want in pairs]
        return graph.add(kind, [graph.use(image)], kernel_shape=window, strides=window)
    if kind == "MaxPool":
        raise NoFormError("an adaptive max pool with windows of several sizes has no ONNX form")
    # No operator has windows of several sizes; a mean over rows and columns is two products, with
    # what torch's windows make of unit vectors, (have, want).
    rows, columns = (F.adaptive_avg_pool1d(torch.eye(have), want) for have, want in pairs)
    across = graph.add("MatMul", [graph.use(image), graph.use(columns)])
    return graph.add("MatMul", [graph.use(rows.T.contiguous()), across])


@COMPUTING.of("mean.dim", "sum.dim_IntList", "amax")
def _reduce(graph: Graph, step: Step) -> str:
    kind = {"m": "ReduceMean", "s": "ReduceSum", "a": "ReduceMax"}[step.op.split(".")[1][0]]
    axes = step.args[1] if isinstance(step.args[1], list) else [step.args[1]]
    keep = int(step.args[2]) if len(step.args) > 2 else 0
    return graph.add(kind, [graph.use(step.args[0]), graph.numbers(axes)], keepdims=keep)


@COMPUTING.of("linalg_vector_norm")
def _length(graph: Graph, step: Step) -> str:
    image, order, axes, keep = filled(step, None, 2, None, False)
    if order != 2 or axes is None:
        raise NoFormError(f"a norm of order {order} over {axes} has no ONNX form here")
    return graph.add("ReduceL2", [graph.use(image), graph.numbers(axes)], keepdims=int(keep))


@COMPUTING.of("logsumexp")
def _logsumexp(graph: Graph, step: Step) -> str:
    keep = int(step.args[2]) if len(step.args) > 2 else 0
    inputs = [graph.use(step.args[0]), graph.numbers(step.args[1])]
    return graph.add("ReduceLogSumExp", inputs, keepdims=keep)


@COMPUTING.of("_log_softmax", "_softmax")
def _softmax(graph: Graph, step: Step) -> str:
    kind = "LogSoftmax" if "log" in step.op else "Softmax"
    return graph.add(kind, [graph.use(step.args[0])], axis=step.args[1])


def scale_and_shift(norm: Step) -> tuple[Tensor, Tensor]:
    """What a BatchNorm in eval mode multiplies with and adds, float64 `(C,)` each."""
    _, weight, bias, mean, variance, training, _, eps = norm.args
    if training:
        raise NoFormError("a BatchNorm without running statistics has no ONNX form here")
    scale = (variance.double() + eps).rsqrt()
    scale = scale if weight is None else scale * weight.double()
    shift = -mean.double() * scale
    return scale, shift if bias is None else shift + bias.double()
