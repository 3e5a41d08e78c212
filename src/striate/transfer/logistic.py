"""Multinomial logistic regression on features: exact, its strength found by cross-validation."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from striate.transfer.folds import folds_of
from striate.transfer.heads import Head, checked, counts_of, linear
from striate.transfer.newton import Problems

Say = Callable[[str], None]

_POWERS = range(0, -10, -1)
"""Strengths tried: 10^p, as multiples of the samples' number and the features' mean square."""
_BETWEEN = math.sqrt(10)
_ROUGHLY, _CLOSELY, _EXACTLY = 1e-3, 1e-6, 1e-18
"""How far the loss a sample may be from its smallest: where strengths are compared, in what the
best one says of held-out samples, in the head. (1e-12 in the head where there are many numbers.)"""
_CLOSE_HEAD = 1e-12
_PIECE = 4096  # rows that are at hand in float64 at once
_ROOM = 1 << 25  # numbers of one array (samples, folds, classes)
_MANY = 1 << 22  # numbers in the points, from which a comparison of strengths is in float32


def solve_logistic(
    features: Tensor,
    labels: Tensor,
    classes: int,
    *,
    folds: int | Tensor = 5,
    weights: Tensor | None = None,
    strength: float | None = None,
    say: Say = lambda line: None,
) -> Head:
    """Multinomial logistic regression, exactly: the W (K, F) and b (K,) that minimise

    sum_n w_n (logsumexp_k(W x_n + b)_k - (W x_n + b)_y) + strength / 2 |W|^2

    with class weights `weights` (K,), w_n = weights[y_n]. Without a `strength` it is the one of a
    logarithmic grid whose cross-validated loss is smallest. `folds` is their number, or each
    sample's fold (N,) as `folds_of` gives it for groups that must not be parted. A class without
    samples gets a bias so low that it is never the answer.
    """
    task = _Task.of(features, labels, classes, folds, weights)
    rough = task.rough()
    trials = _trials(rough, None if strength is None else strength / task.scale**2)
    first = min(trials, key=lambda trial: trial.nll)
    best = rough.trial(first.strength, first.weights, _CLOSELY)
    trials = [best if trial is first else trial for trial in trials]
    layer = task.whole(best.strength, best.weights.mean(0, keepdim=True).double())
    path = tuple(sorted((trial.strength * task.scale**2, trial.nll) for trial in trials))
    found = best.strength * task.scale**2
    say(f"last layer solved; strength {found:.3g} by cross-validation, loss {best.nll:.3f}")
    return Head(layer, best.log_probs, found, path)


class _Trial(NamedTuple):
    """A strength, the folds' weights at it, and what they say of the samples they never saw."""

    strength: float
    weights: Tensor
    log_probs: Tensor
    nll: float


def _trials(task: _Task, given: float | None) -> list[_Trial]:
    """Strengths from strong to weak, each begun where the last ended, until the loss rises; then
    those between the best and its neighbours."""
    start = task.nothing(task.count)
    if given is not None:
        return [task.trial(given, start)]
    whole = float(task.each.sum())
    trials = []
    for power in _POWERS:
        trials.append(task.trial(whole * 10.0**power, start))
        start = trials[-1].weights
        if len(trials) > 1 and trials[-1].nll > trials[-2].nll:
            break
    best = min(trials, key=lambda trial: trial.nll)
    finer = (best.strength * _BETWEEN, best.strength / _BETWEEN)
    return [*trials, *(task.trial(strength, best.weights) for strength in finer)]


