"""Rules about where the weights are: too many in one place, too few, or never read."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode

from striate.anatomy.nested import tensors
from striate.anatomy.rules.finding import Finding
from striate.anatomy.rules.plan import CONVOLUTIONS, Plan
from striate.anatomy.trace import Call
from striate.anatomy.tracing.ghost import ghost, settled
from striate.anatomy.words import times

_LARGE = 1_000_000


def filters_shrink(plan: Plan) -> Iterator[Finding]:
    """At most half the filters on the smallest map that there were on the largest."""
    heads = {plan.trace.calls[i].index for call in plan.finals for i in _head(plan, call)}
    widest: dict[int, Call] = {}
    for call in plan.convolutions():
        area = prod(call.outputs[0][2:])
        if plan.upsamples or call.index in heads or area == 1:
            continue
        if area not in widest or call.outputs[0][1] > widest[area].outputs[0][1]:
            widest[area] = call
    if len(widest) < 2:
        return
    first, last = widest[max(widest)], widest[min(widest)]
    if 2 * last.outputs[0][1] <= first.outputs[0][1] and first.index in plan.ancestors(last):
        path = [widest[area].outputs[0][1] for area in sorted(widest, reverse=True)]
        yield Finding(
            "filters-shrink",
            "warning",
            last.name,
            f"filters fall with depth, {' -> '.join(map(str, path))}, while the map falls from "
            f"{times(first.outputs[0][2:])} to {times(last.outputs[0][2:])}: each step throws "
            "away what and where at once.",
            f"Let filters grow as the map shrinks, such as {first.outputs[0][1]} -> "
            f"{2 * first.outputs[0][1]}.",
        )


def _head(plan: Plan, call: Call) -> Iterator[int]:
    """The call that makes the output and, behind it, the last convolution before it."""
    index = call.index
    while index >= 0:
        yield index
        here = plan.trace.calls[index]
        if isinstance(here.module, (*CONVOLUTIONS, nn.Linear)) or len(here.sources) != 1:
            return
        index = here.sources[0]


def huge_first_linear(plan: Plan) -> Iterator[Finding]:
    """A flattened map into a linear layer that holds most of the net's weights."""
    for call in plan.trace.calls:
        if not isinstance(call.module, nn.Linear) or call.parameters < _LARGE:
            continue
        flat = _flattened(plan, call)
        if not flat or 2 * call.parameters < plan.trace.parameters:
            continue
        out, share = call.module.out_features, call.parameters / plan.trace.parameters
        pooled = flat[0] * out + out * (call.module.bias is not None)
        yield Finding(
            "huge-first-linear",
            "hint",
            call.name,
            f"it reads a flattened map of {times(flat)} = {prod(flat)} numbers and holds "
            f"{call.parameters:,} of the net's {plan.trace.parameters:,} weights ({share:.1%}).",
            f"Average the map first (nn.AdaptiveAvgPool2d(1)): {flat[0]} numbers, {pooled:,} "
            "weights, and any input size.",
        )


def _flattened(plan: Plan, call: Call) -> tuple[int, ...]:
    """(channels, height, width) of the map whose numbers this layer reads in a row, or ()."""
    source = plan.source(call)
    while source is not None:
        shape = source.outputs[0][1:]
        if prod(shape) != call.inputs[0][-1]:
            return ()
        if len(shape) == 3 and prod(shape[1:]) > 1:
            return shape
        if isinstance(source.module, nn.Linear):
            return ()  # that one read the map
        source = plan.source(source)
    return ()


def unused_module(plan: Plan) -> Iterator[Finding]:
    """A module whose parameters no operation reads, neither in prediction nor in training."""
    if plan.trace.failure is not None or not (used := _read_parameters(plan)):
        return
    told: list[str] = []
    for name, module in plan.net.named_modules():
        own = dict(module.named_parameters(name))
        if not name or not own or own.keys() & used or any(name.startswith(t) for t in told):
            continue
        told.append(f"{name}.")
        count = sum(p.numel() for p in own.values() if not is_lazy(p))
        yield Finding(
            "unused-module",
            "warning",
            name,
            f"{type(module).__name__} holds {count:,} parameters that forward never reads: "
            "they are saved and counted, and never learn.",
            f"Call {name} in forward, or remove it.",
        )


class _Reads(TorchDispatchMode):
    """Notes which parameters the operations of a run take as arguments."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        keywords = kwargs or {}
        self.seen.update(id(x) for x in tensors((args, keywords)) if isinstance(x, nn.Parameter))
        return func(*args, **keywords)


def _read_parameters(plan: Plan) -> set[str]:
    """Names of the parameters read in prediction or in training; empty when a run stops."""
    used: set[str] = set()
    net = settled(plan.net, plan.samples, plan.dtype)
    for training in (False, True):
        mode = FakeTensorMode(allow_non_fake_inputs=True)
        double = ghost(net, mode).train(training)
        reads = _Reads()
        try:
            with torch.no_grad(), mode:
                # Two, because a batch norm refuses to average a single sample in training.
                inputs = plan.blank(2)
                with reads:
                    double(*inputs)
        except Exception:  # a stranger's forward that can't train here: no verdict, no false alarm
            return set()
        names = double.named_parameters(remove_duplicate=False)  # a tied weight has several
        used |= {name for name, parameter in names if id(parameter) in reads.seen}
    return used
