"""Visualizing and Understanding Convolutional Networks. Zeiler, Fergus, ECCV 2014.

https://arxiv.org/abs/1311.2901, figure 3. The idea: look at what each filter of AlexNet answers to,
see dead and blurred ones in front, and mend them with smaller first filters and a finer stride.

The figure's map sizes need one pixel of padding in the first convolution and the first two
poolings, which it doesn't print. Its contrast normalisation across maps is AlexNet's response
normalisation. The paper's start, a deviation of 0.01 everywhere, lets the signal fade to a
thousandth on the way through; here it is He's. Sizes other than 224 are averaged to 6x6 before the
first linear layer, which at 224 changes nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from striate.layers import LocalResponseNorm, init
from striate.models.alexnet import dense_layers
from striate.models.contract import ConvNet, Stage, Trunk, last


class ZFNet(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 65."""

    heads = ("classifier.6",)

    def __init__(self, classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        self.features = Trunk(
            {
                "conv1": [nn.Conv2d(in_channels, 96, 7, 2, 1), *_pooled_and_normed()],
                "conv2": [nn.Conv2d(96, 256, 5, 2), *_pooled_and_normed()],
                "conv3": [nn.Conv2d(256, 384, 3, 1, 1), nn.ReLU(inplace=True)],
                "conv4": [nn.Conv2d(384, 384, 3, 1, 1), nn.ReLU(inplace=True)],
                "conv5": [
                    nn.Conv2d(384, 256, 3, 1, 1),
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(3, 2),
                ],
            }
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = dense_layers(256 * 6 * 6, classes)
        ends = (96, 4), (256, 16), (384, 16), (384, 16), (256, 32)
        self.stages = self.features.stages_under("features", ends)
        self.stages["head"] = Stage(("classifier",), classes, 0)
        init.he(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return self.classifier(torch.flatten(pooled, 1))  # type: ignore[no-any-return]


def _pooled_and_normed() -> list[nn.Module]:
    return [nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1), LocalResponseNorm(5, 1e-4, 0.75, 2.0)]


NETS = {"zfnet": ZFNet}
