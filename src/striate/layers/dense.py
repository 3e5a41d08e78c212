"""The join of DenseNet: every layer is given all maps before it, and adds its own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import arguments


class DenseBlock(nn.ModuleDict):
    """(B, C, H, W) -> (B, C + sum of growths, H, W): x <- [x, layer(x)] for each layer in turn.

    Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks", CVPR 2017.
    `layers` maps names to modules, in order; the names are the prefixes of the state dict.
    """

    def __init__(self, layers: Mapping[str, nn.Module]) -> None:
        if not isinstance(layers, Mapping) or not layers:
            raise ArgumentError("layers", layers, "at least one layer, as {name: module}")
        super().__init__(layers)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C + sum of growths, H, W)."""
        for layer in self.values():
            x = torch.cat([x, layer(x)], 1)
        return x


class DenseLayer(nn.Sequential):
    """(B, C, H, W) -> (B, growth, H, W): norm, ReLU, 1x1 conv, norm, ReLU, 3x3 conv.

    The 1x1 convolution makes `bottleneck * growth` maps (DenseNet-B); `bottleneck=0` leaves it and
    its norm out. No biases. Submodules `norm1 relu1 conv1 norm2 relu2 conv2`.
    """

    def __init__(self, channels: int, growth: int, bottleneck: int = 4) -> None:
        arguments.whole("growth", growth)
        width = arguments.whole("bottleneck", bottleneck, 0) * growth or channels
        steps: OrderedDict[str, nn.Module] = OrderedDict()
        steps["norm1"] = nn.BatchNorm2d(arguments.whole("channels", channels))
        steps["relu1"] = nn.ReLU()
        if bottleneck:
            steps["conv1"] = nn.Conv2d(channels, width, 1, bias=False)
            steps["norm2"] = nn.BatchNorm2d(width)
            steps["relu2"] = nn.ReLU()
        steps["conv2" if bottleneck else "conv1"] = nn.Conv2d(
            width, growth, 3, padding=1, bias=False
        )
        super().__init__(steps)


class Transition(nn.Sequential):
    """(B, I, H, W) -> (B, O, H // 2, W // 2): norm, ReLU, 1x1 conv, average of 2x2.

    Between two dense blocks; O = I / 2 is the paper's compression.
    Submodules `norm relu conv pool`.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        arguments.whole("in_channels", in_channels)
        arguments.whole("out_channels", out_channels)
        super().__init__(
            OrderedDict(
                norm=nn.BatchNorm2d(in_channels),
                relu=nn.ReLU(),
                conv=nn.Conv2d(in_channels, out_channels, 1, bias=False),
                pool=nn.AvgPool2d(2),
            )
        )
