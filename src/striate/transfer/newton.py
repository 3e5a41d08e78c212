"""Multinomial logistic regression by Newton's method: several weighted problems on one matrix.

The problems (the folds of a cross-validation, say) share the points and differ in their samples'
weights, so that every product with the points is one large product for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_MOST_STEPS = 100
_MOST_TURNS = 500
_DECREASE = 1e-4
_HALVINGS = 30
_NOTHING = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, slots=True)
class Problems:
    """B problems in M points: find W that minimises, for each b,

    sum_m s_mb (logsumexp_k(z_m W_b)_k - (z_m W_b)_y) + strength / 2 |W_b|^2,

    The last coordinate of `points` (M, R) is 1 and is not penalised. `shares` (M, B)
    are the samples' weights s, 0 where a sample is not of the problem. `spread` (R,) are the mean
    squares of the coordinates, for the preconditioner: it is good where these are uncorrelated.
    """

    points: Tensor
    labels: Tensor
    shares: Tensor
    spread: Tensor
    active: Tensor
    """(B, K): the classes that a problem has samples of; the others' weights stay 0."""

    def logits(self, weights: Tensor) -> Tensor:
        """Weights (B, R, K) -> (M, B, K); minus infinity for classes a problem does not have."""
        return self._times(weights).masked_fill(~self.active, -torch.inf)

    def _times(self, weights: Tensor) -> Tensor:
        problems, _, classes = weights.shape
        flat = self.points @ weights.transpose(0, 1).flatten(1)
        return flat.view(-1, problems, classes)

    def back(self, errors: Tensor) -> Tensor:
        """(M, B, K) -> points' transpose times that, (B, R, K)."""
        _, problems, classes = errors.shape
        return (self.points.T @ errors.flatten(1)).view(-1, problems, classes).transpose(0, 1)

    def losses(self, logits: Tensor) -> Tensor:
        """(M, B, K) -> (B,): the weighted sums of the negative log likelihoods."""
        theirs = self.labels.view(-1, 1, 1).expand(-1, logits.shape[1], 1)
        each = logits.logsumexp(2) - logits.gather(2, theirs)[..., 0]
        return torch.where(self.shares > 0, self.shares * each, 0.0).sum(0)

    def solve(self, strength: float, start: Tensor, tolerance: float) -> Tensor:
        """Weights (B, R, K) from `start` to a gradient below `tolerance` a unit of weight."""
        penalty = torch.full_like(self.spread, strength)
        penalty[-1] = 0.0
        penalty = penalty[:, None]
        weights = start
        logits = self.logits(weights)
        limits = tolerance * self.shares.sum(0)
        for _ in range(_MOST_STEPS):
            chances = logits.softmax(2)
            gradient = self._gradient(chances) + penalty * weights
            size = gradient.flatten(1).norm(dim=1)
            going = size > limits
            if not going.any():
                break
            step = self._direction(chances, gradient, penalty, torch.where(going, size, 0.0))
            moved = self._times(step)
            reach = self._reach(weights, logits, step, moved, gradient, penalty)
            if not reach.any():  # nothing but rounding is left
                break
            weights = weights + reach.view(-1, 1, 1) * step
            logits = logits + reach.view(-1, 1) * moved
        return weights

    def _gradient(self, chances: Tensor) -> Tensor:
        errors = chances.clone()
        rows = torch.arange(len(errors))
        errors[rows, :, self.labels] -= 1
        errors *= self.shares[..., None]
        return self.back(errors)

    def _direction(
        self, chances: Tensor, gradient: Tensor, penalty: Tensor, size: Tensor
    ) -> Tensor:
        """-H^-1 g by conjugate gradients, as exactly as pays: H v = Z^T (s p (Zv - p.Zv)) + l v.

        Problems of gradient `size` 0 are done, and stay.
        """
        weighed = self.shares[..., None] * chances
        curve = (weighed * (1 - chances)).sum(0) / self.shares.sum(0)[:, None]
        total = self.shares.sum(0).view(-1, 1, 1)
        # The diagonal of the Hessian, as if how sure a sample is had nothing to do with where.
        diagonal = total * self.spread[:, None] * curve[:, None] + penalty + _NOTHING
        diagonal = diagonal.clamp(min=1e-12 * float(diagonal.max()))
        goal = size * torch.minimum(torch.full_like(size, 0.1), (size / total.flatten()).sqrt())
        found = torch.zeros_like(gradient)
        rest = -gradient
        ready = rest / diagonal
        search, power = ready, _dot(rest, ready)
        going = size > 0
        for _ in range(_MOST_TURNS):
            moved = self._times(search)
            bent = weighed * (moved - (chances * moved).sum(2, keepdim=True))
            product = self.back(bent) + penalty * search
            length = torch.where(going, power / _dot(search, product).clamp(min=_NOTHING), 0.0)
            found = found + length.view(-1, 1, 1) * search
            rest = rest - length.view(-1, 1, 1) * product
            going = going & (rest.flatten(1).norm(dim=1) > goal)
            if not going.any():
                break
            ready = rest / diagonal
            before, power = power, _dot(rest, ready)
            search = ready + (power / before.clamp(min=_NOTHING)).view(-1, 1, 1) * search
        return found

    def _reach(
        self,
        weights: Tensor,
        logits: Tensor,
        step: Tensor,
        moved: Tensor,
        gradient: Tensor,
        penalty: Tensor,
    ) -> Tensor:
        """How far along the step each problem goes (B,): 1, or halved until its sum is smaller."""
        slope = _dot(gradient, step)
        before = self.losses(logits) + _dot(penalty * weights, weights) / 2
        reach = torch.where(slope < 0, 1.0, 0.0).to(before)
        rounding = 50 * torch.finfo(before.dtype).eps
        for _ in range(_HALVINGS):
            there = weights + reach.view(-1, 1, 1) * step
            after = self.losses(logits + reach.view(-1, 1) * moved)
            after = after + _dot(penalty * there, there) / 2
            # Near the end the sums differ by their rounding, and the step is as good as it gets.
            good = after <= before + _DECREASE * reach * slope + rounding * before.abs()
            if good.all():
                return reach
            reach = torch.where(good, reach, reach / 2)
        return torch.where(good, reach, 0.0)


def _dot(one: Tensor, other: Tensor) -> Tensor:
    """(B, R, K), (B, R, K) -> (B,)."""
    return (one * other).flatten(1).sum(1)
