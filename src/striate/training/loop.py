"""The training loop, to be read top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.data.order import sample_order
from striate.errors import ArgumentError, StriateError
from striate.metrics import Scores, score
from striate.training.schedule import one_cycle

_EVALUATION_BATCH = 512
_SEEDS = 2**31  # leaves room for the epoch beside the seed in 64 bits


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a run besides the data and the network."""

    epochs: int = 12
    batch_size: int = 64
    peak_rate: float = 4e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ArgumentError("epochs", self.epochs, "at least 1")
        if self.batch_size < 1:
            raise ArgumentError("batch_size", self.batch_size, "at least 1")
        if not 0 < self.peak_rate < float("inf"):
            raise ArgumentError("peak_rate", self.peak_rate, "a positive number")
        if not 0 <= self.seed < _SEEDS:
            raise ArgumentError("seed", self.seed, f"a whole number from 0 to {_SEEDS - 1:,}")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the data: images `(N, C, H, W)` uint8, labels `(N,)`, and the way to floats."""

    images: Tensor
    labels: Tensor
    normalise: Callable[[Tensor], Tensor]

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """The network's inputs and labels at `indices`."""
        return self.normalise(self.images[indices]), self.labels[indices]


@dataclass(frozen=True, slots=True)
class Step:
    """What the loop reports after every step; `val` is filled at the end of an epoch."""

    step: int
    steps: int
    epoch: int
    loss: float
    val: Scores | None = None


def fit(
    net: nn.Module, train: Part, val: Part, recipe: Recipe, report: Callable[[Step], None]
) -> None:
    """Train `net` in place: order → step → log, and evaluate at the end of every epoch."""
    optimizer = torch.optim.Adam(net.parameters(), lr=recipe.peak_rate, fused=True)
    per_epoch = -(-len(train.labels) // recipe.batch_size)
    steps = per_epoch * recipe.epochs
    for step in range(steps):
        epoch, position = divmod(step, per_epoch)
        if position == 0:
            order = sample_order(len(train.labels), recipe.seed, epoch)
        rate = recipe.peak_rate * one_cycle(step / steps)
        indices = order[position * recipe.batch_size : (position + 1) * recipe.batch_size]
        loss = update(net, optimizer, *train.batch(indices), rate=rate)
        _stop_on_nan(loss, step)
        scores = evaluate(net, val) if position == per_epoch - 1 else None
        report(Step(step + 1, steps, epoch + 1, loss, scores))


def update(
    net: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, labels: Tensor, *, rate: float
) -> float:
    """One forward, backward and update; returns the loss before the update."""
    net.train()
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss = F.cross_entropy(net(inputs), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


@torch.inference_mode()
def predict_logits(net: nn.Module, part: Part) -> Tensor:
    """Logits `(N, classes)` of every sample, in order."""
    net.eval()
    chunks = torch.arange(len(part.labels)).split(_EVALUATION_BATCH)
    return torch.cat([net(part.batch(indices)[0]) for indices in chunks])


def evaluate(net: nn.Module, part: Part) -> Scores:
    """The scores of `net` on every sample of a part."""
    return score(predict_logits(net, part), part.labels)


def _stop_on_nan(loss: float, step: int) -> None:
    if loss != loss or loss in (float("inf"), float("-inf")):
        raise StriateError(
            f"the loss became {loss} at step {step + 1}", remedy="Lower the learning rate"
        )
