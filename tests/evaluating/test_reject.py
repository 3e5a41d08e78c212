"""When to stay silent: what the threshold keeps, and what the curve says it costs."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from striate.errors import ArgumentError
from striate.evaluating import coverage_curve, fit_threshold


def honest(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Confidences that are right as often as they say."""
    draw = torch.Generator().manual_seed(seed)
    confidence = 0.3 + 0.7 * torch.rand(n, generator=draw, dtype=torch.float64).sqrt()
    return confidence, torch.rand(n, generator=draw) < confidence


def test_the_curve_is_what_counting_at_every_threshold_gives() -> None:
    confidence, right = honest(300)
    confidence = (confidence * 20).round() / 20  # so that there are ties
    curve = coverage_curve(confidence, right)
    distinct = np.unique(confidence.numpy())[::-1]
    assert curve.threshold.tolist() == distinct.tolist()
    for threshold, coverage, accuracy in zip(*map(Tensor.tolist, vars_of(curve)), strict=True):
        answered = confidence >= threshold
        assert coverage == pytest.approx(answered.double().mean().item())
        assert accuracy == pytest.approx(right[answered].double().mean().item())
    assert curve.coverage[-1] == 1


def vars_of(curve: object) -> tuple[Tensor, ...]:
    return tuple(getattr(curve, name) for name in ("threshold", "coverage", "accuracy"))


@pytest.mark.parametrize("keep", [0.5, 0.9, 0.97])
def test_new_right_answers_are_kept_as_promised(keep: float) -> None:
    """On average over held-out sets, and not by rejecting nothing."""
    kept = []
    for seed in range(200):
        threshold = fit_threshold(*honest(150, seed), keep)
        confidence, right = honest(400, seed + 1000)
        kept.append((confidence[right] >= threshold).double().mean().item())
    assert keep - 0.005 <= sum(kept) / 200 <= keep + 0.02


def test_errors_go_first() -> None:
    confidence, right = honest(5000)
    answered = confidence >= fit_threshold(confidence, right, 0.9)
    assert right[answered].double().mean() > right.double().mean() + 0.02
    lost_right, lost_wrong = ((~answered)[ones].double().mean() for ones in (right, ~right))
    assert lost_wrong > 3 * lost_right


def test_too_few_right_answers_reject_nothing() -> None:
    right = torch.ones(20, dtype=torch.bool)
    assert fit_threshold(torch.linspace(0.5, 1, 20), right) == 0
    assert fit_threshold(torch.linspace(0.5, 1, 20), ~right) == 0
    # Of 20 alike, one more than these 19, one is below the smallest of the others.
    scores = torch.linspace(0.5, 1, 19, dtype=torch.float64)
    # An engine that rounds otherwise must not turn that one away: the floor is a hair below.
    assert fit_threshold(scores, right[:19], 0.95) == pytest.approx(0.5 - 1e-4)


@pytest.mark.parametrize("keep", [0, 1, -0.5, math.nan])
def test_the_share_to_keep_is_a_share(keep: float) -> None:
    with pytest.raises(ArgumentError, match=r"keep: got .*, expected a share between 0 and 1"):
        fit_threshold(*honest(50), keep)


def test_confidence_and_right_belong_together() -> None:
    with pytest.raises(ArgumentError, match=r"confidence and right: .* expected \(N,\) and \(N,\)"):
        coverage_curve(torch.rand(3), torch.ones(4, dtype=torch.bool))
    with pytest.raises(ArgumentError, match=r"right: got torch\.float32, expected bool"):
        fit_threshold(torch.rand(3), torch.ones(3))
    with pytest.raises(ArgumentError, match="N at least 1"):
        coverage_curve(torch.rand(0), torch.ones(0, dtype=torch.bool))


def test_who_is_sure_and_right_is_not_silenced() -> None:
    sure = 1 - torch.rand(200, generator=torch.Generator().manual_seed(0)) * 1e-4
    assert fit_threshold(sure, torch.ones(200, dtype=torch.bool)) == 0.9
