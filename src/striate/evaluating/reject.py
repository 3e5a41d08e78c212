"""When to answer `unknown` because it is too unsure which of the classes a picture is.

Whether it is any of them is another question, which no probability of the classes answers: that is
`striate.evaluating.familiar`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.errors import ArgumentError

SURE = 0.9
"""A calibrated probability from which on the answer is given in any case."""

_ROUNDING = 1e-4
"""By so much engines may differ: the picture that a floor is laid by is above it in all of them."""

UNKNOWN = "unknown"
"""What is answered in place of a class."""

KEEP_RIGHT = 0.97
"""Of the right answers to held-out pictures, how many the threshold lets through."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """For every threshold (M,), falling: the share that is answered, and what share of that is
    right. The last point answers everything.
    """

    threshold: Tensor
    coverage: Tensor
    accuracy: Tensor


def coverage_curve(confidence: Tensor, right: Tensor) -> Coverage:
    """What each threshold would answer and get right: confidence (N,), right (N,) bool.

    Equal confidences are answered together or not at all, so there is a point a distinct value.
    """
    _check(confidence, right)
    order = confidence.sort(descending=True, stable=True)
    hits = right[order.indices].double().cumsum(0)
    # Where the next value is another one, a threshold can lie.
    ends = torch.ones(len(hits), dtype=torch.bool)
    ends[:-1] = order.values[:-1] != order.values[1:]
    answered = torch.arange(1, len(hits) + 1, dtype=torch.float64)[ends]
    return Coverage(order.values[ends], answered / len(hits), hits[ends] / answered)


def fit_threshold(confidence: Tensor, right: Tensor, keep: float = KEEP_RIGHT) -> float:
    """The probability below which the answer is `unknown`, so that right answers are kept.

    Confidence (N,) is the calibrated top probability on held-out pictures, `right` (N,) bool. The
    share `keep` of right answers to new pictures stays, so `unknown` stays rare and what it costs
    is known beforehand; what goes with it are the answers likeliest to be wrong. The other rule, a
    wanted accuracy of what is answered, can be read off `coverage_curve`: on noisy labels it would
    leave most pictures without an answer. It is 0.9 at most: where all is right and sure, there is
    nothing to gain. 0, which rejects nothing, where right answers are too few to tell.
    """
    _check(confidence, right)
    return min(SURE, floor_keeping(confidence[right], keep) or 0.0)


def floor_keeping(scores: Tensor, keep: float, *, lowest: int = 0) -> float | None:
    """The score (of N,) that new ones of the same kind reach with probability `keep` or more.

    The k-th smallest, k = floor((1 - keep) (N + 1)) but `lowest` at least: a new score is below it
    with probability k / (N + 1) at most, whatever the distribution. The floor is a hair below.
    None where there is no k-th.
    """
    if not 0 < keep < 1:
        raise ArgumentError("keep", keep, "a share between 0 and 1")
    # A hair more, or (1 - 0.95) * 20 would be less than 1.
    rank = max(lowest, math.floor((1 - keep) * (len(scores) + 1) + 1e-9))
    if not 1 <= rank <= len(scores):
        return None
    return scores.double().sort().values[rank - 1].item() - _ROUNDING


def _check(confidence: Tensor, right: Tensor) -> None:
    if confidence.ndim != 1 or right.shape != confidence.shape or not len(right):
        found = (tuple(confidence.shape), tuple(right.shape))
        raise ArgumentError("confidence and right", found, "(N,) and (N,), N at least 1")
    if right.dtype != torch.bool:
        raise ArgumentError("right", right.dtype, "bool: whether each answer is right")
