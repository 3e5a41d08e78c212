"""Rules about nets that run but learn badly: what cancels, collapses or cuts the gradient."""

from __future__ import annotations

from collections.abc import Iterator
from math import e, log

from torch import nn

from striate.anatomy.rules.finding import Finding, Level
from striate.anatomy.rules.plan import (
    AVERAGE_POOLS,
    BATCH_NORMS,
    CONVOLUTIONS,
    DROPOUTS,
    TRANSPOSED,
    Plan,
)
from striate.anatomy.trace import Call
from striate.anatomy.words import times

_WEIGHTED = (*CONVOLUTIONS, *TRANSPOSED, nn.Linear)
_INSTANCE_NORMS = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)


def useless_bias(plan: Plan) -> Iterator[Finding]:
    """A bias that the normalisation right after it subtracts again."""
    for call in plan.trace.calls:
        source = plan.source(call)
        if source is None or not plan.alone(source) or not isinstance(source.module, _WEIGHTED):
            continue
        if source.module.bias is None or not _cancels(call.module):
            continue
        count = source.module.bias.numel()
        yield Finding(
            "useless-bias",
            "hint",
            source.name,
            f"{call.type} at {call.name} subtracts each channel's mean, and with it the "
            f"{count} biases: they take memory and never change the output in training.",
            "Set bias=False; the normalisation has a shift of its own.",
        )


def _cancels(norm: nn.Module | None) -> bool:
    if isinstance(norm, nn.GroupNorm):
        return norm.num_groups == norm.num_channels
    return isinstance(norm, BATCH_NORMS + _INSTANCE_NORMS)


def no_nonlinearity(plan: Plan) -> Iterator[Finding]:
    """Two layers of one kind with nothing bent between them: together they are one."""
    for call in plan.trace.calls:
        if not isinstance(call.module, (*CONVOLUTIONS, nn.Linear)):
            continue
        before = _through_linear(plan, call)
        if before is None or type(before.module) is not type(call.module):
            continue
        if reason := _collapse(before.module, call.module):
            yield Finding(
                "no-nonlinearity",
                "warning",
                call.name,
                f"nothing nonlinear lies between {before.name} and {call.name}: {reason}.",
                "Put an activation such as nn.ReLU() between them.",
            )


def _through_linear(plan: Plan, call: Call) -> Call | None:
    """The layer before, looking through what does not bend: each with one reader only."""
    passing = (nn.Identity, nn.Flatten, *DROPOUTS, *BATCH_NORMS, *AVERAGE_POOLS)
    before = plan.source(call)
    while before is not None and plan.alone(before) and isinstance(before.module, passing):
        before = plan.source(before)
    return before if before is not None and plan.alone(before) else None


def _collapse(first: nn.Module, second: nn.Module) -> str:
    """What the two make together; "" where two are more than one (thin, separable, 1x1)."""
    if isinstance(first, nn.Linear) and isinstance(second, nn.Linear):
        inside, outside = first.out_features, min(first.in_features, second.out_features)
        if inside < outside:
            return ""  # a low-rank product: fewer weights than one layer
        return (
            f"{first.in_features} -> {inside} -> {second.out_features} is one linear layer "
            f"{first.in_features} -> {second.out_features}"
        )
    if isinstance(first, CONVOLUTIONS) and isinstance(second, CONVOLUTIONS):
        if not (_dense_square(first) and _dense_square(second)):
            return ""
        sizes = times(first.kernel_size), times(second.kernel_size)
        return f"{sizes[0]} then {sizes[1]} is one larger linear filter"
    return ""


def _dense_square(
    conv: nn.Conv1d | nn.Conv2d | nn.Conv3d,
) -> bool:
    kernel = conv.kernel_size
    return conv.groups == 1 and min(kernel) > 1 and len(set(kernel)) == 1


def softmax_before_cross_entropy(plan: Plan) -> Iterator[Finding]:
    """Probabilities where cross-entropy wants logits: the softmax is taken twice."""
    level: Level = "warning" if plan.loss == "cross-entropy" else "hint"
    for call in plan.finals:
        kind, classes = call.type.lower(), _classes(call)
        sigmoid = kind == "sigmoid" and plan.loss == "cross-entropy"
        if classes < 2 or not (kind in ("softmax", "softmax2d") or sigmoid):
            continue
        floor = log(e + classes - 1) - 1
        yield Finding(
            "softmax-before-cross-entropy",
            level,
            call.name,
            f"the net ends in {call.type}, and cross-entropy takes a softmax of its own: over "
            f"{classes} classes in [0, 1] the loss can't fall below {floor:.2f} "
            f"(it starts at {log(classes):.2f}), and its gradient fades.",
            "End the net in logits while training; take the softmax when predicting.",
        )


def _classes(call: Call) -> int:
    """Size of the axis a softmax runs over; the class axis (after the batch) when unknown."""
    shape = call.outputs[0]
    dim = call.module.dim if isinstance(call.module, nn.Softmax) else 1
    return shape[1 if dim is None else dim] if len(shape) > 1 else 0


def softmax_of_one(plan: Plan) -> Iterator[Finding]:
    """A final softmax over an axis of size 1 (or over the batch): the output is always 1."""
    for call in plan.finals:
        module, shape = call.module, call.outputs[0]
        if not isinstance(module, nn.Softmax | nn.LogSoftmax) or module.dim is None:
            continue
        if shape[module.dim] != 1:
            continue
        batch = module.dim % len(shape) == 0
        over = "the batch" if batch else f"axis {module.dim}, of size 1"
        constant = "1" if isinstance(module, nn.Softmax) else "0"
        yield Finding(
            "softmax-of-one",
            "error",
            call.name,
            f"a softmax over {over}: one picture always comes out as {constant}, "
            "and nothing can be learnt from that.",
            "Use dim=1, the classes."
            if batch
            else "Use nn.Sigmoid() for one output, or 2 classes.",
        )


def relu_before_logits(plan: Plan) -> Iterator[Finding]:
    """A net that ends in ReLU: no logit can be negative, and a dead class gets no gradient."""
    level: Level = "warning" if plan.loss == "cross-entropy" else "hint"
    for call in plan.finals:
        source = plan.source(call)
        if call.type.lower() not in ("relu", "relu6") or source is None:
            continue
        if isinstance(source.module, nn.Linear) and len(call.outputs[0]) == 2:
            yield Finding(
                "relu-before-logits",
                level,
                call.name,
                f"the {call.outputs[0][1]} outputs of {source.name} end in {call.type}: as logits "
                "they can't fall below 0, and one that is 0 gets no gradient.",
                f"Drop {call.name}; a ReLU belongs between layers, not after the last.",
            )


def dropout_before_batchnorm(plan: Plan) -> Iterator[Finding]:
    """Dropout before a batch norm: the variance learnt in training is not that of prediction."""
    for call in plan.trace.calls:
        if not isinstance(call.module, BATCH_NORMS):
            continue
        before = plan.source(call)
        if before is not None and isinstance(before.module, _WEIGHTED):
            before = plan.source(before)
        if before is None or not isinstance(before.module, DROPOUTS) or before.module.p == 0:
            continue
        rate = before.module.p
        yield Finding(
            "dropout-before-batchnorm",
            "hint",
            before.name,
            f"with p = {rate:g} the values reach {call.name} with {1 / (1 - rate):.2g} times the "
            "mean square in training that they have in prediction, so its running variance is off."
            if rate < 1
            else f"with p = 1 nothing reaches {call.name} in training.",
            "Move the dropout behind the last batch norm, or leave one of the two out.",
        )
