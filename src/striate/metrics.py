"""How good predictions are, from logits and labels; exact sums, divided once."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.errors import ArgumentError

_BINS = 15


@dataclass(frozen=True, slots=True)
class Scores:
    """`n` samples; share right; mean negative log likelihood; expected calibration error."""

    n: int
    accuracy: float
    nll: float
    ece: float

    def to_dict(self) -> dict[str, float]:
        """Plain JSON values."""
        return asdict(self)


def score(logits: Tensor, labels: Tensor) -> Scores:
    """Score logits `(N, classes)` against labels `(N,)`."""
    if len(logits) == 0 or len(logits) != len(labels):
        raise ArgumentError(
            "logits", tuple(logits.shape), f"one row for each of {len(labels)} (> 0) labels"
        )
    logits = logits.double()
    confidence, predicted = logits.softmax(dim=1).max(dim=1)
    right = (predicted == labels).double()
    return Scores(
        n=len(labels),
        accuracy=right.mean().item(),
        nll=F.cross_entropy(logits, labels).item(),
        ece=calibration_error(confidence, right),
    )


def calibration_error(confidence: Tensor, right: Tensor, bins: int = _BINS) -> float:
    """ECE = sum over equal-width bins of (share of samples) * |mean confidence - accuracy|."""
    inner_edges = torch.linspace(0, 1, bins + 1, dtype=confidence.dtype)[1:-1]
    index = torch.bucketize(confidence, inner_edges)
    gap = torch.zeros(bins, dtype=torch.float64)
    gap.index_add_(0, index, confidence.double() - right.double())
    return (gap.abs().sum() / len(confidence)).item()
