"""How an operation of PyTorch is told in ONNX's words: the words all forms share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from striate.errors import StriateError
from striate.exporting.graph import Graph
from striate.exporting.recording import Step

BATCH = 2  # of the run that is recorded: a size of one would hide where the batch is

Form = Callable[[Graph, Step], str]
"""Appends what a step does to the graph; the name of its answer, or "" where it has named it."""


class NoFormError(StriateError):
    """An operation for which no ONNX form is written down."""


class Forms(dict[str, Form]):
    """Forms by the names of operations, without `aten.`, `.default` and the `_` of in place."""

    def of(self, *names: str) -> Callable[[Form], Form]:
        """The function below is the form of these operations."""

        def keep(function: Form) -> Form:
            self.update(dict.fromkeys(names, function))
            return function

        return keep


def two(value: Any) -> list[int]:
    """One number or two, as a pair."""
    values = [value] if isinstance(value, int) else list(value)
    return values * 2 if len(values) == 1 else values


def filled(step: Step, *defaults: Any) -> tuple[Any, ...]:
    """The step's arguments, and the defaults of those left out."""
    return (*step.args, *defaults[len(step.args) :])
