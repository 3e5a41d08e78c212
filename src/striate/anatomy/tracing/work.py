"""What is going on in a run: modules at work, the operation at work, what is known of tensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations

from striate.anatomy.nested import tensors
from striate.anatomy.tracing.calls import Shape
from striate.anatomy.tracing.reach import Reach


@dataclass(frozen=True, slots=True)
class Mark:
    """What is remembered of a tensor that depends on the input: who made it, what it sees."""

    sources: tuple[int, ...]
    reach: Reach


@dataclass(slots=True)
class Frame:
    """A module at work."""

    name: str
    module: nn.Module
    leaf: bool
    inputs: tuple[Tensor, ...]
    sources: tuple[int, ...]
    shared: bool
    parameters: int = 0
    macs: int = 0
    steps: int = 1  # time steps that the one traced stands for
    written: set[int] = field(default_factory=set)  # ids of tensors changed in place


@dataclass(slots=True)
class Doing:
    """The operation at work, kept for the report when it fails."""

    name: str
    args: tuple[Any, ...]


def shapes(value: Any) -> tuple[Shape, ...]:
    """The shapes of every tensor in `value`."""
    return tuple(tuple(tensor.shape) for tensor in tensors(value))


def is_leaf(module: nn.Module, name: str) -> bool:
    """A module shown as one row: it has no children, or it hides them behind one function."""
    if isinstance(module, nn.MultiheadAttention) or is_parametrized(module):
        return True
    childless = next(module.children(), None) is None
    # A network without any submodule is shown by its operations, not as one opaque row.
    own_code = not type(module).__module__.startswith("torch.nn.")
    return childless and not (name == "" and own_code)


def inside_leaf(net: nn.Module, name: str) -> bool:
    """Whether a parent of the module `name` is shown as one row already."""
    parts = name.split(".")
    parents = [".".join(parts[:count]) for count in range(len(parts))]
    return name != "" and any(is_leaf(net.get_submodule(parent), parent) for parent in parents)


def class_name(module: nn.Module) -> str:
    """The class as the user wrote it, also under weight norm and the like."""
    return type_before_parametrizations(module).__name__
