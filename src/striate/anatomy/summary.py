"""A network as a table: one row per layer, and exact totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn

from striate.anatomy.page import fragment, page
from striate.anatomy.table import as_text
from striate.anatomy.trace import trace
from striate.anatomy.tracing.calls import Call, Failure, Shape, Trace


@dataclass(frozen=True, slots=True)
class Layer:
    """One row: a layer, or a function the network calls between layers."""

    name: str
    type: str
    output: Shape  # of one sample, without the batch axis; the first where a layer has several
    receptive_field: Shape | None  # input pixels that a unit sees along each axis
    whole: bool  # every unit sees the whole input
    params: int
    macs: int
    memory: int  # bytes of new activations
    shared: bool  # called before: its parameters are counted there


@dataclass(frozen=True, slots=True)
class Summary:
    """What `summary` found. `str()` is the table; notebooks show it as HTML."""

    network: str
    input: Shape | tuple[Shape, ...]
    output: Any
    layers: tuple[Layer, ...]
    params: int
    trainable: int
    uncalled: int  # of `params`, those in modules that this run did not call
    macs: int
    memory: int  # bytes of all activations of one sample
    weights: int  # bytes of parameters and buffers
    failure: Failure | None

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, dicts and numbers, ready for JSON."""
        return {
            "network": self.network,
            "input": self.input,
            "output": self.output,
            "layers": [_row(layer) for layer in self.layers],
            "params": self.params,
            "trainable": self.trainable,
            "uncalled": self.uncalled,
            "macs": self.macs,
            "memory": self.memory,
            "weights": self.weights,
            "failure": None if self.failure is None else _story(self.failure),
        }

    def to_html(self) -> str:
        """One self-contained page."""
        return page(self)

    def _repr_html_(self) -> str:
        return fragment(self)

    def __str__(self) -> str:
        return as_text(self)


def summary(
    net: nn.Module,
    input_shape: Sequence[int] | Sequence[Sequence[int]] = (),
    *,
    dtype: torch.dtype | None = None,
) -> Summary:
    """Shapes, receptive fields, parameters, multiply-adds and memory of every layer of `net`.

    Nothing is computed and `net` stays as it is (see `trace`). `input_shape` is one sample's,
    without the batch axis: (3, 224, 224). A network that fails half way gives the rows up to there
    and a `failure`.
    """
    found = trace(net, input_shape, dtype=dtype)
    whole = _spatial(found)
    return Summary(
        network=type(net).__name__,
        input=found.input_shape,
        output=found.output,
        layers=tuple(_layer(call, whole) for call in found.calls),
        params=found.parameters,
        trainable=found.trainable,
        uncalled=found.parameters - sum(call.parameters for call in found.calls),
        macs=found.macs,
        memory=found.activation_bytes,
        weights=found.weight_bytes,
        failure=found.failure,
    )


def _spatial(found: Trace) -> Shape:
    """The spatial size of the (first) input."""
    shape = found.input_shape
    first = shape[0]
    return first[1:] if isinstance(first, tuple) else tuple(cast("Shape", shape)[1:])


def _layer(call: Call, whole: Shape) -> Layer:
    output = call.outputs[0] if call.outputs else ()
    sizes = None if call.fields is None else tuple(field.size for field in call.fields)
    return Layer(
        name=call.name or call.type,
        type=call.type,
        output=output[1:] if output[:1] == (1,) else output,
        receptive_field=sizes,
        whole=sizes == whole and all(field.jump == 0 for field in call.fields or ()),
        params=call.parameters,
        macs=call.macs,
        memory=call.bytes,
        shared=call.shared,
    )


def _row(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "type": layer.type,
        "output": layer.output,
        "receptive_field": layer.receptive_field,
        "params": layer.params,
        "macs": layer.macs,
        "memory": layer.memory,
        "shared": layer.shared,
    }


def _story(failure: Failure) -> dict[str, Any]:
    return {
        "layer": failure.name or failure.type,
        "type": failure.type,
        "inputs": failure.inputs,
        "reason": failure.reason,
        "expected": failure.expected,
        "got": failure.got,
        "mend": failure.mend,
    }
