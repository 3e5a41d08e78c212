"""Per-module time of one pass, by hooks; a module's own time excludes the modules it calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from torch import nn
from torch.autograd.graph import Node
from torch.utils.hooks import RemovableHandle

from striate.anatomy.nested import tensors
from striate.anatomy.timing.clock import Clock, HostClock, Probes


@dataclass(slots=True)
class _Frame:
    """One call of one module: arrived <= started <= ended <= left, the hooks at either end."""

    name: str
    arrived: Any
    started: Any = None
    ended: Any = None
    left: Any = None
    inside: list[_Frame] = field(default_factory=list)


@dataclass(slots=True)
class Lap:
    """Own seconds and calls by module name, for one pass; `hooks` is what timing itself took."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hooks: float = 0.0


@dataclass(frozen=True, slots=True)
class HookCost:
    """Seconds one hooked call adds beyond the hooks' bodies: to itself, and to its caller."""

    inside: float
    outside: float


class Stopwatch:
    """Times every module of `net` while the `with` block lasts.

    own(module) = (ended - started) - sum over its callees of (left - arrived), so what the hooks
    themselves do is in nobody's time. What they cost outside their own bodies (torch's slower call
    path) is measured once on empty modules and subtracted too.

    With `backward=True` the nodes of the autograd graph are claimed for the module whose call made
    them: at a module's entry, all that its inputs hang on belongs to the caller; at its exit, what
    its outputs newly hang on is its own.
    """

    def __init__(
        self, net: nn.Module, clock: Clock, *, backward: bool = False, cost: HookCost | None = None
    ) -> None:
        self._modules = {module: name for name, module in net.named_modules()}
        self._owners = {
            id(parameter): name
            for name, module in net.named_modules()
            for parameter in module.parameters(recurse=False)
        }
        self._clock, self._backward = clock, backward
        self._cost = cost or HookCost(0.0, 0.0)
        self._handles: list[RemovableHandle] = []
        self._open: list[_Frame] = []
        self._done: list[_Frame] = []
        self._claims: dict[Node, str] = {}

    def __enter__(self) -> Self:
        for module in self._modules:
            self._handles += [
                module.register_forward_pre_hook(self._arrive, with_kwargs=True),
                module.register_forward_hook(self._leave, with_kwargs=True),
            ]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self.reset()

    @property
    def running(self) -> str | None:
        """The innermost module that has been entered and not left: where a failed pass failed."""
        return self._open[-1].name if self._open else None

    def reset(self) -> None:
        """Forget the pass so far (and let go of its autograd graph)."""
        self._open.clear()
        self._done.clear()
        self._claims.clear()

    def _arrive(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        arrived = self._clock.mark()
        if self._open:
            self._claim((args, kwargs), self._open[-1].name)
        frame = _Frame(self._modules[module], arrived)
        self._open.append(frame)
        frame.started = self._clock.mark()

    def _leave(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        ended = self._clock.mark()
        name = self._modules[module]
        frame = self._open.pop()
        while frame.name != name:  # a callee raised and its caller went on
            frame = self._open.pop()
        self._claim(output, name)
        frame.ended = ended
        self._done.append(frame)
        if self._open:
            self._open[-1].inside.append(frame)
        frame.left = self._clock.mark()

    def _claim(self, value: Any, name: str) -> None:
        if not self._backward:
            return
        waiting = [tensor.grad_fn for tensor in tensors(value)]
        while waiting:
            node = waiting.pop()
            if node is None or node in self._claims:
                continue
            # The node that adds into a parameter's .grad knows whose parameter it is.
            parameter = getattr(node, "variable", None)
            self._claims[node] = self._owners.get(id(parameter), name)
            waiting += [following for following, _ in node.next_functions]

    def lap(self) -> Lap:
        """The pass that has just ended."""
        self._clock.settle()
        lap, span = Lap(), self._clock.seconds
        for frame in self._done:
            whole = span(frame.started, frame.ended)
            callees = sum(span(callee.arrived, callee.left) for callee in frame.inside)
            outside = self._cost.outside * len(frame.inside)
            own = max(0.0, whole - callees - self._cost.inside - outside)
            lap.seconds[frame.name] += own
            lap.calls[frame.name] += 1
            bodies = span(frame.arrived, frame.started) + span(frame.ended, frame.left)
            lap.hooks += bodies + self._cost.inside + self._cost.outside
        return lap

    def backward_lap(self, run: Callable[[], None]) -> Lap:
        """Time of every claimed autograd node while `run()` goes backward through them."""
        marks: list[tuple[str, Any, Any]] = []
        handles = [
            handle
            for node, name in self._claims.items()
            for handle in self._watch(node, name, marks)
        ]
        try:
            run()
        finally:
            for handle in handles:
                handle.remove()
        self._clock.settle()
        lap = Lap()
        for name, start, end in marks:
            lap.seconds[name] += self._clock.seconds(start, end)
        return lap

    def _watch(self, node: Node, name: str, marks: list[Any]) -> list[RemovableHandle]:
        started: list[Any] = []

        def before(grad_outputs: Any) -> None:
            started.append(self._clock.mark())

        def after(grad_inputs: Any, grad_outputs: Any) -> None:
            ended = self._clock.mark()
            marks.append((name, started.pop(), ended))

        return [node.register_prehook(before), node.register_hook(after)]


def hook_cost(clock: Clock) -> HookCost:
    """Measured on modules that do nothing; nothing to subtract where work is queued ahead."""
    if not isinstance(clock, HostClock):
        return HookCost(0.0, 0.0)
    probes = Probes()
    inside, outside = [], []
    with Stopwatch(probes.net, clock) as watch:
        for _ in range(probes.rounds):
            watch.reset()
            probes.net(probes.x)
            seconds = watch.lap().seconds
            outside.append(seconds.pop("") / probes.count)
            inside.append(sum(seconds.values()) / probes.count)
    return HookCost(min(inside), max(0.0, min(outside) - probes.plain))
