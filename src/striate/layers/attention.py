"""Attention among channels."""

from __future__ import annotations

from torch import Tensor, nn

from striate.layers import arguments
from striate.layers.conv import Build


class SqueezeExcite(nn.Module):
    """(B, C, H, W) -> (B, C, H, W): y[c] = x[c] * gate(fc2(act(fc1(mean over positions of x))))[c].

    Hu, Shen, Sun, "Squeeze-and-Excitation Networks", CVPR 2018. `fc1` makes `reduced` numbers of
    the C means, `fc2` makes C again; both are 1x1 convolutions.
    """

    def __init__(
        self, channels: int, reduced: int, *, act: Build = nn.ReLU, gate: Build = nn.Sigmoid
    ) -> None:
        super().__init__()
        arguments.whole("channels", channels)
        self.fc1 = nn.Conv2d(channels, arguments.whole("reduced", reduced), 1)
        self.fc2 = nn.Conv2d(reduced, channels, 1)
        self.act, self.gate = act(), gate()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        means = x.mean((2, 3), keepdim=True)
        gates: Tensor = self.gate(self.fc2(self.act(self.fc1(means))))
        return x * gates
