"""Rules about nets that cannot run: one of these explains every run that stopped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from torch import nn

from striate.anatomy.rules.finding import Finding
from striate.anatomy.rules.plan import Plan, shapes
from striate.anatomy.words import times

_SHRUNK = "the image has shrunk below the kernel"
_DEPENDS = "what happens next depends on the numbers, and a symbolic run has none"
_LARGEST = 4096
_JOINS = ("cat", "add", "sub", "mul", "stack")


def shrinks_to_nothing(plan: Plan) -> Iterator[Finding]:
    """A layer whose output would be smaller than one pixel."""
    failure = plan.trace.failure
    if failure is None or failure.reason != _SHRUNK:
        return
    least = _least_input(plan)
    pad = "pad each convolution by (k - 1)/2, or pool less"
    mend = f"Feed at least {times(least)}; or {pad}" if least else pad.capitalize()
    yield Finding(
        "shrinks-to-nothing",
        "error",
        failure.name,
        f"a map of {failure.got} reaches {failure.type}, which needs {failure.expected}: "
        "the image has shrunk to nothing before the net is through.",
        f"{mend}.",
    )


def _least_input(plan: Plan) -> tuple[int, ...]:
    """The smallest input, by bisection over traces, in which nothing shrinks away; () unknown."""
    if not plan.picture or _shrinks(plan, _LARGEST):
        return ()
    low, high = min(plan.picture), _LARGEST  # `low` shrinks, `high` does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _shrinks(plan, middle) else (low, middle)
    return tuple(max(size, high) for size in plan.picture)


def _shrinks(plan: Plan, least: int) -> bool:
    failure = plan.resized(tuple(max(size, least) for size in plan.picture)).failure
    return failure is not None and failure.reason == _SHRUNK


def not_divisible(plan: Plan) -> Iterator[Finding]:
    """An encoder-decoder whose input does not halve evenly, so that the way back misses."""
    halvings = _total_stride(plan)
    uneven = [n for n in plan.picture if n % halvings]
    if not plan.upsamples or not uneven:
        return
    fits = _divisible_input(plan, halvings)
    feed = f"Feed {times(fits)}"
    why = f"{times(plan.picture)} is not divisible by {halvings}, the net's total stride"
    failure = plan.trace.failure
    if failure is not None and failure.type in _JOINS and fits:
        met = " and ".join(times(shape[2:]) for shape in failure.inputs)
        reason = f"{why}: maps of {met} meet at the join and do not fit."
        yield Finding(
            "not-divisible", "error", failure.name, reason, f"{feed} (padded or resized)."
        )
    elif fits and (back := _near_miss(plan, halvings)) and _returns(plan, fits):
        reason = f"{why}: it comes back as {times(back)}."
        yield Finding("not-divisible", "warning", "", reason, f"{feed}, or crop the output.")


def _total_stride(plan: Plan) -> int:
    jumps = [field.jump for call in plan.trace.calls for field in call.fields or ()]
    return max(1, *map(int, jumps)) if jumps else 1


def _divisible_input(plan: Plan, halvings: int) -> tuple[int, ...]:
    """The next multiple per axis, up or else down, with which the whole net runs; () for none."""
    for sizes in product(*(_multiples(n, halvings) for n in plan.picture)):
        if plan.resized(sizes).failure is None:
            return sizes
    return ()


def _multiples(n: int, of: int) -> list[int]:
    """The multiples next to n: above it, since padding loses nothing, then below."""
    return [size for size in dict.fromkeys((n + -n % of, n - n % of)) if size > 0]


def _near_miss(plan: Plan, halvings: int) -> tuple[int, ...]:
    """An output map that misses the input's size by less than the total stride."""
    for shape in shapes(plan.trace.output):
        back = shape[2:]
        if len(back) == len(plan.picture) and back != plan.picture:
            gaps = [abs(a - b) for a, b in zip(back, plan.picture, strict=True)]
            if max(gaps) < halvings:
                return back
    return ()


def _returns(plan: Plan, sizes: tuple[int, ...]) -> bool:
    """Whether a picture of these sizes comes back in the same sizes."""
    return any(shape[2:] == sizes for shape in shapes(plan.resized(sizes).output))


def dead_norm(plan: Plan) -> Iterator[Finding]:
    """A normalisation over a single number: (x - mean) is 0, whatever the picture."""
    rows = [(call.name, call.module, call.inputs) for call in plan.trace.calls]
    failure = plan.trace.failure
    modules = dict(plan.net.named_modules(remove_duplicate=False))
    if failure is not None and failure.name in modules:
        rows.append((failure.name, modules[failure.name], failure.inputs))
    for name, module, inputs in rows:
        if module is not None and inputs and _values(module, inputs[0]) == 1:
            shape = times(inputs[0][1:])
            yield Finding(
                "dead-norm",
                "error",
                name,
                f"{type(module).__name__} over a map of {shape} averages one number at a time: "
                "minus its own mean it is 0, so every picture comes out the same.",
                "Normalise before the map shrinks to 1x1, use BatchNorm with running "
                "statistics, or leave the normalisation out here.",
            )


def _values(module: nn.Module, shape: tuple[int, ...]) -> int:
    """How many numbers of one sample share a mean; 0 where statistics come from elsewhere."""
    area = 1
    for size in shape[2:]:
        area *= size
    if isinstance(module, nn.GroupNorm):
        return area * module.num_channels // module.num_groups
    if isinstance(module, nn.LayerNorm):
        return int(module.weight.numel()) if module.elementwise_affine else 0
    if isinstance(module, nn.modules.batchnorm._NormBase):
        return 0 if module.track_running_stats else area
    return 0


def shape_error(plan: Plan) -> Iterator[Finding]:
    """Any other run that stopped: what the layer expected and what it got."""
    failure = plan.trace.failure
    told = (shrinks_to_nothing, dead_norm, not_divisible, not_traced)
    if failure is None or any(f.layer == failure.name for rule in told for f in rule(plan)):
        return
    expected = f": expected {failure.expected}, got {failure.got}" if failure.expected else ""
    yield Finding(
        "shape-error",
        "error",
        failure.name,
        f"{failure.type}: {failure.reason}{expected}.",
        f"{failure.mend}." if failure.mend else "Mend this layer first; the rest was not reached.",
    )


def not_traced(plan: Plan) -> Iterator[Finding]:
    """A net that runs on real numbers, but cannot be followed without them."""
    failure = plan.trace.failure
    if failure is None or (failure.expected and failure.reason != _DEPENDS) or not plan.runs:
        return
    yield Finding(
        "not-traced",
        "hint",
        failure.name,
        f"{failure.type}: {failure.reason}. The net does run on a picture; what lies behind this "
        "place was not looked at.",
        f"{failure.mend}." if failure.mend else "Lint its parts one by one.",
    )
