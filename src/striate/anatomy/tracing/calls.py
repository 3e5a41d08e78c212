"""What one symbolic run of a network leaves behind: its calls, its totals, and where it failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from striate.anatomy.geometry import Field

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a leaf module, or of one function outside every leaf (named `parent.(add)`)."""

    index: int
    name: str  # dotted path of the module; "" is the network itself
    type: str  # class name, or the function's name for functional calls
    module: nn.Module | None  # the user's own module, None for functional calls
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    sources: tuple[int, ...]  # the calls that made its inputs; -1 is the network's input
    parameters: int  # its own; 0 when an earlier call counted them already
    macs: int  # multiply-adds on one sample: convolutions, linear layers, matrix products
    bytes: int  # new memory of its outputs on one sample; 0 for a view or an in-place layer
    fields: tuple[Field, ...] | None  # one per spatial axis of the input; None: none, or unknown
    shared: bool  # the module was called before


@dataclass(frozen=True, slots=True)
class Failure:
    """The layer at which a run stopped: what it expected, what it got, and the mend."""

    name: str
    type: str
    inputs: tuple[Shape, ...]
    reason: str
    expected: str = ""
    got: str = ""
    mend: str = ""

    def __str__(self) -> str:
        where = f"{self.name} ({self.type})" if self.name else self.type
        if self.name.endswith(f"({self.type})"):
            where = self.name
        line = f"{where}: {self.reason}"
        if self.expected:
            line += f": expected {self.expected}, got {self.got}"
        return f"{line}. {self.mend}" if self.mend else line


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole run: calls in the order they happened, and totals over the network.

    `parameters` counts every parameter of the network once, also in modules that this run did not
    call. `output` has the shapes in the network's own structure (tuples and dicts).
    """

    calls: tuple[Call, ...]
    input_shape: Shape | tuple[Shape, ...]
    output: Any
    failure: Failure | None
    parameters: int
    trainable: int
    buffers: int
    macs: int
    activation_bytes: int
    weight_bytes: int  # of parameters and buffers, as they are stored
