"""Which samples are in which batch: a pure function of seed, epoch and position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.errors import ArgumentError


def sample_order(num_samples: int, seed: int, epoch: int) -> Tensor:
    """The order of an epoch: a pure function of (seed, epoch)."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(num_samples, generator=generator)


@dataclass(frozen=True, slots=True)
class Order:
    """How an epoch is cut into batches of `batch_size` samples on each of `ranks` processes.

    All ranks together take the next `batch_size * ranks` samples of the epoch's order, one each in
    turn; so two ranks see what one sees with batches twice as large, and every sample comes once.
    """

    batch_size: int
    seed: int = 0
    shuffle: bool = True
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ArgumentError("batch_size", self.batch_size, "at least 1")
        if not 0 <= self.seed < 2**31:
            raise ArgumentError("seed", self.seed, "a whole number from 0 to 2,147,483,647")
        if not 0 <= self.rank < self.ranks:
            raise ArgumentError("rank", self.rank, f"0 to {self.ranks - 1}, one of {self.ranks}")

    def step(self, num_samples: int) -> int:
        """How many samples all ranks together take in one step; no more than there are."""
        return min(self.batch_size, -(-max(1, num_samples) // self.ranks)) * self.ranks

    def batches(
        self, num_samples: int, epoch: int, position: int = 0
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Positions `(B,)` of samples, and which count `(B,)`, from sample `position` on.

        All batches are of one size. The last is filled up with its own samples over again, which do
        not count: whoever sums over a batch multiplies by the mask, and batch statistics come from
        real pictures.
        """
        everyone = self.step(num_samples)
        order = (
            sample_order(num_samples, self.seed, epoch)
            if self.shuffle
            else torch.arange(num_samples)
        )
        for start in range(position, num_samples, everyone):
            chosen = order[start : start + everyone]
            places = torch.arange(self.rank, everyone, self.ranks)
            yield chosen[places % len(chosen)], places < len(chosen)
