"""Fully convolutional and atrous residual networks that label every pixel.

Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
https://arxiv.org/abs/1411.4038; Chen, Papandreou, Schroff, Adam, "Rethinking Atrous Convolution for
Semantic Image Segmentation", 2017, https://arxiv.org/abs/1706.05587 (DeepLabv3). The idea of the
latter: filters with holes see far without making the map small, and several such filters with
holes of several sizes look at one map side by side.

Both are torchvision's nets: a ResNet whose last two layers are dilated in place of strided, so that
its map stays at an eighth; a small head; bilinear enlargement. An auxiliary head on layer3 helps
the training, where `forward` answers `WithAux`; it does not run in evaluation. Neither paper has
exactly this: the FCN's trunk is VGG there, and DeepLabv3's multigrid in layer4 is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.layers import init
from striate.models.contract import ConvNet, Stage, WithAux, check_classes
from striate.models.resnet import ROWS, ResNetTrunk, Row

RATES = (12, 24, 36)
"""Holes of DeepLabv3's three 3x3 filters, for a map at an eighth of the picture."""


class FCNHead(nn.Sequential):
    """(B, I, H, W) -> scores (B, classes, H, W): a 3x3 convolution to I / 4 maps, and a 1x1."""

    def __init__(self, in_channels: int, classes: int) -> None:
        inner = in_channels // 4
        super().__init__(
            *_unit(in_channels, inner, 3), nn.Dropout(0.1), nn.Conv2d(inner, classes, 1)
        )


class DeepLabHead(nn.Sequential):
    """(B, I, H, W) -> scores (B, classes, H, W): the pyramid, a 3x3 convolution and a 1x1."""

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__(Pyramid(in_channels, 256), *_unit(256, 256, 3), nn.Conv2d(256, classes, 1))


class Pyramid(nn.Module):
    """(B, I, H, W) -> (B, O, H, W): atrous spatial pyramid pooling (ASPP).

    y = project(all branches side by side): a 1x1 convolution, a 3x3 one for each of the rates, and
    the mean of the whole map, the same at every position.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Sequential(*_unit(in_channels, channels, 1))])
        self.convs += [nn.Sequential(*_unit(in_channels, channels, 3, rate)) for rate in RATES]
        self.convs.append(nn.Sequential(nn.AdaptiveAvgPool2d(1), *_unit(in_channels, channels, 1)))
        self.project = nn.Sequential(
            *_unit(len(self.convs) * channels, channels, 1), nn.Dropout(0.5)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, H, W)."""
        branches = [branch(x).expand(-1, -1, *x.shape[-2:]) for branch in self.convs]
        return self.project(torch.cat(branches, 1))  # type: ignore[no-any-return]


class Segmenter(ConvNet):
    """(B, in_channels, H, W) -> scores (B, classes, H, W), for any H and W.

    While training `WithAux`; `aux=False` leaves the auxiliary head out. DeepLabv3 trains on at
    least two pictures at a time, since it norms their means.
    """

    def __init__(
        self,
        row: Row,
        end: Callable[[int, int], nn.Module],
        classes: int = 21,
        in_channels: int = 3,
        *,
        aux: bool = True,
    ) -> None:
        super().__init__()
        check_classes(classes)
        self.backbone = ResNetTrunk(row, in_channels, dilated=True)
        widths = {name: stage.channels for name, stage in self.backbone.stages.items()}
        self.classifier = end(widths["layer4"], classes)
        self.aux_classifier = FCNHead(widths["layer3"], classes) if aux else None
        ends = ("classifier", "aux_classifier") if aux else ("classifier",)
        self.heads = tuple(f"{name}.4" for name in ends)
        self.stages = {
            name: stage.under("backbone") for name, stage in self.backbone.stages.items()
        }
        self.stages["head"] = Stage(ends, classes, 0)
        init.he_fan_out(self.backbone)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `layer1` ... `layer4`, the last three at 1/8."""
        return self.backbone.features(x)

    def forward(self, x: Tensor) -> Tensor | WithAux:
        """(B, in_channels, H, W) -> scores (B, classes, H, W)."""
        maps = self.features(x)
        scores = _enlarged(self.classifier(maps["layer4"]), x)
        if self.aux_classifier is None or not self.training:
            return scores
        return WithAux(scores, (_enlarged(self.aux_classifier(maps["layer3"]), x),))


def _unit(in_channels: int, channels: int, side: int, rate: int = 1) -> list[nn.Module]:
    """A convolution that keeps the map's size, its norm and ReLU."""
    padding = rate * (side // 2)
    convolution = nn.Conv2d(in_channels, channels, side, padding=padding, dilation=rate, bias=False)
    return [convolution, nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


def _enlarged(scores: Tensor, like: Tensor) -> Tensor:
    """Scores on a coarse map -> scores of every pixel, between the coarse ones in proportion."""
    return F.interpolate(scores, like.shape[-2:], mode="bilinear", align_corners=False)


NETS = {
    "fcn_resnet50": partial(Segmenter, ROWS["resnet50"], FCNHead),
    "fcn_resnet101": partial(Segmenter, ROWS["resnet101"], FCNHead),
    "deeplabv3_resnet50": partial(Segmenter, ROWS["resnet50"], DeepLabHead),
}
