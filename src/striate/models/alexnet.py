"""ImageNet Classification with Deep Convolutional Neural Networks. Krizhevsky, Sutskever, Hinton,
NIPS 2012, https://papers.nips.cc/paper/4824.

The idea: LeNet's plan at the scale of ImageNet, made possible by ReLU, dropout and two GPUs.

`alexnet_2012` is the paper's net. Its second, fourth and fifth convolutions see half of the maps
each, those on their own GPU: `groups=1` joins them. The paper prints an input of 224 pixels; its
maps of 55x55 need the 227 taken here. Other sizes are averaged to 6x6 before the first linear
layer, which at 227 changes nothing.

`alexnet` is torchvision's: the single column of "One weird trick for parallelizing convolutional
neural networks" (Krizhevsky 2014, https://arxiv.org/abs/1404.5997), narrower in front, without
response normalisation, and with dropout before the linear layers. Neither paper's start fits it,
so it begins with He's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from striate.layers import Dropout, LocalResponseNorm, arguments, init
from striate.models.contract import ConvNet, Stage, Trunk, check_classes, last


class AlexNet(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 63."""

    heads = ("classifier.6",)

    def __init__(self, classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        self.features = Trunk(
            {
                "conv1": [nn.Conv2d(in_channels, 64, 11, 4, 2), _relu(), nn.MaxPool2d(3, 2)],
                "conv2": [nn.Conv2d(64, 192, 5, 1, 2), _relu(), nn.MaxPool2d(3, 2)],
                "conv3": [nn.Conv2d(192, 384, 3, 1, 1), _relu()],
                "conv4": [nn.Conv2d(384, 256, 3, 1, 1), _relu()],
                "conv5": [nn.Conv2d(256, 256, 3, 1, 1), _relu(), nn.MaxPool2d(3, 2)],
            }
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            Dropout(0.5),
            nn.Linear(256 * 6 * 6, 4096),
            _relu(),
            Dropout(0.5),
            nn.Linear(4096, 4096),
            _relu(),
            nn.Linear(4096, check_classes(classes)),
        )
        ends = (64, 8), (192, 16), (384, 16), (256, 16), (256, 32)
        self.stages = self.features.stages_under("features", ends)
        self.stages["head"] = Stage(("classifier",), classes, 0)
        init.he(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return self.classifier(torch.flatten(pooled, 1))  # type: ignore[no-any-return]


class AlexNet2012(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 67, in the paper 227."""

    heads = ("classifier.6",)

    def __init__(self, classes: int = 1000, in_channels: int = 3, *, groups: int = 2) -> None:
        super().__init__()
        arguments.divides("groups", groups, 96, 256, 384)
        self.features = Trunk(
            {
                "conv1": [nn.Conv2d(in_channels, 96, 11, 4), *_normed_and_pooled()],
                "conv2": [nn.Conv2d(96, 256, 5, 1, 2, groups=groups), *_normed_and_pooled()],
                "conv3": [nn.Conv2d(256, 384, 3, 1, 1), _relu()],
                "conv4": [nn.Conv2d(384, 384, 3, 1, 1, groups=groups), _relu()],
                "conv5": [
                    nn.Conv2d(384, 256, 3, 1, 1, groups=groups),
                    _relu(),
                    nn.MaxPool2d(3, 2),
                ],
            }
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = dense_layers(256 * 6 * 6, classes)
        ends = (96, 8), (256, 16), (384, 16), (384, 16), (256, 32)
        self.stages = self.features.stages_under("features", ends)
        self.stages["head"] = Stage(("classifier",), classes, 0)
        init.alexnet_2012(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.avgpool(last(self.features(x)))
        return self.classifier(torch.flatten(pooled, 1))  # type: ignore[no-any-return]


def dense_layers(width: int, classes: int) -> nn.Sequential:
    """(B, width) -> logits (B, classes): the paper's three, also ZFNet's and VGG's."""
    return nn.Sequential(
        nn.Linear(width, 4096),
        _relu(),
        Dropout(0.5),
        nn.Linear(4096, 4096),
        _relu(),
        Dropout(0.5),
        nn.Linear(4096, check_classes(classes)),
    )


def _normed_and_pooled() -> list[nn.Module]:
    """Windows of 3 every 2 pixels: the paper's overlapping pooling."""
    return [_relu(), LocalResponseNorm(5, 1e-4, 0.75, 2.0), nn.MaxPool2d(3, 2)]


def _relu() -> nn.ReLU:
    return nn.ReLU(inplace=True)


NETS = {"alexnet": AlexNet, "alexnet_2012": AlexNet2012}
