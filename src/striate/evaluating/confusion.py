"""What is taken for what: class by class, pair by pair, and picture by picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.errors import ArgumentError
from striate.metrics import Tally, wilson_interval


class ClassRow(NamedTuple):
    """One class: precision, recall with its 95 % interval, F1, n; what it is most taken for."""

    name: str
    n: int
    precision: float
    recall: float
    interval: tuple[float, float]
    f1: float
    mistaken_for: str
    """The class that takes most of its pictures away; empty where none does."""


class Pair(NamedTuple):
    """Pictures of the class `given` that were taken for `taken`: how many, and what share."""

    given: int
    taken: int
    n: int
    share: float


@dataclass(frozen=True, slots=True)
class Mistake:
    """A picture that is answered wrongly: its index and label, the answer, how sure that was.

    `loss` is the negative log of the probability that its label got.
    """

    index: int
    given: int
    taken: int
    chance: float
    loss: float


def class_report(tally: Tally, classes: Sequence[str]) -> list[ClassRow]:
    """A row for every class, in the order of the classes."""
    if len(classes) != tally.classes:
        raise ArgumentError("classes", len(classes), f"{tally.classes} names")
    rows = []
    wrong = _off_diagonal(tally.confusion)
    for index, (name, share) in enumerate(zip(classes, tally.per_class(), strict=True)):
        most = int(wrong[index].argmax())
        right = tally.confusion[index, index].item()
        rows.append(
            ClassRow(
                name=name,
                n=share.n,
                precision=share.precision,
                recall=share.recall,
                interval=wilson_interval(right, share.n) if share.n else (0.0, 1.0),
                f1=share.f1,
                mistaken_for=classes[most] if wrong[index, most] else "",
            )
        )
    return rows


def most_confused(confusion: Tensor, top: int = 10) -> list[Pair]:
    """The pairs of classes most often confused: counts (C, C), rows the labels -> most first."""
    wrong = _off_diagonal(confusion)
    there = confusion.sum(1).clamp(min=1)
    order = wrong.flatten().sort(descending=True, stable=True).indices[:top]
    pairs = [divmod(place, len(wrong)) for place in order.tolist()]
    return [
        Pair(given, taken, int(wrong[given, taken]), (wrong[given, taken] / there[given]).item())
        for given, taken in pairs
        if wrong[given, taken]
    ]


def worst_errors(
    logits: Tensor, labels: Tensor, top: int = 20, *, temperature: float = 1.0
) -> list[Mistake]:
    """The wrong answers that gave their label the least: logits (N, K), labels (N,), worst first.

    A label of -1 is none, and nothing is wrong there.
    """
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ArgumentError(
            "logits and labels", (tuple(logits.shape), tuple(labels.shape)), "(N, K) and (N,)"
        )
    known = (labels >= 0).nonzero().squeeze(1)
    scaled, given = logits[known].double() / temperature, labels[known]
    losses = F.cross_entropy(scaled, given, reduction="none")
    chances, taken = scaled.softmax(1).max(1)
    wrong = (taken != given).nonzero().squeeze(1)
    worst = wrong[losses[wrong].sort(descending=True, stable=True).indices[:top]]
    columns = (known[worst], given[worst], taken[worst], chances[worst], losses[worst])
    return [Mistake(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def _off_diagonal(confusion: Tensor) -> Tensor:
    return confusion * (1 - torch.eye(len(confusion), dtype=confusion.dtype))
