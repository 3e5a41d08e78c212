"""Ways to compute the same windows, each fast for some kernels.

A method is called with a frame (P, N, M), contiguous rows that already carry their padding, and
writes the correlation with its kernel into `out` (P, n, m). `width` is the frame width it needs:
at least what the windows cover, more where it works in whole blocks.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch.nn import functional as F

from striate.signal.geometry import Axis

# Longest sum that float32 may accumulate in one go: rounding errors grow with the root of the
# number of terms, and 128 keep two passes of a 201-tap Gaussian below 1e-6 on 12 million pixels.
LONGEST_SUM = 128

# Outputs that one block of a row yields: the width of a vector register of 16 floats.
BLOCK = 16


class Method(Protocol):
    """One way to correlate frames with a kernel.

    A method that `mixes` multiplies by zeros too, so that NaN or infinity in one sample reaches
    results whose window does not hold it.
    """

    width: int
    mixes: bool

    def __call__(self, frame: torch.Tensor, out: torch.Tensor) -> None:
        """Write the windows' sums of a frame (P, N, width) into `out` (P, n, m)."""


class Shifts:
    """The definition itself: add the shifted frame once per tap. Taps of 0 touch nothing."""

    mixes = False

    def __init__(self, kernel: torch.Tensor, down: Axis, across: Axis) -> None:
        self.down, self.across = down, across
        self.width = across.span(across.results)
        self.taps = [
            (i * down.dilation, j * across.dilation, weight)
            for i, weights in enumerate(kernel.tolist())
            for j, weight in enumerate(weights)
            if weight != 0
        ]
        # A weight of 1 is added for nothing: see the first sum below.
        self.taps.sort(key=lambda tap: tap[2] != 1)

    def __call__(self, frame: torch.Tensor, out: torch.Tensor) -> None:
        """out = sum over taps of weight * frame[:, i : : stride, j : : stride]."""
        down, across = self.down.stride, self.across.stride
        rows = (out.shape[1] - 1) * down + 1
        columns = (out.shape[2] - 1) * across + 1
        parts = [
            (frame[:, i : i + rows : down, j : j + columns : across], weight)
            for i, j, weight in self.taps
        ]
        if not parts:
            out.zero_()
        elif len(parts) > 1 and parts[0][1] == 1:
            torch.add(parts[0][0], parts[1][0], alpha=parts[1][1], out=out)
            del parts[:2]
        else:
            torch.mul(*parts.pop(0), out=out)
        for part, weight in parts:
            out.add_(part, alpha=weight)


