"""How good predictions are, from logits and labels: sums that add up exactly, divided once.

`Tally` is the sums. Batches add to it, and the tallies of several processes add to each other, so
that a result does not depend on how the samples were dealt out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.errors import ArgumentError

_BINS = 15
_TOP = 5


class Share(NamedTuple):
    """A class's precision, recall, F1 and how many samples it has."""

    precision: float
    recall: float
    f1: float
    n: int


@dataclass(frozen=True, slots=True)
class Scores:
    """`n` samples; share right, with its 95 % interval; share with the label among the first five;
    mean F1 of the classes that occur; mean negative log likelihood; Brier score; calibration error.
    """

    n: int
    accuracy: float
    interval: tuple[float, float]
    top5: float
    macro_f1: float
    nll: float
    brier: float
    ece: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "interval": list(self.interval)}

    def may_reach_no_more_than(self, share: float) -> bool:
        """Whether the true accuracy may be no higher: the interval reaches down to it."""
        return self.interval[0] <= share

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Scores:
        """What `to_dict` gave, back."""
        low, high = record["interval"]
        return cls(**{**record, "interval": (low, high)})


def majority(labels: Tensor) -> tuple[int, float]:
    """The commonest of labels (N,), and its share: right without looking at a picture."""
    counts = labels.bincount()
    return int(counts.argmax()), counts.max().item() / len(labels)


class Tally:
    """Sums over samples seen so far, on the CPU in float64."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.confusion = torch.zeros(classes, classes, dtype=torch.float64)
        """(C, C): how many of class i (row) were taken for class j."""
        self.sums = torch.zeros(3, dtype=torch.float64)
        """Label among the first five, negative log likelihoods, Brier scores."""
        self.bins = torch.zeros(2, _BINS, dtype=torch.float64)
        """Confidence and hits, by confidence."""

    def add(self, logits: Tensor, labels: Tensor, mask: Tensor | None = None) -> None:
        """Logits (B, C), labels (B,); where `mask` (B,) is False there is no sample."""
        if logits.shape != (len(labels), self.classes):
            expected = f"({len(labels)}, {self.classes}): a row a label, a column a class"
            raise ArgumentError("logits", tuple(logits.shape), expected)
        if mask is not None:
            logits, labels = logits[mask], labels[mask]
        logits, labels = logits.double().cpu(), labels.cpu()
        chances = logits.softmax(1)
        confidence, predicted = chances.max(1)
        self.confusion.view(-1).index_add_(
            0, labels * self.classes + predicted, torch.ones_like(confidence)
        )
        first = logits.topk(min(_TOP, self.classes), 1).indices
        misses = (chances - F.one_hot(labels, self.classes)).square().sum()
        nll = F.cross_entropy(logits, labels, reduction="sum")
        self.sums += torch.stack([(first == labels[:, None]).sum().double(), nll, misses])
        self.bins += _by_confidence(confidence, (predicted == labels).double())

    def vector(self) -> Tensor:
        """All sums in one (K,) float64 tensor, which processes can add."""
        return torch.cat([self.confusion.flatten(), self.sums, self.bins.flatten()])

    def load(self, vector: Tensor) -> None:
        """Take sums that `vector` gave, of several tallies perhaps."""
        sizes = [self.confusion.numel(), len(self.sums), self.bins.numel()]
        confusion, self.sums, bins = vector.cpu().split(sizes)
        self.confusion, self.bins = confusion.view_as(self.confusion), bins.view_as(self.bins)

    def per_class(self) -> list[Share]:
        """Precision, recall and F1 of every class; 0 where nothing could be right."""
        right = self.confusion.diagonal()
        taken, there = self.confusion.sum(0), self.confusion.sum(1)
        columns = (right / taken.clamp(min=1), right / there.clamp(min=1))
        f1 = 2 * right / (taken + there).clamp(min=1)
        rows = zip(*(c.tolist() for c in (*columns, f1)), there.long().tolist(), strict=True)
        return [Share(*row) for row in rows]

    def scores(self) -> Scores:
        """What the sums say."""
        n = int(self.confusion.sum())
        if n == 0:
            raise ArgumentError("samples", n, "at least one to score")
        right = self.confusion.diagonal().sum().item()
        occurring = [share.f1 for share in self.per_class() if share.n]
        top5, nll, brier = (self.sums / n).tolist()
        return Scores(
            n=n,
            accuracy=right / n,
            interval=wilson_interval(right, n),
            top5=top5,
            macro_f1=sum(occurring) / len(occurring),
            nll=nll,
            brier=brier,
            ece=_gap(self.bins, n),
        )


def score(logits: Tensor, labels: Tensor) -> Scores:
    """Score logits `(N, classes)` against labels `(N,)`."""
    tally = Tally(logits.shape[1])
    tally.add(logits, labels)
    return tally.scores()


def calibration_error(confidence: Tensor, right: Tensor) -> float:
    """ECE = sum over equal-width bins of (share of samples) * |mean confidence - accuracy|."""
    return _gap(_by_confidence(confidence, right), len(confidence))


def wilson_interval(right: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Where the true share lies with this probability, by Wilson's score interval.

    (p + z²/2n ± z sqrt(p (1 - p) / n + z²/4n²)) / (1 + z²/n): sensible for 0 and n of n too.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = right / n
    middle = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = ((middle + sign * reach) / (1 + z * z / n) for sign in (-1, 1))
    return max(0.0, low), min(1.0, high)


def _by_confidence(confidence: Tensor, right: Tensor) -> Tensor:
    """(N,), (N,) -> (2, bins): sums of confidence and of hits, by confidence."""
    inner_edges = torch.linspace(0, 1, _BINS + 1, dtype=confidence.dtype)[1:-1]
    sums = torch.zeros(2, _BINS, dtype=torch.float64)
    both = torch.stack([confidence.double(), right.double()])
    return sums.index_add_(1, torch.bucketize(confidence, inner_edges), both)


def _gap(bins: Tensor, n: int) -> float:
    """Sums (2, bins) over n samples -> the calibration error."""
    return ((bins[0] - bins[1]).abs().sum() / n).item()
