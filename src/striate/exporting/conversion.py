"""A network as an ONNX graph: bytes of pixels in, what it answers out.

PyTorch's exporters take four to fourteen seconds for it. This takes the time of one run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from striate.exporting.forms import BATCH, NoFormError
from striate.exporting.graph import Graph
from striate.exporting.moving import MOVING
from striate.exporting.operators import COMPUTING, scale_and_shift
from striate.exporting.recording import Recording, Step, norms_behind, record, still_copy
from striate.preprocess import Preprocess

if TYPE_CHECKING:
    import onnx

PIXELS = "pixels"
Finish = Callable[[Graph, str, list[int]], dict[str, list[int]]]
"""The graph, the answer's name and its sizes without N, to the outputs' names with theirs."""

_FORMS = COMPUTING | MOVING
_OPSET = 18
_IR_VERSION = 9


# In inference mode whole layers would come by, not the operations they are made of.
@torch.inference_mode(False)
def graph_of(
    net: nn.Module,
    preprocess: Preprocess,
    *,
    finish: Finish,
) -> onnx.ModelProto:
    """The network behind its normalising: `pixels` uint8 `(N, H, W, C)`, N free, to its answer.

    `finish` appends what is made of the answer.
    """
    from onnx import TensorProto, helper

    shape = (preprocess.channels, *preprocess.size)
    still = still_copy(net).cpu()
    recording = record(still, torch.linspace(-1, 1, BATCH * math.prod(shape)).view(BATCH, *shape))
    graph = Graph()
    _normalised(graph, preprocess, recording.input.name)
    for step in folded(recording):
        _emit(graph, step)
    sizes = [int(size) for size in recording.output.shape[1:]]
    outputs = finish(graph, graph.use(recording.output), sizes)
    height, width = preprocess.size
    pixels = helper.make_tensor_value_info(
        PIXELS, TensorProto.UINT8, ["N", height, width, preprocess.channels]
    )
    results = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *sizes])
        for name, sizes in outputs.items()
    ]
    body = helper.make_graph(graph.nodes, "striate", [pixels], results, graph.constants)
    return helper.make_model(
        body,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="striate",
    )


def as_it_is(graph: Graph, answer: str, sizes: list[int]) -> dict[str, list[int]]:
    """The answer alone, under the name `answer`."""
    return {graph.add("Identity", [answer], "answer"): sizes}


def _emit(graph: Graph, step: Step) -> None:
    """Append what the step does, under the name of its answer."""
    name = step.op.removesuffix(".default").removeprefix("aten.").removesuffix("_")
    if name not in _FORMS:
        raise NoFormError(f"the operation {step.op} has no ONNX form here")
    made = _FORMS[name](graph, step)
    if made and step.outputs[0]:
        graph.name(step.outputs[0], made)


def _normalised(graph: Graph, preprocess: Preprocess, output: str) -> None:
    """`(x / 255 - mean) / std` as one product and one sum, then bands first."""
    mean, std = (np.array(values, np.float64) for values in (preprocess.mean, preprocess.std))
    real = graph.add("Cast", [PIXELS], to=1)
    scaled = graph.add("Mul", [real, graph.constant((1 / (255 * std)).astype(np.float32))])
    moved = graph.add("Add", [scaled, graph.constant((-mean / std).astype(np.float32))])
    graph.add("Transpose", [moved], output, perm=[0, 3, 1, 2])


def folded(recording: Recording) -> list[Step]:
    """The steps, with every BatchNorm that follows a convolution put into its weights."""
    steps = list(recording.steps)
    pairs = norms_behind(recording)
    for norm, convolution in pairs.items():
        steps[convolution] = _into(steps[convolution], steps[norm])
    return [step for place, step in enumerate(steps) if place not in pairs]


def _into(convolution: Step, norm: Step) -> Step:
    _, weight, bias, *rest = convolution.args
    scale, shift = scale_and_shift(norm)
    if rest[3]:  # transposed: its weights are (in, out, ...)
        raise NoFormError("a BatchNorm behind a transposed convolution has no ONNX form here")
    wide = (weight.double() * scale.view(-1, *[1] * (weight.dim() - 1))).float()
    moved = (shift if bias is None else shift + bias.double() * scale).float()
    args = (convolution.args[0], wide, moved, *rest)
    return Step(convolution.op, args, convolution.options, norm.outputs[:1])
