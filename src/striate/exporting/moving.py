"""Operations that only move numbers, in ONNX's words."""

from __future__ import annotations

from striate.exporting.forms import BATCH, Forms, NoFormError, filled
from striate.exporting.graph import Graph
from striate.exporting.recording import Step, Value

MOVING = Forms()


@MOVING.of("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze.dim", "squeeze.dims")
def _reshape(graph: Graph, step: Step) -> str:
    """Whatever only gives the same numbers another shape; what is left over is the batch's."""
    made = step.outputs[0]
    if made is None or made.shape[0] % BATCH:
        raise NoFormError(f"{step.op} that moves the batch has no ONNX form here")
    return graph.add("Reshape", [graph.use(step.args[0]), graph.numbers([-1, *made.shape[1:]])])


@MOVING.of("as_strided")
def _as_strided(graph: Graph, step: Step) -> str:
    """Only where it tells of memory: PyTorch renames the strides of axes of size one."""
    made = step.outputs[0]
    if made is None or made.shape != step.args[0].shape:
        raise NoFormError("as_strided to another shape has no ONNX form here")
    return graph.use(step.args[0])


@MOVING.of("expand")
def _expand(graph: Graph, step: Step) -> str:
    made = step.outputs[0]
    if made is None or made.shape[:1] != step.args[0].shape[:1]:
        raise NoFormError("expand to a batch has no ONNX form here")
    return graph.add("Expand", [graph.use(step.args[0]), graph.numbers([1, *made.shape[1:]])])


@MOVING.of("permute", "transpose.int", "t")
def _transpose(graph: Graph, step: Step) -> str:
    rank = len(step.args[0].shape)
    order = list(range(rank))
    if "permute" in step.op:
        order = [axis % rank for axis in step.args[1]]
    else:
        one, other = (axis % rank for axis in (step.args[1:] or (0, 1)))
        order[one], order[other] = other, one
    return graph.add("Transpose", [graph.use(step.args[0])], perm=order)


@MOVING.of("cat")
def _concat(graph: Graph, step: Step) -> str:
    axis = step.args[1] if len(step.args) > 1 else 0
    return graph.add("Concat", [graph.use(one) for one in step.args[0]], axis=axis)


@MOVING.of("slice.Tensor")
def _slice(graph: Graph, step: Step) -> str:
    image, axis, start, end, stride = filled(step, None, 0, None, None, 1)
    ends = 2**62 if end is None else end
    bounds = [graph.numbers(one) for one in (start or 0, ends, axis, stride)]
    return graph.add("Slice", [graph.use(image), *bounds])


@MOVING.of("split.Tensor", "split_with_sizes", "chunk")
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


@MOVING.of("channel_shuffle", "native_channel_shuffle")
def _shuffle(graph: Graph, step: Step) -> str:
    image, groups = step.args
    _, channels, *sides = image.shape
    cut = graph.numbers([-1, groups, channels // groups, *sides])
    split = graph.add("Reshape", [graph.use(image), cut])
    turned = graph.add("Transpose", [split], perm=[0, 2, 1, *range(3, 3 + len(sides))])
    return graph.add("Reshape", [turned, graph.numbers([-1, channels, *sides])])


@MOVING.of("constant_pad_nd", "replication_pad2d", "reflection_pad2d")
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
