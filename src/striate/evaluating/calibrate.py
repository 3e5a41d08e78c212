"""Probabilities that mean what they say: one temperature for all logits, and how well it fits.

Guo, Pleiss, Sun, Weinberger: "On Calibration of Modern Neural Networks", ICML 2017.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.errors import ArgumentError
from striate.metrics import calibration_error, wilson_interval

BINS = 15
"""As many as the calibration error of `striate.metrics` is summed over."""

_FOLDS = 5
_STEEPEST = 100.0  # of 1 / temperature; its reciprocal is the flattest
_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Calibration:
    """The temperature, and what it does to the mean negative log likelihood and calibration error.

    `after` is on the pictures it was fitted on. `expected` is on pictures it was not fitted on:
    each fifth by the temperature of the others. `temperature` is 1 where none improves both, and
    then nothing changes.
    """

    temperature: float
    n: int
    nll_before: float
    nll_after: float
    nll_expected: float
    ece_before: float
    ece_after: float
    ece_expected: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


class Bin(NamedTuple):
    """Answers of similar confidence: how many, how sure on average, and what share is right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    interval: tuple[float, float]
    """95 % of the accuracy."""


def fit_temperature(logits: Tensor, labels: Tensor) -> Calibration:
    """The temperature T whose softmax(logits / T) fits held-out labels best.

    Logits (N, K), labels (N,), where -1 (no label) counts nowhere. The mean negative log likelihood
    is convex in 1 / T, so there is one best T. It is solved as if each label were its likeliest
    rival with probability 1 / (N + 2), as in Platt's scaling (1999): without a single mistake among
    them T would otherwise go to 0. The result is kept if the plain likelihood gets no worse, here
    and on pictures left out of the fit.
    """
    logits, labels = _known(logits, labels)
    plain = _Fit(logits, labels, torch.ones(len(labels), dtype=torch.float64))
    temperature = _temperature(logits, labels)
    fitted = _Fit(logits, labels, torch.full_like(plain.temperatures, temperature))
    expected = _Fit(logits, labels, _cross_fitted(logits, labels))
    if fitted.nll > plain.nll or expected.nll > plain.nll:
        temperature, fitted, expected = 1.0, plain, plain
    return Calibration(
        temperature=temperature,
        n=len(labels),
        nll_before=plain.nll,
        nll_after=fitted.nll,
        nll_expected=expected.nll,
        ece_before=plain.ece,
        ece_after=fitted.ece,
        ece_expected=expected.ece,
    )


def reliability(logits: Tensor, labels: Tensor, temperature: float = 1.0) -> list[Bin]:
    """How often answers of each confidence are right: the occupied ones of 15 equal bins, in order.

    Logits (N, K), labels (N,), where -1 counts nowhere. The calibration error is the mean gap
    |confidence - accuracy|, each bin weighed by its n.
    """
    logits, labels = _known(logits, labels)
    confidence, taken = (logits / temperature).softmax(1).max(1)
    right = (taken == labels).double()
    edges = torch.linspace(0, 1, BINS + 1, dtype=torch.float64)
    place = torch.bucketize(confidence, edges[1:-1])
    sums = torch.zeros(3, BINS, dtype=torch.float64)
    sums.index_add_(1, place, torch.stack([torch.ones_like(right), confidence, right]))
    return [
        Bin(low, high, int(n), sure / n, hits / n, wilson_interval(hits, int(n)))
        for low, high, (n, sure, hits) in zip(
            edges[:-1].tolist(), edges[1:].tolist(), sums.T.tolist(), strict=True
        )
        if n
    ]


def _known(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The labelled rows, in float64 on the CPU."""
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ArgumentError(
            "logits and labels", (tuple(logits.shape), tuple(labels.shape)), "(N, K) and (N,)"
        )
    logits, labels = logits.detach().double().cpu(), labels.cpu()
    if not bool(((labels >= -1) & (labels < logits.shape[1])).all()):
        raise ArgumentError("labels", labels, f"whole numbers from -1 to {logits.shape[1] - 1}")
    known = labels >= 0
    if not known.any():
        raise ArgumentError("labels", len(labels), "at least one picture with a label")
    if not logits[known].isfinite().all():
        raise ArgumentError("logits", "values that are not finite", "finite numbers")
    return logits[known], labels[known]


class _Fit:
    """How softmax(logits / temperatures) fits the labels; a temperature a picture (N,)."""

    def __init__(self, logits: Tensor, labels: Tensor, temperatures: Tensor) -> None:
        self.temperatures = temperatures
        scaled = logits / temperatures[:, None]
        self.nll = F.cross_entropy(scaled, labels).item()
        confidence, taken = scaled.softmax(1).max(1)
        self.ece = calibration_error(confidence, taken == labels)


def _cross_fitted(logits: Tensor, labels: Tensor) -> Tensor:
    """For every picture the temperature that the other folds give (N,); 1 where there are none."""
    fold = torch.arange(len(labels)) % _FOLDS
    temperatures = torch.ones(len(labels), dtype=torch.float64)
    for number in range(min(_FOLDS, len(labels))):
        others = fold != number
        if others.any():
            temperatures[~others] = _temperature(logits[others], labels[others])
    return temperatures


def _temperature(logits: Tensor, labels: Tensor) -> float:
    """1 / b at the root of the slope of the smoothed likelihood, by Newton's steps within bounds.

    slope(b) = mean(E_p[z] - E_t[z]) with p = softmax(b z) and the smoothed targets t; its own slope
    is the mean variance of z under p, never negative. A step out of the bounds halves them.
    """
    if logits.shape[1] == 1:
        return 1.0
    doubt = 1 / (len(labels) + 2)
    own = logits.gather(1, labels[:, None])
    rival = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
    target = (1 - doubt) * own.squeeze(1) + doubt * rival
    low, high, b = 1 / _STEEPEST, _STEEPEST, 1.0
    for _ in range(_ROUNDS):
        chances = (b * logits).softmax(1)
        mean = (chances * logits).sum(1)
        slope = (mean - target).mean().item()
        curve = ((chances * logits.square()).sum(1) - mean.square()).mean().item()
        low, high = (b, high) if slope < 0 else (low, b)
        step = b - slope / curve if curve > 0 else math.inf
        before, b = b, step if low < step < high else math.sqrt(low * high)
        if abs(b - before) <= 1e-10 * b:
            break
    return 1 / b
