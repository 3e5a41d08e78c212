"""Two residual networks of 50 layers that put the parts of a block in another order, or drop norms.

`resnetv2_50`: Identity Mappings in Deep Residual Networks. He, Zhang, Ren, Sun, ECCV 2016,
https://arxiv.org/abs/1603.05027. The idea: norm and ReLU before each convolution leave the path of
shortcuts clean from the first block to the last.

`nf_resnet50`: Characterizing Signal Propagation to Close the Performance Gap in Unnormalized
ResNets. Brock, De, Smith, ICLR 2021, https://arxiv.org/abs/2101.08692. The idea: with standardised
weights and known variances a block scales its input itself, and no batch is looked at.

Both are as in timm, in whose names the `layers` here are `stages` and the `fc` is `head.fc`; the
first has a 1x1 convolution for its last layer. The paper's nf net has a learnt factor on each
branch as well, which starts at 0 ("SkipInit"): timm's has none.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from striate.layers import init
from striate.models.contract import ConvNet, Stage, check_classes, last

DEPTHS = (3, 4, 6, 3)
ALPHA = 0.2
"""How much of its branch an unnormalised block adds."""
RELU_GAIN = 1.7139588594436646
"""One over the deviation of relu(z), z ~ N(0, 1): sampled, as published; exactly 1.7129."""


class PreActivation(nn.Module):
    """(B, I, H, W) -> (B, 4 width, H / stride, W / stride): three times norm, ReLU, convolution.

    A shortcut that must change the channels or the size starts behind the first norm and ReLU.
    """

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.downsample = None
        if stride > 1 or in_channels != 4 * width:
            self.downsample = nn.Sequential()
            projection = nn.Conv2d(in_channels, 4 * width, 1, stride, bias=False)
            self.downsample.add_module("conv", projection)
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, 4 width, H / stride, W / stride)."""
        ready = self.relu(self.norm1(x))
        shortcut = x if self.downsample is None else self.downsample(ready)
        y = self.conv1(ready)
        y = self.conv2(self.relu(self.norm2(y)))
        return self.conv3(self.relu(self.norm3(y))) + shortcut  # type: ignore[no-any-return]


class StandardConv2d(nn.Conv2d):
    """(B, I, H, W) -> (B, O, H', W'): each filter w is first standardised.

    W = gain * RELU_GAIN / sqrt(n) * (w - mean) / sqrt(variance + 1e-5), over the filter's n
    numbers: after a ReLU of unit variance inputs, its outputs have unit variance again.
    """

    def __init__(self, in_channels: int, channels: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__(in_channels, channels, kernel_size, stride, kernel_size // 2)
        self.gain = nn.Parameter(torch.ones(channels, 1, 1, 1))

    def forward(self, input: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, H', W')."""
        variance, mean = torch.var_mean(self.weight, (1, 2, 3), correction=0, keepdim=True)
        scale = self.gain * (RELU_GAIN / self.weight[0].numel() ** 0.5)
        weight = (self.weight - mean) * (scale * torch.rsqrt(variance + 1e-5))
        return self._conv_forward(input, weight, self.bias)  # type: ignore[no-any-return]


class Unnormalised(nn.Module):
    """(B, I, H, W) -> (B, 4 width, H / stride, W / stride): shortcut + 0.2 branch(relu(x) * beta).

    `beta` is one over the deviation that x has if the input's variance is 1; a shortcut that
    changes starts behind ReLU and scaling, so the variance starts anew there.
    """

    def __init__(self, in_channels: int, width: int, stride: int, beta: float) -> None:
        super().__init__()
        self.beta = beta
        self.downsample = None
        if stride > 1 or in_channels != 4 * width:
            self.downsample = nn.Sequential()
            if stride > 1:
                pool = nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False)
                self.downsample.add_module("pool", pool)
            self.downsample.add_module("conv", StandardConv2d(in_channels, 4 * width, 1))
        self.conv1 = StandardConv2d(in_channels, width, 1)
        self.conv2 = StandardConv2d(width, width, 3, stride)
        self.conv3 = StandardConv2d(width, 4 * width, 1)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, 4 width, H / stride, W / stride)."""
        ready = self.relu(x) * self.beta
        shortcut = x if self.downsample is None else self.downsample(ready)
        y = self.conv2(self.relu(self.conv1(ready)))
        return shortcut + ALPHA * self.conv3(self.relu(y))  # type: ignore[no-any-return]


class ResNetV2(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 32."""

    heads = ("fc",)

    def __init__(self, classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        stem = nn.Conv2d(in_channels, 64, 7, 2, 3, bias=False)
        self.stem = nn.Sequential(OrderedDict(conv=stem))
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layers = nn.Sequential()
        channels = 64
        for index, depth in enumerate(DEPTHS):
            blocks = nn.Sequential()
            for step in range(depth):
                stride = 2 if index and not step else 1
                blocks.append(PreActivation(channels, 64 * 2**index, stride))
                channels = 256 * 2**index
            self.layers.append(nn.Sequential(OrderedDict(blocks=blocks)))
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Conv2d(channels, check_classes(classes), 1)
        self.stages = _stages(classes)
        self.stages["layer4"] = self.stages["layer4"]._replace(parts=("layers.3", "norm"))
        init.he(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `layer1` ... `layer4`, the last one normed."""
        maps = {"stem": self.stem(x)}
        x = self.maxpool(maps["stem"])
        for number, layer in enumerate(self.layers, 1):
            x = maps[f"layer{number}"] = layer(x)
        maps["layer4"] = self.relu(self.norm(x))
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return torch.flatten(self.fc(pooled), 1)


class NFResNet(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 32."""

    heads = ("fc",)

    def __init__(self, classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(OrderedDict(conv=StandardConv2d(in_channels, 64, 7, 2)))
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layers = nn.Sequential()
        channels, variance = 64, 1.0
        for index, depth in enumerate(DEPTHS):
            blocks = nn.Sequential()
            for step in range(depth):
                stride = 2 if index and not step else 1
                blocks.append(Unnormalised(channels, 64 * 2**index, stride, variance**-0.5))
                channels = 256 * 2**index
                variance = (variance if step else 1.0) + ALPHA**2
            self.layers.append(blocks)
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, check_classes(classes))
        self.stages = _stages(classes)
        init.he(self)
        nn.init.normal_(self.fc.weight, 0, 0.01)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `layer1` ... `layer4`, the last one rectified."""
        maps = {"stem": self.stem(x)}
        x = self.maxpool(maps["stem"])
        for number, layer in enumerate(self.layers, 1):
            x = maps[f"layer{number}"] = layer(x)
        maps["layer4"] = self.relu(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return self.fc(torch.flatten(pooled, 1))  # type: ignore[no-any-return]


def _stages(classes: int) -> dict[str, Stage]:
    layers = {
        f"layer{index + 1}": Stage((f"layers.{index}",), 256 * 2**index, 4 * 2**index)
        for index in range(len(DEPTHS))
    }
    return {"stem": Stage(("stem",), 64, 2), **layers, "head": Stage(("fc",), classes, 0)}


NETS = {"resnetv2_50": ResNetV2, "nf_resnet50": NFResNet}
