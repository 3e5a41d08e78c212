"""Convolution as a matrix: the fully connected layer that computes the same, mostly zeros.

    as_matrix(kernel, x.shape) @ x.ravel() == convolve(x, kernel).ravel()

Each row is one window, each column one sample; a few weights, the same ones in every row (tied),
stand where a window meets a sample (local), and zeros everywhere else. In one dimension the rows
are each other shifted by one: a Toeplitz matrix; in two, blocks of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from striate.errors import ArgumentError
from striate.signal.convolve import per_axis
from striate.signal.geometry import Axis, axis_for
from striate.signal.kinds import KernelLike, read_kernel
from striate.signal.pad import padding_name, source_indices

# Bytes. The dense matrix of a 28 x 28 image takes 5 MB, that of a 100 x 100 one 800 MB.
LARGEST_DENSE = 10**9
# Weights that are not zero: 3 x 3 taps over 1,800 x 1,800 pixels.
LARGEST_SPARSE = 30_000_000


@dataclass(frozen=True, slots=True)
class MatrixFacts:
    """The size of a convolution's matrix and what stands in it.

    `distinct` counts the different weights that are not zero: those of the kernel, and their sums
    where a padding lays several taps on one sample.
    """

    rows: int
    columns: int
    nonzero: int
    distinct: int

    @property
    def entries(self) -> int:
        """rows x columns: the weights of the fully connected layer."""
        return self.rows * self.columns

    @property
    def sparsity(self) -> float:
        """The share of zeros, from 0 to 1."""
        return 1 - self.nonzero / self.entries

    @property
    def dense_bytes(self) -> int:
        """Memory of the whole matrix in float64."""
        return 8 * self.entries

    def __str__(self) -> str:
        return (
            f"{self.rows:,} x {self.columns:,} = {self.entries:,} entries "
            f"({_in_units(self.dense_bytes)} in float64), {self.nonzero:,} not zero "
            f"({self.sparsity:.2%} zeros), {self.distinct:,} distinct weights"
        )


def as_matrix(
    kernel: KernelLike,
    shape: int | Sequence[int],
    *,
    padding: str = "zeros",
    stride: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The dense matrix (results, samples) of `convolve` for signals of this shape, 1-D or 2-D.

    A shape that is one number is the length of every axis the kernel has.
    """
    axes, weights, mode = _read(kernel, shape, padding, stride, dilation)
    rows, columns = _size(axes)
    if 8 * rows * columns > LARGEST_DENSE:
        raise ArgumentError(
            "shape",
            shape,
            f"a matrix of at most {_in_units(LARGEST_DENSE)}; "
            f"{rows:,} x {columns:,} float64 need {_in_units(8 * rows * columns)}",
            remedy="as_sparse() keeps only what is not zero, matrix_facts() counts it",
        )
    return _sparse(axes, weights, mode).to_dense().numpy()


def as_sparse(
    kernel: KernelLike,
    shape: int | Sequence[int],
    *,
    padding: str = "zeros",
    stride: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
) -> torch.Tensor:
    """The same matrix as a coalesced `torch.sparse_coo` tensor, in float64."""
    return _sparse(*_read(kernel, shape, padding, stride, dilation))


def matrix_facts(
    kernel: KernelLike,
    shape: int | Sequence[int],
    *,
    padding: str = "zeros",
    stride: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
) -> MatrixFacts:
    """Size, non-zeros and distinct weights of the matrix, without building it dense."""
    axes, weights, mode = _read(kernel, shape, padding, stride, dilation)
    values = _sparse(axes, weights, mode).values()
    # Sums of the same weights in another order differ in the last digits; zeros are not weights.
    grain = float(weights.abs().max()) * 1e-12
    kept = values[values.abs() > grain]
    distinct = len(torch.unique((kept / grain).round())) if len(kept) else 0
    return MatrixFacts(*_size(axes), nonzero=len(kept), distinct=distinct)


def _read(
    kernel: KernelLike,
    shape: int | Sequence[int],
    padding: str,
    stride: int | Sequence[int],
    dilation: int | Sequence[int],
) -> tuple[list[Axis], torch.Tensor, str]:
    """The axes, the kernel turned round, and the padding's own name."""
    weights = read_kernel(kernel).detach().cpu()
    lengths = per_axis("shape", shape, weights.ndim)
    mode = padding_name(padding)
    steps = per_axis("stride", stride, weights.ndim)
    gaps = per_axis("dilation", dilation, weights.ndim)
    axes = [
        axis_for(length, taps, step, gap, mode, flipped=True)
        for length, taps, step, gap in zip(lengths, weights.shape, steps, gaps, strict=True)
    ]
    return axes, weights.flip(tuple(range(weights.ndim))), mode


def _size(axes: Sequence[Axis]) -> tuple[int, int]:
    return math.prod(axis.results for axis in axes), math.prod(axis.length for axis in axes)


def _sparse(axes: Sequence[Axis], weights: torch.Tensor, mode: str) -> torch.Tensor:
    """One entry for each tap of each window; taps that meet on one sample are added up."""
    size = _size(axes)
    entries = size[0] * weights.numel()
    if entries > LARGEST_SPARSE:
        raise ArgumentError(
            "shape",
            tuple(axis.length for axis in axes),
            f"one with at most {LARGEST_SPARSE:,} taps of windows, not {entries:,}",
            remedy="The matrix of a smaller image shows the same",
        )
    row, column, inside = _numbers(axes[0], mode)
    for axis in axes[1:]:
        # (windows, taps) of each axis, to (windows, windows, taps, taps) of both, row-major.
        other_row, other_column, other_inside = _numbers(axis, mode)
        row = row[:, None, :, None] * axis.results + other_row[None, :, None, :]
        column = column[:, None, :, None] * axis.length + other_column[None, :, None, :]
        inside = inside[:, None, :, None] & other_inside[None, :, None, :]
    kept = inside & (weights != 0)
    values = weights.expand(kept.shape)[kept]
    where = torch.stack([row.expand(kept.shape)[kept], column[kept]])
    return torch.sparse_coo_tensor(where, values, size, check_invariants=False).coalesce()


def _numbers(axis: Axis, mode: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(windows, taps) of one axis: the window's number, the sample's, and whether there is one."""
    extended = source_indices(
        -axis.before, axis.before + axis.length + axis.after, axis.length, mode
    )
    window = torch.arange(axis.results)[:, None]
    tap = torch.arange(axis.taps)[None, :]
    sample = extended[window * axis.stride + tap * axis.dilation]
    return window.expand(sample.shape), sample, sample >= 0


def _in_units(size: float) -> str:
    units = ("B", "kB", "MB", "GB", "TB", "PB")
    thousands = min(int(math.log10(size) / 3), len(units) - 1) if size >= 1 else 0
    return f"{size / 1000**thousands:.3g} {units[thousands]}"
