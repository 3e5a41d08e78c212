"""Rules about sliding windows: kernels, strides, padding and the pixels they meet."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from torch import nn

from striate.anatomy.rules.finding import Finding
from striate.anatomy.rules.plan import CONVOLUTIONS, Plan, Window, windows
from striate.anatomy.trace import Call
from striate.anatomy.words import times


def not_whole(plan: Plan) -> Iterator[Finding]:
    """(W - F + 2P)/S is not whole, and pixels (not only padding) lie past the last window."""
    for call in plan.trace.calls:
        rows = windows(call)
        lost = [row for row in rows if row.unseen and row.kernel > 1 and row.stride <= row.span]
        if not lost or _padded_before(plan, call):
            continue
        row = lost[0]
        pads, left = row.before + row.after, row.unseen
        steps = (row.size - row.span + pads) / row.stride
        yield Finding(
            "not-whole",
            "hint",
            call.name,
            f"(W - F + 2P)/S = ({row.size} - {row.span} + {pads})/{row.stride} = {steps:g} is not "
            f"whole: {left} of the {row.size} {'rows' if len(rows) > 1 else 'values'} "
            f"{'is' if left == 1 else 'are'} never seen, at the far border.",
            _whole_mend(call, row),
        )


def _padded_before(plan: Plan, call: Call) -> bool:
    """Whether a padding layer feeds it, so that what is left over may be padding."""
    source = plan.source(call)
    return source is not None and "pad" in source.type.lower()


def _whole_mend(call: Call, row: Window) -> str:
    if not isinstance(call.module, CONVOLUTIONS):
        return f"Set ceil_mode=True, or let a map of {row.size - row.unseen} reach it."
    padding = next(p for p in range(row.before + 1, row.size + row.span) if _covers(row, p))
    return f"Set padding={padding}, or let a map of {row.size - row.unseen} reach it."


def _covers(row: Window, padding: int) -> bool:
    """With this padding on both sides, is what remains past the last window only padding?"""
    return (row.size + 2 * padding - row.span) % row.stride <= padding


def even_kernel(plan: Plan) -> Iterator[Finding]:
    """A padded stride-1 kernel without a centre pixel. Strided patches have none by design."""
    for call in plan.convolutions():
        rows = windows(call)
        even = [r for r in rows if r.kernel % 2 == 0 and r.stride == 1 and r.before + r.after]
        if len(rows) < 2 or not even:
            continue
        row = even[0]
        shift = (
            "same padding puts one pixel more behind than before"
            if row.out == row.size
            else f"padding {row.before} turns {row.size} pixels into {row.out}"
        )
        yield Finding(
            "even-kernel",
            "hint",
            call.name,
            f"a {times([r.kernel for r in rows])} kernel has no centre pixel: {shift}, and the map "
            "moves by half a pixel at every such layer.",
            f"Use an odd kernel: {row.kernel - 1} or {row.kernel + 1} with padding "
            f"{(row.kernel - 2) // 2} or {row.kernel // 2} keeps size and place.",
        )


def stride_skips(plan: Plan) -> Iterator[Finding]:
    """Pixels between the windows that no tap ever meets. 1x1 shortcuts skip by design."""
    for call in plan.trace.calls:
        for row in windows(call):
            met = {tap * row.dilation % row.stride for tap in range(row.kernel)}
            if row.kernel == 1 or len(met) == row.stride or row.out == 1:
                continue
            gap = f"a stride of {row.stride} over a kernel of {row.kernel}"
            if row.dilation > 1:
                gap += f" with dilation {row.dilation}"
            yield Finding(
                "stride-skips",
                "warning",
                call.name,
                f"{gap} meets only {len(met)} of every {row.stride} pixels along an axis; "
                "the others change nothing in the output.",
                f"Use a stride of at most {row.kernel}"
                + (" and dilation 1." if row.dilation > 1 else ", or a larger kernel."),
            )
            break


def field_too_large(plan: Plan) -> Iterator[Finding]:
    """Windows so much larger than their map that some weights only ever meet padding.

    Strided ones are left out: they are a known way to fold a last 2x2 map into 1x1.
    """
    blind = [(call, rows) for call in plan.convolutions() if (rows := _blind(call))]
    if not blind:
        return
    call, rows = blind[0]
    live = prod(row.live for row in rows)
    total = prod(row.kernel for row in rows)
    more = f", here and in {len(blind) - 1} of the layers after it" if len(blind) > 1 else ""
    span, size = times([row.span for row in rows]), times([row.size for row in rows])
    yield Finding(
        "field-too-large",
        "warning",
        call.name,
        f"a window of {span} on a map of {size}: {total - live} of every {total} weights only ever "
        f"meet padding{more}. The field has outgrown the picture.",
        _larger_input(plan, call, rows),
    )


def _blind(call: Call) -> tuple[Window, ...]:
    module = call.module
    assert isinstance(module, CONVOLUTIONS)
    rows = windows(call)
    wasted = any(row.live < row.kernel and row.stride == 1 for row in rows)
    return rows if wasted and module.padding_mode == "zeros" else ()


def _larger_input(plan: Plan, call: Call, rows: tuple[Window, ...]) -> str:
    source = plan.source(call)
    fields = source.fields if source is not None else None
    least = times([_enough(row) for row in rows])
    if fields is None or len(fields) != len(rows) or len(plan.picture) != len(rows):
        return f"Let a map of at least {least} reach it, or use a smaller kernel or dilation."
    needed = [
        max(n, int(_enough(row) * field.jump))
        for n, row, field in zip(plan.picture, rows, fields, strict=True)
    ]
    return (
        f"Feed about {times(needed)} pixels instead of {times(plan.picture)}, or drop a stride "
        "before it, or use a smaller kernel or dilation."
    )


def _enough(row: Window) -> int:
    """The smallest map on which every tap of this window meets a pixel."""
    for size in range(row.size, row.size + row.span):
        out = (size + row.before + row.after - row.span) // row.stride + 1
        grown = Window(size, out, row.kernel, row.stride, row.before, row.after, row.dilation)
        if grown.live == row.kernel:
            return size
    return row.size + row.span


def field_too_small(plan: Plan) -> Iterator[Finding]:
    """Units of the last map that never see the whole picture, with nothing global after them."""
    if plan.trace.failure is not None or plan.upsamples or len(plan.picture) != 2:
        return
    for call, fraction in _last_maps(plan):
        sizes = [field.size for field in call.fields or ()]
        narrow = [n for size, n in zip(sizes, plan.picture, strict=False) if size < n * fraction]
        if not narrow or len(sizes) != 2:
            continue
        seen = f"{times(sizes)} of {times(plan.picture)} pixels"
        where = "is pooled by averaging" if fraction < 1 else "is the output"
        yield Finding(
            "field-too-small",
            "hint",
            call.name,
            f"each unit of the last map, which {where}, sees {seen}: no unit can tell how parts "
            "further apart lie to each other.",
            "Add layers, a stride or pooling early on, or dilation, until the field covers the "
            "picture; or end in a layer that reads the whole map.",
        )


def _last_maps(plan: Plan) -> Iterator[tuple[Call, float]]:
    """Maps that decide alone, with the share of the picture that a unit of them should see."""
    for call in plan.finals:
        if call.fields and len(call.outputs[0]) == 4 and all(f.jump > 0 for f in call.fields):
            yield call, 1.0
    for call in plan.trace.calls:
        source = plan.source(call)
        pools = isinstance(call.module, nn.AdaptiveAvgPool2d) or call.type == "mean"
        # A squeeze-excite block averages too, but its map has a second reader.
        if not pools or source is None or not source.fields or not plan.alone(source):
            continue
        if not any(isinstance(later.module, CONVOLUTIONS) for later in plan.after(call)):
            yield source, 0.5


def large_kernel(plan: Plan) -> Iterator[Finding]:
    """A dense kernel of 7x7 or more in mid-net, where a stack of 3x3 does the same for less."""
    for call in plan.convolutions():
        module, rows = call.module, windows(call)
        assert isinstance(module, CONVOLUTIONS)
        small = len(rows) < 2 or min(row.kernel for row in rows) < 7
        special = module.groups > 1 or any(r.stride > 1 or r.dilation > 1 for r in rows)
        whole = all(row.out == 1 for row in rows)
        if small or special or whole or not plan.follows_convolution(call):
            continue
        kernel = max(row.kernel for row in rows)
        stack, channels = kernel // 2, module.in_channels * module.out_channels
        dense = prod(row.kernel for row in rows)
        yield Finding(
            "large-kernel",
            "hint",
            call.name,
            f"{times([row.kernel for row in rows])} in mid-net: {dense * channels:,} weights, "
            f"where {stack} 3x3 layers see {2 * stack + 1}x{2 * stack + 1} with "
            f"{9 * stack * channels:,} ({9 * stack / dense:.0%}) and {stack} nonlinearities.",
            f"Stack {stack} 3x3 convolutions with an activation after each, or make it depthwise.",
        )
