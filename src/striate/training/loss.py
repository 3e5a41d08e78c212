"""The loss of a batch: cross-entropy, smoothed, weighed, focused, for whole or mixed labels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.errors import ArgumentError


class Loss:
    """Logits (B, C), targets (B, C) that sum to 1, mask (B,) -> the summed loss of the samples.

    -sum_c t_c w_c (1 - p_c)^focus log p_c a sample, with targets smoothed by
    t <- (1 - s) t + s / C and weights w of mean 1 over the data. The step divides by the number.
    """

    def __init__(
        self, *, smoothing: float = 0.0, weights: Tensor | None = None, focus: float = 0.0
    ) -> None:
        self.smoothing = smoothing
        self.weights = weights
        self.focus = focus

    def __call__(self, logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Labels may be classes (B,) or targets (B, C); a sum over the samples."""
        plain = labels.ndim == 1 and self.weights is None and not self.focus
        if plain:
            each = F.cross_entropy(logits, labels, reduction="none", label_smoothing=self.smoothing)
        else:
            each = self._each(logits, labels)
        return each.where(mask, each.new_zeros(())).sum()

    def _each(self, logits: Tensor, labels: Tensor) -> Tensor:
        classes = logits.shape[1]
        targets = labels if labels.ndim == 2 else F.one_hot(labels, classes)
        targets = targets.to(logits.dtype)
        targets = targets * (1 - self.smoothing) + self.smoothing / classes
        terms = targets * logits.log_softmax(1)
        if self.focus:
            terms = terms * (1 - logits.softmax(1)) ** self.focus
        if self.weights is not None:
            terms = terms * self.weights.to(logits)
        return -terms.sum(1)


def balancing_weights(labels: Tensor, classes: int) -> Tensor:
    """(N,) -> (C,): weights that give every class that occurs the same sum, and mean 1 a sample."""
    counts = labels.bincount(minlength=classes).double()
    if len(counts) != classes:
        raise ArgumentError("labels", int(labels.max()), f"below {classes}")
    occurring = int((counts > 0).sum())
    weights = len(labels) / (occurring * counts.clamp(min=1))
    return torch.where(counts > 0, weights, torch.ones_like(weights)).float()
