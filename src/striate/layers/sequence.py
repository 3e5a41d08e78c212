"""Convolutions along time that never look ahead, whole or in pieces as they arrive."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import arguments


class CausalConv1d(nn.Conv1d):
    """(B, I, L) -> (B, O, L): a convolution that sees the present and the past alone.

    y[o, t] = bias[o] + sum over i, u of weight[o, i, u] * x[i, t - dilation * (kernel - 1 - u)].
    Zeros stand before the start, and no output depends on a later input: van den Oord et al.,
    "WaveNet", 2016. `reach` = dilation * (kernel - 1) is how far back it looks. `stream` does the
    same for a signal that arrives in pieces, and equals `forward` on the whole.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 2,
        *,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        arguments.whole("in_channels", in_channels)
        arguments.whole("out_channels", out_channels)
        arguments.divides("groups", groups, in_channels, out_channels)
        self.reach = arguments.whole("dilation", dilation) * (
            arguments.whole("kernel_size", kernel_size) - 1
        )
        super().__init__(
            in_channels, out_channels, kernel_size, dilation=dilation, groups=groups, bias=bias
        )

    def forward(self, input: Tensor) -> Tensor:
        """(B, I, L) -> (B, O, L)."""
        # Padding on the left alone: the kernel's own padding would also compute, and then throw
        # away, `reach` outputs on the right.
        return super().forward(F.pad(input, (self.reach, 0)))

    def stream(self, piece: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(B, I, n), the past -> (B, O, n), the next past: (B, I, reach), at first `None`."""
        batch, channels, length = piece.shape
        if past is None:
            past = piece.new_zeros(batch, channels, self.reach)
        if past.shape != (batch, channels, self.reach):
            raise ArgumentError("past", tuple(past.shape), f"({batch}, {channels}, {self.reach})")
        seen = torch.cat([past, piece], -1)
        return super().forward(seen), seen[..., length:]


class GatedResidual(nn.Module):
    """(B, C, L) -> (B, C, L) for the next layer, and (B, skip, L) for the output: WaveNet's unit.

    z = tanh(filter(x)) * sigmoid(gate(x)), both causal and dilated, computed as the two halves of
    one convolution `conv` of C -> 2C; then x + residual(z) and skip(z), both 1x1 convolutions.
    """

    def __init__(self, channels: int, skip: int, *, kernel_size: int = 2, dilation: int = 1):
        super().__init__()
        arguments.whole("channels", channels)
        self.conv = CausalConv1d(channels, 2 * channels, kernel_size, dilation=dilation)
        self.residual = nn.Conv1d(channels, channels, 1)
        self.skip = nn.Conv1d(channels, arguments.whole("skip", skip), 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, L) -> (B, C, L), (B, skip, L)."""
        return self._gated(x, self.conv(x))

    def stream(self, piece: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """(B, C, n), the past -> (B, C, n), (B, skip, n), the next past."""
        convolved, past = self.conv.stream(piece, past)
        return *self._gated(piece, convolved), past

    def _gated(self, x: Tensor, convolved: Tensor) -> tuple[Tensor, Tensor]:
        filtered, gate = convolved.chunk(2, 1)
        z = torch.tanh(filtered) * torch.sigmoid(gate)
        return x + self.residual(z), self.skip(z)
