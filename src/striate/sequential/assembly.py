"""From layers in a row to one `nn.Sequential`, with probabilities left as logits.

A softmax or sigmoid at the end is taken off: losses and predictions that start from logits neither
overflow nor lose digits. Where means over positions follow a softmax, logs of probabilities go
through them: log mean exp, which are logits too.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from striate.anatomy import Summary, summary
from striate.errors import WRONG_INPUT, ArgumentError, StriateError
from striate.layers import GlobalAveragePool
from striate.sequential.base import ACTIVATIONS, Layer, Shape
from striate.sequential.plain import Flatten
from striate.sequential.pooling import GlobalAveragePooling2D, MaxPooling2D


@dataclass(frozen=True, slots=True)
class Part:
    """A layer with its module: what it is called, and what anatomy finds in it."""

    name: str
    layer: Layer
    module: nn.Module
    found: Summary

    @property
    def output(self) -> Shape:
        """Of one sample, in torch's order."""
        return tuple(self.found.output[1:])


class LogMeanExp(nn.Module):
    """(B, C, ...) logs -> (B, C): log of the mean of exp over all positions."""

    def forward(self, logs: Tensor) -> Tensor:
        """(B, C, ...) -> (B, C)."""
        places = logs.flatten(2)
        return places.logsumexp(-1) - math.log(places.shape[-1])


def built(layer: Layer, name: str, shape: Shape) -> Part:
    """The layer for samples of `shape` (torch's order)."""
    module = layer.build(shape)
    found = summary(module, shape)
    if found.failure is not None:
        what = f"does not fit its input: {found.failure}"
        raise StriateError(what, where=f"{name} ({layer.kind})", exit_code=WRONG_INPUT)
    return Part(name, layer, module, found)


def assembled(parts: Sequence[Part]) -> tuple[nn.Sequential, str]:
    """The network, whose outputs are logits, and what makes them what Keras' model gives.

    That is `softmax`, `sigmoid`, or `linear` where the outputs are as they are.
    """
    end = _end(parts)
    head = parts[end].layer.activation if end is not None else "linear"
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for place, part in enumerate(parts):
        module = part.module
        if head == "softmax" and end is not None and place > end:
            module = LogMeanExp() if isinstance(module, GlobalAveragePool) else module
        _put(modules, part.name, module)
        if place == end:
            if place < len(parts) - 1:
                _put(modules, f"{part.name}_log_softmax", nn.LogSoftmax(1))
        elif part.layer.activation != "linear":
            kind = part.layer.activation
            _put(modules, f"{part.name}_{kind}", ACTIVATIONS[kind]())
        if isinstance(part.layer, MaxPooling2D) and place:
            # max(relu(x)) = relu(max(x)), on a quarter of the pixels.
            previous = f"{parts[place - 1].name}_relu"
            if previous in modules:
                modules.move_to_end(previous)
    try:
        net = nn.Sequential(modules)
    except KeyError as error:
        taken = "names that are no attributes of nn.Sequential, without dots"
        raise ArgumentError("name", str(error.args[0]), taken) from error
    return net.to(memory_format=torch.channels_last), head  # type: ignore[call-overload]


def _put(modules: OrderedDict[str, nn.Module], name: str, module: nn.Module) -> None:
    if name in modules:
        raise ArgumentError("name", name, "a name that nothing else in the model has")
    modules[name] = module


def _end(parts: Sequence[Part]) -> int | None:
    """Where the softmax or sigmoid stands behind which probabilities are only averaged."""
    for place in reversed(range(len(parts))):
        kind = parts[place].layer.activation
        if kind == "softmax" or (kind == "sigmoid" and place == len(parts) - 1):
            return place
        if kind != "linear" or not _keeps_probabilities(parts, place):
            return None
    return None


def _keeps_probabilities(parts: Sequence[Part], place: int) -> bool:
    """Whether a layer's outputs sum to 1 over the channels where its inputs do."""
    layer = parts[place].layer
    if isinstance(layer, Flatten):
        return place > 0 and math.prod(parts[place - 1].output[1:]) == 1
    return isinstance(layer, GlobalAveragePooling2D)
