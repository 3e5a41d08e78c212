"""An ONNX graph under way: its nodes and constants, and which names stand for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from striate.exporting.recording import Value

if TYPE_CHECKING:
    import onnx


class Graph:
    """Nodes and constants under way; arguments of a step become names of values."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._names: dict[str, str] = {}  # of what came to be under another name
        self._known: dict[int, tuple[Tensor, str]] = {}  # one weight used twice is stored once

    def use(self, value: Any) -> str:
        """The name of a value, of a weight, or of a number as a float."""
        if isinstance(value, Value):
            return self._names.get(value.name, value.name)
        if not isinstance(value, Tensor):
            return self.constant(np.array(value, np.float32))
        if id(value) not in self._known:
            array = value.detach().contiguous().numpy()
            self._known[id(value)] = value, self.constant(array)
        return self._known[id(value)][1]

    def name(self, value: Value, made: str) -> None:
        """The value is what `made` names: no node only for another name, which engines fuse not."""
        self._names[value.name] = made

    def constant(self, array: NDArray[Any]) -> str:
        """Store an array; its name."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def numbers(self, values: Any) -> str:
        """Whole numbers, as operators take shapes and axes."""
        return self.constant(np.array(values, np.int64).reshape(-1))

    def add(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        """Append a node with one output; its name."""
        from onnx import helper

        name = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name
