"""Who else trains: rank, size, and sums over all processes. Nowhere else is a rank looked at.

One process needs none of this and pays nothing for it.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as torch_dist
from torch import Tensor, nn

_PATIENCE = datetime.timedelta(seconds=60)
STORE = "STRIATE_STORE"
"""Environment: the file by which the processes of one machine find each other."""


@dataclass(frozen=True, slots=True)
class Team:
    """The processes of this run: which one this is, of how many."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes files and talks."""
        return self.rank == 0

    def total(self, vector: Tensor) -> Tensor:
        """The sum of what every process gives, the same to the last bit for all of them."""
        if self.size == 1:
            return vector
        everywhere = vector.clone()
        torch_dist.all_reduce(everywhere)
        return everywhere

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            torch_dist.barrier()

    def wrapped(self, net: nn.Module) -> nn.Module:
        """The network whose gradients are means over all processes."""
        if self.size == 1:
            return net
        return nn.parallel.DistributedDataParallel(net)


ALONE = Team()


@contextlib.contextmanager
def team() -> Iterator[Team]:
    """Join the other processes if a launcher started several (RANK and WORLD_SIZE say so).

    Whoever does not answer for a minute is given up, and all processes end with an error.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Team()
        return
    rank = int(os.environ["RANK"])
    store = os.environ.get(STORE)
    if not torch.cuda.is_available():
        threads = torch.get_num_threads() // int(os.environ.get("LOCAL_WORLD_SIZE", size))
        torch.set_num_threads(max(1, threads))
    torch_dist.init_process_group(
        "nccl" if torch.cuda.is_available() else "gloo",
        init_method=f"file://{store}" if store else "env://",
        rank=rank,
        world_size=size,
        timeout=_PATIENCE,
    )
    try:
        yield Team(rank, size)
    finally:
        torch_dist.destroy_process_group()
