"""What a rule about receptive fields is given, and the helpers that all rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from striate.anatomy.tracing.reach import Axis, Reach


@dataclass(frozen=True, slots=True)
class Op:
    """One operation: its arguments, its first output, and its inputs that depend on the image."""

    name: str
    pointwise: bool
    args: Sequence[Any]
    output: Tensor
    live: Sequence[tuple[Tensor, Reach]]

    def arg(self, place: int, default: Any = None) -> Any:
        """A positional argument, or its default where the caller left it out."""
        return self.args[place] if len(self.args) > place else default


# A rule for an operation with one input that depends on the image: exact, or None.
Rule = Callable[[Op, Tensor, tuple[Axis, ...]], Reach]


def each(reach: Iterable[Axis], change: Callable[[Axis, int], Axis | None]) -> Reach:
    """Change every axis that still lies along a dimension; one None makes the reach None."""
    axes = [axis if axis.dim is None else change(axis, axis.dim) for axis in reach]
    known = tuple(axis for axis in axes if axis is not None)
    return known if len(known) == len(axes) else None


def numbers(value: Any, count: int) -> list[int]:
    """One number per axis from torch's `2`, `[2]` or `[2, 2]`."""
    numbers = [value] if isinstance(value, int) else list(value)
    return numbers * count if len(numbers) == 1 else numbers
