"""Fully Convolutional Networks for Semantic Segmentation. Long, Shelhamer, Darrell, CVPR 2015.

https://arxiv.org/abs/1411.4038. The idea: a classifier whose linear layers are convolutions labels
every place of a picture of any size; its coarse scores are enlarged by filters that learn, and
summed with scores of earlier, finer maps.

`fcn32s` enlarges VGG16's last scores 32 times, `fcn16s` adds scores of pool4 first, `fcn8s` those
of pool3 too. Names are those of the authors' published Caffe nets, but for the trunk and the two
layers after it, which have torchvision's of VGG16 (`from_vgg16` prepares its weights). As there,
the picture gets 100 pixels of zeros on each side, poolings keep an odd last row, and the scores are
cut to the picture. Two deviations: the paper starts the score layers at zero, here they start from
a deviation of 0.01, so that every weight learns from the first step; and the last filters, fixed
there, may learn here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from striate.layers import init
from striate.models import vgg
from striate.models.contract import ConvNet, Stage, check_classes


@dataclass(frozen=True, slots=True)
class Skip:
    """An earlier map whose scores are added: where it is, and the names of the layers for it."""

    block: str
    channels: int
    score: str
    upscore: str
    """What doubles the scores so far to this map's size."""
    offset: int
    """Where the scores so far begin on this map, which the 100 pixels have widened."""


@dataclass(frozen=True, slots=True)
class Row:
    """One of the paper's three nets."""

    skips: tuple[Skip, ...]
    upscore: str
    stride: int
    """How often the last layer enlarges."""
    offset: int
    """Where the picture begins on the enlarged scores."""


POOL4 = Skip("block4", 512, "score_pool4", "upscore2", 5)
POOL3 = Skip("block3", 256, "score_pool3", "upscore_pool4", 9)
ROWS = {
    "fcn32s": Row((), "upscore", 32, 19),
    "fcn16s": Row((POOL4,), "upscore16", 16, 27),
    "fcn8s": Row((POOL4, POOL3), "upscore8", 8, 31),
}


class FCN(ConvNet):
    """(B, in_channels, H, W) -> scores (B, classes, H, W), for any H and W."""

    def __init__(self, row: Row, classes: int = 21, in_channels: int = 3) -> None:
        super().__init__()
        check_classes(classes)
        self.row = row
        self.features = vgg.trunk(vgg.ROWS["vgg16"], in_channels, padding=100, ceil=True)
        self.classifier = nn.Sequential(*vgg.convolutional_layers())
        self.score_fr = nn.Conv2d(4096, classes, 1)
        for skip in row.skips:
            self.add_module(skip.score, nn.Conv2d(skip.channels, classes, 1))
        self.heads = ("score_fr", *(skip.score for skip in row.skips))
        self.upscores = {skip.upscore: 2 for skip in row.skips} | {row.upscore: row.stride}
        for name, stride in self.upscores.items():
            self.add_module(name, bilinear(classes, stride))
        self.stages = self.features.stages_under("features", vgg.ENDS)
        self.stages["head"] = Stage(("classifier", *self.heads, *self.upscores), classes, 0)
        init.he_fan_out(self.features)
        for layers in ("classifier", *self.heads):
            vgg.start_dense(self.get_submodule(layers))

    def reset_head(self, classes: int) -> None:
        """New score layers and enlargement, on the old ones' device and in their dtype."""
        super().reset_head(classes)
        for name, stride in self.upscores.items():
            self.set_submodule(name, bilinear(classes, stride).to(self.score_fr.weight))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> scores (B, classes, H, W)."""
        maps = self.features(x)
        scores = self.score_fr(self.classifier(maps["block5"]))
        for skip in self.row.skips:
            scores = self.get_submodule(skip.upscore)(scores)
            finer = self.get_submodule(skip.score)(maps[skip.block])
            scores = scores + _cut(finer, skip.offset, scores)
        return _cut(self.get_submodule(self.row.upscore)(scores), self.row.offset, x)


@torch.no_grad()
def bilinear(channels: int, stride: int) -> nn.ConvTranspose2d:
    """(B, C, H, W) -> (B, C, stride (H + 1), stride (W + 1)): starts as bilinear interpolation.

    Each map's own kernel of 2 stride x 2 stride is the product of two triangles that fall from
    their middle to 0, 1 - |u - stride + 1/2| / stride at u; kernels between different maps start
    at 0.
    """
    layer = nn.ConvTranspose2d(channels, channels, 2 * stride, stride, bias=False)
    triangle = 1 - (torch.arange(2 * stride) - stride + 0.5).abs() / stride
    kernel = torch.outer(triangle, triangle)
    layer.weight.copy_(torch.einsum("ij,uv->ijuv", torch.eye(channels), kernel))
    return layer


def from_vgg16(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A VGG16's state dict -> what of it an FCN starts from: all but the last layer.

    `net.load_state_dict(from_vgg16(state), strict=False)` then leaves the score layers and the
    enlargement as they were.
    """
    last = ("classifier.6.weight", "classifier.6.bias")
    kept = {key: value for key, value in state.items() if key not in last}
    return vgg.as_convolutions(kept)


def _cut(maps: Tensor, offset: int, like: Tensor) -> Tensor:
    """The part of `maps` that begins `offset` rows and columns in and is as large as `like`."""
    rows, columns = like.shape[-2:]
    return maps[..., offset : offset + rows, offset : offset + columns]


NETS = {name: partial(FCN, row) for name, row in ROWS.items()}
