"""Passes of one net on one input: with and without hooks, forward and backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from striate.anatomy.nested import tensors
from striate.anatomy.timing.clock import clock_for
from striate.anatomy.timing.livebytes import LiveBytes
from striate.anatomy.timing.stopwatch import Lap, Stopwatch
from striate.anatomy.words import times
from striate.errors import ArgumentError, StriateError


class Passes:
    """Runs `net(*inputs)`, and back through it where `backward` says so."""

    def __init__(self, net: nn.Module, inputs: Sequence[Tensor], backward: bool) -> None:
        self.net, self.inputs, self.backward = net, tuple(inputs), backward
        self.clock = clock_for(inputs[0].device)

    def forward(self) -> Any:
        """One forward pass; it records for a backward pass only if there will be one."""
        with torch.set_grad_enabled(self.backward):
            return self.net(*self.inputs)

    def go_back(self, output: Any) -> None:
        """The gradient of the sum of all outputs, into `.grad` of the parameters."""
        ends = [tensor for tensor in tensors(output) if tensor.requires_grad]
        if not ends:
            raise ArgumentError(
                "backward",
                True,
                "a net with at least one parameter that asks for a gradient",
                remedy="Profile a frozen net forward only",
            )
        torch.autograd.backward(ends, [torch.ones_like(end) for end in ends])

    def first(self, watch: Stopwatch) -> None:
        """A warm-up whose failure is told with the name of the layer it happened in."""
        try:
            output = self.forward()
        except Exception as error:  # whatever a stranger's forward() raises
            raise self._failed(watch.running, error) from error
        if self.backward:
            self.go_back(output)
        self._tidy()
        watch.reset()

    def _failed(self, name: str | None, error: Exception) -> StriateError:
        kind = type(self.net.get_submodule(name or "")).__name__
        place = f"in layer {name} ({kind})" if name else f"in {kind}"
        shapes = " and ".join(times(tensor.shape) for tensor in self.inputs)
        return StriateError(
            f"the forward pass on {shapes} failed {place}: {' '.join(str(error).split())}",
            where="net",
            remedy="striate summary shows the shapes up to that layer, and the mend",
        )

    def plain(self) -> tuple[float, float]:
        """Whole seconds (forward, backward) without a single hook."""
        clock = self.clock
        start = clock.mark()
        output = self.forward()
        middle = clock.mark()
        if self.backward:
            self.go_back(output)
        end = clock.mark()
        clock.settle()
        self._tidy()
        return clock.seconds(start, middle), clock.seconds(middle, end) if self.backward else 0.0

    def timed(self, watch: Stopwatch) -> tuple[Lap, Lap]:
        """Own seconds by module (forward, backward)."""
        output = self.forward()
        forward, backward = watch.lap(), Lap()
        if self.backward:
            backward = watch.backward_lap(lambda: self.go_back(output))
        watch.reset()
        self._tidy()
        return forward, backward

    def weighed(self) -> LiveBytes:
        """One pass whose memory is watched instead of its time."""
        live = LiveBytes(self.net, self.inputs)
        with live:
            output = self.forward()
            if self.backward:
                self.go_back(output)
            del output
        self._tidy()
        return live

    def _tidy(self) -> None:
        for parameter in self.net.parameters():
            parameter.grad = None
