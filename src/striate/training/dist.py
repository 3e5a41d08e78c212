"""Who else trains: rank, size, and sums over all processes. Nowhere else is a rank looked at.

One process needs none of this and pays nothing for it. Several find each other as a launcher says:
those of `striate train --nproc` by a file, those of `torchrun` by MASTER_ADDR.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as torch_dist
from torch import Tensor, nn

from striate.errors import WRONG_INPUT, ArgumentError, StriateError
from striate.processes import LOST, RANK, RESTARTS, SIZE, STORE, end_with_parent

_PATIENCE = datetime.timedelta(seconds=60)


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

    def words(self, text: str) -> list[str]:
        """What every process says, in the order of their ranks."""
        if self.size == 1:
            return [text]
        mine = text.encode("utf-8", "surrogateescape")
        lengths = torch.zeros(self.size, dtype=torch.int64)
        lengths[self.rank] = len(mine)
        lengths = self.total(lengths)
        table = torch.zeros(self.size, int(lengths.max()), dtype=torch.uint8)
        table[self.rank, : len(mine)] = torch.frombuffer(bytearray(mine), dtype=torch.uint8)
        rows = zip(self.total(table), lengths.tolist(), strict=True)
        return [bytes(r[:n].tolist()).decode("utf-8", "surrogateescape") for r, n in rows]

    def align(self, net: nn.Module) -> None:
        """Give every process the first one's buffers: batch norm measures its own share only."""
        if self.size > 1:
            for buffer in net.buffers():
                torch_dist.broadcast(buffer, 0)

    def share_batch_norm(self, net: nn.Module) -> None:
        """Make batch norm measure the shares of all processes, in place."""
        if self.size == 1:
            return
        if any(parameter.device.type == "cpu" for parameter in net.parameters()):
            raise ArgumentError(
                "sync_batch_norm",
                True,
                "false on a CPU, for which torch has no shared batch norm",
                remedy="Leave it out: each process then measures its own share of the batch",
            )
        nn.SyncBatchNorm.convert_sync_batchnorm(net)

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


def leads() -> bool:
    """Whether this process is the one that talks, as far as the environment says."""
    return os.environ.get(RANK, "0") == "0"


def device() -> torch.device:
    """Where this process trains: on a GPU of its own, or else on the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    number, count = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if number >= count:
        raise ArgumentError("nproc", number + 1, f"at most {count}: a GPU for each process")
    return torch.device("cuda", number)


@contextlib.contextmanager
def own_random_numbers() -> Iterator[None]:
    """What is drawn inside leaves the caller's random numbers as they were."""
    here = device()
    with torch.random.fork_rng(devices=[here] if here.type == "cuda" else []):
        yield


def restarted() -> bool:
    """Whether a launcher has started this process again, after one of the team was lost."""
    return int(os.environ.get(RESTARTS, "0")) > 0


@contextlib.contextmanager
def team() -> Iterator[Team]:
    """Join the other processes if a launcher started several (RANK and WORLD_SIZE say so).

    Whoever does not answer for a minute is given up, and all processes end with an error.
    """
    size = int(os.environ.get(SIZE, "1"))
    if size == 1:
        yield ALONE
        return
    if RANK not in os.environ:
        raise StriateError(
            f"is {size}, but {RANK} does not say which of them this is",
            where=SIZE,
            remedy=f"Use --nproc or torchrun, or unset {SIZE}",
            exit_code=WRONG_INPUT,
        )
    rank = int(os.environ[RANK])
    try:
        _join(rank, size)
        try:
            yield Team(rank, size)
        finally:
            torch_dist.destroy_process_group()
    except RuntimeError as error:
        if not _is_lost(error):
            raise
        raise StriateError(
            f"another of the {size} processes was lost",
            remedy="The last checkpoint stands: go on from it with --resume",
            exit_code=LOST,
        ) from error


def _join(rank: int, size: int) -> None:
    store = os.environ.get(STORE)
    if store:
        end_with_parent()
    _stay_at_home(store)
    if torch.cuda.is_available():
        torch.cuda.set_device(device())
    else:
        threads = torch.get_num_threads() // int(os.environ.get("LOCAL_WORLD_SIZE", size))
        torch.set_num_threads(max(1, threads))
    torch_dist.init_process_group(
        "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
        init_method=f"file://{store}" if store else "env://",
        rank=rank,
        world_size=size,
        timeout=_PATIENCE,
    )


def _stay_at_home(store: str | None) -> None:
    """Where all processes are on one machine, they listen on its loopback only."""
    if store or _is_loopback(os.environ.get("MASTER_ADDR", "")):
        loopback = "lo0" if sys.platform == "darwin" else "lo"
        os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
        os.environ.setdefault("NCCL_SOCKET_IFNAME", loopback)


def _is_loopback(address: str) -> bool:
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _is_lost(error: RuntimeError) -> bool:
    """Whether a sum could not be had; gloo has no error type of its own, but names its source."""
    return isinstance(error, torch_dist.DistError) or "gloo" in str(error).lower()