@dataclass(frozen=True, slots=True)
class _Task:
    """Features centred, of mean square 1, in their principal axes; rows of (N V) views."""

    points: Tensor
    """(N V, R + 1), the last of them 1."""
    spread: Tensor
    basis: Tensor
    """(F, R), orthonormal: features that have less samples than axes need no more axes than that,
    because a penalised solution lies in the samples' span."""
    mean: Tensor
    scale: float
    labels: Tensor
    folds: Tensor
    each: Tensor
    """(N,): the samples' weights."""
    views: int
    classes: int

    @classmethod
    def of(
        cls, features: Tensor, labels: Tensor, classes: int, folds: int | Tensor,
        weights: Tensor | None,
    ) -> _Task:  # fmt: skip
        """What the solver needs."""
        views = checked(features, labels, classes).cpu()
        labels = labels.cpu()
        folds = folds_of(labels, folds) if isinstance(folds, int) else folds
        # Piece by piece: of many features there is no room for a copy in float64.
        pieces = views.flatten(0, 1).split(_PIECE)
        count = len(views) * views.shape[1]
        mean = _sum(piece.double().sum(0) for piece in pieces) / count
        power = _sum((piece.double() - mean).square().sum() for piece in pieces)
        scale = math.sqrt(float(power) / count) or 1.0
        basis = _principal_axes(pieces, mean)
        points = torch.empty(count, basis.shape[1] + 1, dtype=torch.float64)
        points[:, -1] = 1.0
        for piece, those in zip(pieces, points.split(_PIECE), strict=True):
            torch.mm((piece.double() - mean) / scale, basis, out=those[:, :-1])
        each = torch.ones(len(labels), dtype=torch.float64)
        if weights is not None:
            each = weights.double().cpu()[labels]
        spread = _sum(piece.square().sum(0) for piece in points.split(_PIECE)) / count
        return cls(points, spread, basis, mean, scale, labels, folds, each, views.shape[1], classes)

    @property
    def count(self) -> int:
        """How many folds there are."""
        return int(self.folds.max()) + 1

    def nothing(self, problems: int) -> Tensor:
        """Weights (B, R + 1, K) that know nothing."""
        return self.points.new_zeros(problems, self.points.shape[1], self.classes)

    def rough(self) -> _Task:
        """As exact as a comparison of strengths needs it."""
        if self.points.numel() < _MANY:
            return self
        return replace(self, points=self.points.float(), spread=self.spread.float())

    def trial(self, strength: float, start: Tensor, gap: float = _ROUGHLY) -> _Trial:
        """Solve every fold's problem, and judge each by its fold."""
        weights = self.cross_solve(strength, start, gap)
        log_probs = self.held_out(weights)
        return _Trial(strength, weights, log_probs, self.loss(log_probs))

    def problems(self, parts: Tensor) -> Problems:
        """The problems whose samples `parts` (N, B) names."""
        each = self.each.to(self.points) / self.views
        shares = (parts * each[:, None]).repeat_interleave(self.views, 0)
        there = torch.stack([counts_of(self.labels[part], self.classes) > 0 for part in parts.T])
        labels = self.labels.repeat_interleave(self.views)
        return Problems(self.points, labels, shares, self.spread, there)

    def cross_solve(self, strength: float, start: Tensor, gap: float) -> Tensor:
        """Each fold's weights (B, R + 1, K), made from all other folds."""
        size = max(1, _ROOM // (len(self.points) * self.classes))
        tolerance = self.tolerance(strength, gap)
        solved = []
        for numbers in torch.arange(self.count).split(size):
            parts = self.folds[:, None] != numbers
            solved.append(self.problems(parts).solve(strength, start[numbers], tolerance))
        return torch.cat(solved)

    def tolerance(self, strength: float, gap: float) -> float:
        """The gradient a sample below which the loss a sample is within `gap` of its smallest.

        The penalty bends the loss by `strength` at least, so a gradient g leaves g^2 / 2 strength.
        """
        return math.sqrt(2 * gap * strength / float(self.each.sum()))

    def held_out(self, weights: Tensor) -> Tensor:
        """(N, K): log probabilities of each sample by the weights made without its fold."""
        found = torch.empty(len(self.labels), self.classes, dtype=torch.float64)
        pictures = self.points[:: self.views]
        for number in range(self.count):
            here = self.folds == number
            counts = counts_of(self.labels[~here], self.classes)
            logits = (pictures[here] @ weights[number]).double()
            logits = logits.masked_fill(counts == 0, -torch.inf)
            # What was never seen is possible all the same: once in as many samples, and one.
            unseen = (counts == 0).double() / (counts.sum() + 1)
            chances = logits.softmax(1) * (1 - unseen.sum()).clamp(min=0.5) + unseen
            found[here] = chances.clamp(min=1e-300).log()
        return found

    def loss(self, log_probs: Tensor) -> float:
        """The mean of the negative log likelihoods, by the samples' weights."""
        each = -log_probs.gather(1, self.labels[:, None])[:, 0]
        return float((self.each * each).sum() / self.each.sum())

    def whole(self, strength: float, start: Tensor) -> nn.Linear:
        """The layer made from all samples."""
        everything = torch.ones(len(self.labels), 1, dtype=torch.bool)
        problem = self.problems(everything)
        gap = _EXACTLY if self.points.numel() < _MANY else _CLOSE_HEAD
        solved = problem.solve(strength, start, self.tolerance(strength, gap))[0]
        weight = (self.basis @ solved[:-1] / self.scale).T.contiguous()
        bias = solved[-1] - weight @ self.mean
        there = problem.active[0]
        if not there.all():
            lowest = float((self.points @ solved)[:, there].min())
            bias[~there] = lowest - math.log(len(self.labels) + self.classes)
        return linear(weight, bias - bias.mean())


def _principal_axes(pieces: Sequence[Tensor], mean: Tensor) -> Tensor:
    """Rows (M, F) in pieces, their mean -> (F, min(M, F)): an orthonormal basis of what they span
    about it, uncorrelated in it."""
    centred = (piece.double() - mean for piece in pieces)
    if sum(len(piece) for piece in pieces) >= len(mean):
        return _axes(_sum(rows.T @ rows for rows in centred))
    rows = torch.cat(list(centred))
    span = torch.linalg.qr(rows.T).Q
    inner = rows @ span
    turned: Tensor = span @ _axes(inner.T @ inner)
    return turned


def _axes(products: Tensor) -> Tensor:
    found: Tensor = torch.linalg.eigh(products).eigenvectors
    return found


def _sum(terms: Iterable[Tensor]) -> Tensor:
    return functools.reduce(torch.add, terms)
