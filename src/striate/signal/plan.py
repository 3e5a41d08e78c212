"""Which method computes a filter soonest.

The figures are nanoseconds, float32, measured with `bench/bench_filters.py`'s sizes on two
AVX-512 cores (226 GFLOP/s in matrix products): their ratios decide, not their absolute size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from striate.signal import spectral
from striate.signal.geometry import Axis
from striate.signal.passes import BLOCK, Blocks, Method, Separable, Shifts

# Per result and tap, one vectorised multiply-add of a whole frame in the cache.
SHIFT = 0.08
# A depthwise pass down the columns, and a pass of blocks along the rows.
COLUMN, COLUMN_TAP = 0.15, 0.011
ROW, ROW_TAP = 0.35, 0.0045
# A dense kernel in blocks: per result, and per multiply-add, those by 0 included.
DENSE, DENSE_TERM = 0.35, 0.0105
# Doubles fill half as many lanes; only shifts and transforms are quick at them.
DOUBLE = 2.0
# Calls into torch that one frame costs, whatever its size.
CALL = 3000.0

# Relative difference of a kernel from `column * row` that counts as rounding.
RANK_ONE = {torch.float32: 1e-7, torch.float64: 1e-13}


@dataclass(frozen=True, slots=True)
class Task:
    """A kernel (kh, kw, float64) over two axes, and how much there is to compute."""

    kernel: torch.Tensor
    down: Axis
    across: Axis
    dtype: torch.dtype
    planes: int = 1

    @property
    def results(self) -> int:
        """How many numbers come out."""
        return self.planes * self.down.results * self.across.results


def costs(task: Task) -> dict[str, float]:
    """Estimated nanoseconds of every method that can do the task, by name."""
    down, across, n = task.down, task.across, task.results
    nonzero = int(task.kernel.count_nonzero())
    slow = 1.0 if task.dtype == torch.float32 else DOUBLE
    found = {
        "shifts": nonzero * (CALL + n * SHIFT * slow),
        "spectral": 12 * CALL + n * (0.3 + spectral.cost(down, across)) * slow,
    }
    if task.dtype == torch.float32:
        terms = down.taps * (BLOCK + across.reach + 4) * down.stride * across.stride
        found["blocks"] = 15 * CALL + n * (DENSE + DENSE_TERM * terms)
    if factors(task.kernel, task.dtype) is not None:
        found["separable"] = _separable_cost(task)
    return found


def build(name: str, task: Task) -> Method:
    """The method of that name, ready to be called."""
    kernel, down, across = task.kernel, task.down, task.across
    if name == "shifts":
        return Shifts(kernel, down, across)
    if name == "spectral":
        return spectral.Spectral(kernel, down, across, task.dtype)
    if name == "blocks":
        return Blocks(kernel, down, across)
    pair = factors(kernel, task.dtype)
    if pair is None:
        raise AssertionError("a kernel that is not separable has no separable method")
    return Separable(*pair, down, across, task.dtype)


def cheapest(task: Task) -> str:
    """The name of the method with the least estimated time."""
    estimates = costs(task)
    return min(estimates, key=lambda name: estimates[name])


def factors(kernel: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor] | None:
    """`(column, row)` whose outer product is the kernel, if there are such.

    One cross of the kernel through its largest weight gives them, and keeps exact zeros exact.
    """
    peak = int(kernel.abs().argmax())
    i, j = divmod(peak, kernel.shape[1])
    if kernel[i, j] == 0:
        return None
    column, row = kernel[:, j], kernel[i] / kernel[i, j]
    difference = (kernel - torch.outer(column, row)).abs().sum()
    return (column, row) if difference <= RANK_ONE[dtype] * kernel.abs().sum() else None


def _separable_cost(task: Task) -> float:
    down, across = task.down.taps, task.across.taps
    if task.dtype != torch.float32:
        return (down + across) * (CALL + task.results * SHIFT * DOUBLE)
    column = 0.0 if down == 1 else 15 * CALL + task.results * (COLUMN + COLUMN_TAP * down)
    row = min(
        15 * CALL + task.results * (ROW + ROW_TAP * across),
        across * (CALL + task.results * SHIFT),
    )
    return column + row
