"""What a network does to its input, as the list of tensor operations that one run makes.

A run is watched where PyTorch hands operations to its kernels, so that any control flow may lead
there; what does not depend on the input is a constant already. It takes the time of one run, where
the exporters of PyTorch take seconds.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

CONVOLUTION = "aten.convolution.default"
BATCH_NORM = "aten.native_batch_norm.default"
# New tensors that take no number from the one they are asked of.
_FRESH = ("aten.new_", "aten.zeros_like", "aten.ones_like", "aten.full_like", "aten.empty_like")


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor that depends on the input: its name, and its shape in the run that was watched."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One operation; tensors among its arguments are a `Value` or, where constant, a `Tensor`."""

    op: str
    args: tuple[Any, ...]
    options: Mapping[str, Any]
    outputs: tuple[Value | None, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """The steps from `input` to `output`, in order."""

    input: Value
    output: Value
    steps: tuple[Step, ...]


def record(net: nn.Module, images: Tensor) -> Recording:
    """Run `net` as it is on `images` (B, C, H, W), and tell what happened."""
    watcher = _Watcher()
    with torch.no_grad():
        start = watcher.name(images)
        with watcher:
            result = net(images)
    return Recording(start, watcher.known(result), tuple(watcher.steps))


def still_copy(net: nn.Module) -> nn.Module:
    """A copy in eval mode that learns no more, where the network is."""
    return copy.deepcopy(net).eval().requires_grad_(False)


def norms_behind(recording: Recording) -> dict[int, int]:
    """The steps that are a BatchNorm of a convolution's output which nothing else takes.

    By their place among the steps; each with the place of its convolution.
    """
    steps = recording.steps
    taken = [recording.output, *leaves([list(step.args) for step in steps])]
    uses = Counter(value.name for value in taken if isinstance(value, Value))
    makers = {
        step.outputs[0].name: place
        for place, step in enumerate(steps)
        if step.op == CONVOLUTION and isinstance(step.args[1], Tensor) and step.outputs[0]
    }
    return {
        place: makers[step.args[0].name]
        for place, step in enumerate(steps)
        if step.op == BATCH_NORM and uses[step.args[0].name] == 1 and step.args[0].name in makers
    }


class _Watcher(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.steps: list[Step] = []
        # Weak, so that a map goes when the network has done with it.
        self._values = WeakTensorKeyDictionary()
        self._count = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled, and to guard against it would import two seconds' worth."""
        return False

    def name(self, tensor: Tensor) -> Value:
        """A new name for a tensor, also for one that was changed in place."""
        value = Value(f"v{self._count}", tuple(tensor.shape))
        self._count += 1
        self._values[tensor] = value
        return value

    def known(self, tensor: Tensor) -> Value:
        found: Value = self._values[tensor]
        return found

    def __torch_dispatch__(
        self,
        function: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        options = dict(kwargs or {})
        seen = self._seen([*args, *options.values()])
        result = function(*args, **options)
        fresh = str(function).startswith(_FRESH)
        if not fresh and any(isinstance(leaf, Value) for leaf in leaves(seen)):
            outputs = result if isinstance(result, tuple | list) else (result,)
            named = tuple(
                self.name(one) if isinstance(one, Tensor) and one.numel() else None
                for one in outputs
            )
            told = dict(zip(options, seen[len(args) :], strict=True))
            self.steps.append(Step(str(function), tuple(seen[: len(args)]), told, named))
        return result

    def _seen(self, values: Sequence[Any]) -> list[Any]:
        return [self._one(value) for value in values]

    def _one(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self._values.get(value, value)
        if isinstance(value, list | tuple):
            return self._seen(value)
        return value


def leaves(values: Sequence[Any]) -> list[Any]:
    """What lists in lists hold."""
    found: list[Any] = []
    for value in values:
        found += leaves(value) if isinstance(value, list) else [value]
    return found
