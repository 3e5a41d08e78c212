"""From the calls of a traced net to what a picture of it shows: volumes, and where they join."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from striate.anatomy.tracing.calls import Call, Shape, Trace
from striate.anatomy.words import times

INPUT = -1
# What joins two volumes of one shape is a circle with a sign; a concatenation has a volume's size.
SIGNS = {"add": "+", "sub": "-", "mul": "x", "cat": "concat"}
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_POOLS = (
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.MaxPool3d,
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AvgPool3d,
)
_LONGEST_NAME = 14


@dataclass(frozen=True, slots=True)
class Volume:
    """One thing drawn: `shape` without batch, and the operation that made it, in two short lines.

    `kind` is input, conv, pool, fc, other, or a key of SIGNS for a join.
    """

    id: int
    kind: str
    shape: Shape
    operation: tuple[str, str]
    sources: tuple[int, ...]

    @property
    def is_join(self) -> bool:
        """Drawn as a circle."""
        return self.kind in SIGNS

    @property
    def label(self) -> str:
        """Width x height x depth, as the lectures write it."""
        channels, *space = self.shape if self.shape else (1,)
        return times((*reversed(space), channels))


def volumes(found: Trace) -> list[Volume]:
    """The input, then every call that makes a new volume or a join, in the order they happened.

    What keeps a volume's shape and mixes nothing (activation, norm, dropout) is not drawn: the
    volume it is applied to stands for it.
    """
    drawn = [Volume(INPUT, "input", _first_shape(found), ("", ""), ())]
    stands_for = {INPUT: INPUT}
    gathered: dict[tuple[int, ...], int] = {}  # what each concatenation holds
    for call in found.calls:
        sources = tuple(dict.fromkeys(stands_for[source] for source in call.sources))
        if len(sources) == 1 and _invisible(call):
            stands_for[call.index] = sources[0]
            continue
        stands_for[call.index] = call.index
        shape = call.outputs[0][1:] if call.outputs else ()
        joins = len(sources) > 1 and call.module is None and _plain(call.type) in SIGNS
        kind = _plain(call.type) if joins else _kind(call)
        if kind == "cat":
            gathered[sources] = call.index
            sources = _shortened(sources, gathered)
        drawn.append(Volume(call.index, kind, shape, operation(call), sources))
    return drawn


def _first_shape(found: Trace) -> Shape:
    """Of several inputs the first stands for all: the trace tells no more of them apart."""
    sizes = tuple(size for size in found.input_shape if isinstance(size, int))
    several = tuple(shape for shape in found.input_shape if isinstance(shape, tuple))
    return sizes or several[0]


def _shortened(sources: tuple[int, ...], gathered: dict[tuple[int, ...], int]) -> tuple[int, ...]:
    """An earlier concatenation of the first sources stands for them: dense blocks stay legible."""
    for count in range(len(sources) - 1, 1, -1):
        if sources[:count] in gathered:
            return gathered[sources[:count]], *sources[count:]
    return sources


def _plain(name: str) -> str:
    """`add_`, `__add__` and `add` are one operation."""
    return name.strip("_")


def _invisible(call: Call) -> bool:
    if call.type in ("Flatten", "flatten"):
        return True
    same = bool(call.inputs) and call.outputs[:1] == call.inputs[:1]
    return same and call.macs == 0 and "pool" not in call.type.lower()


def _kind(call: Call) -> str:
    name = call.type.lower()
    kinds = (("conv", "conv"), ("pool", "pool"), ("mean", "pool"), ("linear", "fc"))
    return next((kind for word, kind in kinds if word in name), "other")


def operation(call: Call) -> tuple[str, str]:
    """What the arrow says: ("conv", "11x11 /4"), ("max pool", "3x3 /2"), ("fc", "4096")."""
    module = call.module
    if isinstance(module, _TRANSPOSED):
        return "up-conv", _window(module.kernel_size, module.stride, call, sign="x")
    if isinstance(module, _CONVOLUTIONS):
        depthwise = module.groups == module.in_channels > 1
        name = "depthwise" if depthwise else "conv"
        dilated = f" d{module.dilation[0]}" if max(module.dilation) > 1 else ""
        return name, _window(module.kernel_size, module.stride, call) + dilated
    if isinstance(module, _POOLS):
        name = "max pool" if "Max" in call.type else "avg pool"
        return name, _window(module.kernel_size, module.stride, call)
    if isinstance(module, nn.Linear):
        return "fc", str(module.out_features)
    return _by_shapes(call)


def _window(
    size: int | tuple[int, ...], stride: int | tuple[int, ...], call: Call, sign: str = "/"
) -> str:
    axes = len(call.inputs[0]) - 2
    sizes = size if isinstance(size, tuple) else (size,) * axes
    strides = stride if isinstance(stride, tuple) else (stride,) * axes
    window = times(sizes)
    if set(strides) == {1}:
        return window
    steps = strides[:1] if len(set(strides)) == 1 else strides
    return f"{window} {sign}{times(steps)}"


def _by_shapes(call: Call) -> tuple[str, str]:
    """For what has no module to ask: the name, and how the spatial size changed."""
    lower = call.type.lower()
    pools = (("maxpool", "max pool"), ("avgpool", "avg pool"))
    squeezed = lower.replace("_", "")
    name = next((short for long, short in pools if long in squeezed), call.type.strip("_()"))
    before = call.inputs[0][2:] if call.inputs else ()
    after = call.outputs[0][2:] if call.outputs else ()
    if "pool" in lower and after and set(after) == {1}:
        return name, "global"
    if len(before) == len(after) and before != after and before and after:
        if before[0] % after[0] == 0:
            return name[:_LONGEST_NAME], f"/{before[0] // after[0]}"
        if after[0] % before[0] == 0:
            return name[:_LONGEST_NAME], f"x{after[0] // before[0]}"
    return name[:_LONGEST_NAME], ""
