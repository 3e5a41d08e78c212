"""The activation of 1998 that `torch.nn` lacks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from striate.layers import arguments


class ScaledTanh(nn.Module):
    """Any shape, kept: y = amplitude * tanh(slope * x).

    With LeNet-5's constants 1.7159 and 2/3, f(1) = 1 and f(-1) = -1, and the curvature is
    greatest there, so targets of -1 and 1 keep the units out of saturation: LeCun, Bottou, Bengio,
    Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 1998.
    """

    def __init__(self, amplitude: float = 1.7159, slope: float = 2 / 3) -> None:
        super().__init__()
        self.amplitude = arguments.positive("amplitude", amplitude)
        self.slope = arguments.positive("slope", slope)

    def forward(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""
        return self.amplitude * torch.tanh(self.slope * x)

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        return f"amplitude={self.amplitude:g}, slope={self.slope:g}"