class Blocks:
    """Rows cut into blocks, so that a one-channel filter becomes a many-channel convolution.

    A row of blocks of `inputs` samples is a signal of `inputs` channels; each step of `steps`
    blocks yields 16 neighbouring results, whose weights are the kernel in a banded (Toeplitz)
    matrix. The multiplications by 0 that this adds cost less than one channel alone, which
    leaves most of a vector unit idle.
    """

    mixes = True

    def __init__(self, kernel: torch.Tensor, down: Axis, across: Axis) -> None:
        self.down, self.across = down, across
        self.inputs = 4 if across.reach <= 16 else 8 if across.reach <= 64 else 16
        self.steps = BLOCK // self.inputs
        every = (across.results - 1) * across.stride + 1
        self.count = -(-every // BLOCK)
        self.taps = -(-(BLOCK + across.reach) // self.inputs)
        self.width = ((self.count - 1) * self.steps + self.taps) * self.inputs
        self.parts = _split(self._banded(kernel), self.inputs * down.taps)

    def _banded(self, kernel: torch.Tensor) -> torch.Tensor:
        """Weights (16, inputs, kernel rows, block taps): result o sees sample o + j*dilation."""
        weight = torch.zeros(BLOCK, self.inputs, self.down.taps, self.taps)
        for o in range(BLOCK):
            at = o + torch.arange(self.across.taps) * self.across.dilation
            weight[o, at % self.inputs, :, at // self.inputs] = kernel.T.to(weight)
        return weight

    def __call__(self, frame: torch.Tensor, out: torch.Tensor) -> None:
        """Convolve (P, inputs, N, width / inputs) with the banded weights."""
        planes, rows, _ = frame.shape
        blocks = frame[:, :, : self.width].reshape(planes, rows, -1, self.inputs)
        blocks = blocks.permute(0, 3, 1, 2)
        last = (self.count - 1) * self.steps
        for number, (first, weight) in enumerate(self.parts):
            y = F.conv2d(
                blocks[..., first : first + last + weight.shape[-1]],
                weight,
                stride=(self.down.stride, self.steps),
                dilation=(self.down.dilation, 1),
            )
            y = y.permute(0, 2, 3, 1).reshape(planes, out.shape[1], -1)
            y = y[..., : (out.shape[2] - 1) * self.across.stride + 1 : self.across.stride]
            _put(y, out, number)


class Separable:
    """A kernel `column * row` as two passes: down every column, then along every row."""

    def __init__(
        self,
        column: torch.Tensor,
        row: torch.Tensor,
        down: Axis,
        across: Axis,
        dtype: torch.dtype,
    ) -> None:
        self.down = down
        double = dtype != torch.float32
        few = double or int(row.count_nonzero()) <= FEW_TAPS
        self.along: Method = (Shifts if few else Blocks)(row[None], Axis(1), across)
        self.width = self.along.width
        wide = Axis(self.width)
        plain = double or int(column.count_nonzero()) <= 2
        self.shifts = Shifts(column[:, None], down, wide) if plain else None
        self.mixes = self.along.mixes or (not plain and bool((column == 0).any()))
        self.idle = down.taps == down.stride == 1 and float(column[0]) == 1
        # One channel per column of the frame, all with the same weights.
        self.parts = _split(column.to(torch.float32).expand(self.width, 1, 1, -1), 1)

    def __call__(self, frame: torch.Tensor, out: torch.Tensor) -> None:
        """Both passes; what lies between them is (P, n, width)."""
        frame = frame[:, :, : self.width]
        if self.idle:
            middle = frame
        elif self.shifts is not None:
            middle = frame.new_empty(len(frame), out.shape[1], self.width)
            self.shifts(frame, middle)
        else:
            middle = self._depthwise(frame, out.shape[1])
        self.along(middle, out)

    def _depthwise(self, frame: torch.Tensor, results: int) -> torch.Tensor:
        """A depthwise convolution whose channels are the columns of the frame."""
        # Rows lie on the "width" axis of the convolution: only there does oneDNN's depthwise
        # kernel keep several sums going at once (4x faster at 41 taps).
        channels = frame.unsqueeze(1).permute(0, 3, 1, 2)
        step, gap = self.down.stride, self.down.dilation
        middle = frame
        for number, (first, weight) in enumerate(self.parts):
            span = (results - 1) * step + (weight.shape[-1] - 1) * gap + 1
            y = F.conv2d(
                channels[..., first * gap : first * gap + span],
                weight,
                stride=(1, step),
                dilation=(1, gap),
                groups=self.width,
            )
            y = y.permute(0, 2, 3, 1).reshape(len(frame), results, self.width)
            middle = y if number == 0 else middle.add_(y)
        return middle


# A row pass of this few taps is quicker as shifted sums than in blocks.
FEW_TAPS = 4


def _put(part: torch.Tensor, out: torch.Tensor, number: int) -> None:
    """Write the first partial sum, add the others."""
    if number == 0:
        out.copy_(part)
    else:
        out.add_(part)


def _split(weight: torch.Tensor, terms: int) -> list[tuple[int, torch.Tensor]]:
    """The weight cut along its last axis into `(first tap, part)` of at most LONGEST_SUM terms."""
    taps = max(1, LONGEST_SUM // terms)
    # Copied by NumPy: torch would share the copy out over its threads, and the idle ones spin for
    # milliseconds afterwards, on the cores that the frames need (measured: 20 ms become 14).
    whole = weight.numpy()
    return [
        (first, torch.from_numpy(whole[..., first : first + taps].copy()))
        for first in range(0, weight.shape[-1], taps)
    ]
