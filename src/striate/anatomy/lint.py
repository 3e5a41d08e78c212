"""Reads a net before anyone trains it, and says what is wrong, why, and how to mend it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from torch import nn

from striate.anatomy.rules import RULES, Plan
from striate.anatomy.rules.finding import LEVELS
from striate.anatomy.rules.finding import Finding as Finding
from striate.anatomy.rules.finding import Level as Level
from striate.anatomy.trace import trace
from striate.errors import unknown_name

LOSSES = ("cross-entropy",)


def lint(
    net: nn.Module,
    input_shape: Sequence[int] | Sequence[Sequence[int]] = (),
    *,
    loss: str | None = None,
) -> list[Finding]:
    """What the rules find in `net` for one sample of `input_shape`, gravest first.

    The net is run symbolically, without numbers. Only where that run stops at a place that the net
    itself may well pass, a copy of it is run once, in eval mode on the CPU, on a blank sample, to
    tell the one case from the other. `net` stays as it was. `loss="cross-entropy"` says what it
    will be trained with, and makes the rules about its last layer strict. An empty list means that
    no rule fired; an `error` means that the net cannot run or cannot learn.
    """
    if loss is not None and loss not in LOSSES:
        raise unknown_name("loss", loss, LOSSES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the runs are ours, and nobody sees their results
        plan = Plan(net, trace(net, input_shape), loss)
        found = [finding for rule in RULES.values() for finding in rule(plan)]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))
