"""What comes before the proposals of Faster R-CNN (`rcnn`): pictures to batches, batches to maps.

The pyramid is Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017,
https://arxiv.org/abs/1612.03144: deep maps, enlarged, are added to shallow ones, so that every
level knows what the deepest does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.models.contract import Stage, Trunk
from striate.models.mobilenet_v3 import LARGE, MobileNetV3
from striate.models.resnet import ResNetTrunk

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
MULTIPLE = 32
Size = tuple[int, int]


class Batch(NamedTuple):
    """Pictures of several sizes in one tensor, each in its upper left corner."""

    images: Tensor
    """(B, C, H, W), normalised, with zeros where a picture ends before the batch does."""
    sizes: list[Size]
    """Each picture's (height, width) in there."""
    given: list[Size]
    """Each picture's (height, width) as it came."""


class FeaturePyramid(nn.Module):
    """Maps (B, C_l, H_l, W_l), finest first -> as many maps (B, channels, H_l, W_l)."""

    def __init__(self, in_channels: Sequence[int], channels: int = 256) -> None:
        super().__init__()
        self.channels = channels
        self.inner_blocks = nn.ModuleList(_conv(one, channels, 1) for one in in_channels)
        self.layer_blocks = nn.ModuleList(_conv(channels, channels, 3) for _ in in_channels)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """L maps, finest first -> L maps, finest first."""
        inner = [block(x) for block, x in zip(self.inner_blocks, maps, strict=True)]
        for finer in reversed(range(len(inner) - 1)):
            size = inner[finer].shape[2:]
            inner[finer] = inner[finer] + F.interpolate(inner[finer + 1], size=size)
        return [block(x) for block, x in zip(self.layer_blocks, inner, strict=True)]


class MobileNetBody(Trunk):
    """A large MobileNetV3 without its classifier; `stage6` is the first block of that stage alone.

    Its map and that of `top` are the ones a pyramid stands on.
    """

    def __init__(self, in_channels: int = 3) -> None:
        net = MobileNetV3(LARGE, 1, 1, in_channels)
        modules, stages = list(net.get_submodule("features").children()), dict(net.stages)
        del stages["head"]
        top = stages.pop("top")
        stages |= {"stage7": stages["stage6"], "top": top}
        starts = [int(one.parts[0].rpartition(".")[2]) for one in stages.values()]
        starts[-2] = starts[-3] + 1
        ends = [*starts[1:], len(modules)]
        cuts = map(slice, starts, ends)
        super().__init__({name: modules[cut] for name, cut in zip(stages, cuts, strict=True)})
        self.stages = {
            name: one._replace(parts=tuple(map(str, self.pieces[name])))
            for name, one in stages.items()
        }

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps by stage."""
        return self(x)  # type: ignore[no-any-return]


Body = ResNetTrunk | MobileNetBody


class PyramidTrunk(nn.Module):
    """(B, C, H, W) -> the body's maps by stage, then, coarse first, `fpn_` the tapped ones."""

    def __init__(self, body: Body, tapped: Sequence[str], channels: int = 256) -> None:
        super().__init__()
        self.body = body
        self.fpn = FeaturePyramid([body.stages[name].channels for name in tapped], channels)
        self.tapped = tuple(tapped)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(B, C, H, W) -> maps by stage."""
        maps = self.body.features(x)
        pyramid = self.fpn([maps[name] for name in self.tapped])
        for name, one in zip(reversed(self.tapped), reversed(pyramid), strict=True):
            maps[f"fpn_{name}"] = one
        return maps

    @property
    def stages(self) -> dict[str, Stage]:
        """The body's, and one for each map of the pyramid; parts are named from here."""
        stages = {
            name: one._replace(parts=tuple(f"body.{part}" for part in one.parts))
            for name, one in self.body.stages.items()
        }
        for level, name in reversed(list(enumerate(self.tapped))):
            parts = (f"fpn.inner_blocks.{level}", f"fpn.layer_blocks.{level}")
            stages[f"fpn_{name}"] = Stage(parts, self.fpn.channels, stages[name].stride)
        return stages

    def pyramid(self, maps: dict[str, Tensor]) -> list[Tensor]:
        """The pyramid's maps among all, finest first."""
        return [maps[f"fpn_{name}"] for name in self.tapped]


def batched(
    images: Tensor | Sequence[Tensor], in_channels: int, shortest: int, longest: int
) -> Batch:
    """Pictures (C, H, W) in [0, 1] -> one batch, as Faster R-CNN reads it.

    Each is normalised as ImageNet's, then resized so that its shorter side is `shortest`, or its
    longer one `longest` if that makes it smaller; the batch is padded to multiples of 32. Pictures
    that are not of three channels are normalised by the mean of ImageNet's numbers.
    """
    pictures = list(images)
    _check(pictures, in_channels)
    given = [(one.shape[1], one.shape[2]) for one in pictures]
    sizes = [resized(size, shortest, longest) for size in given]
    fitted = [
        F.interpolate(_normalised(one)[None], size=size, mode="bilinear")[0]
        for one, size in zip(pictures, sizes, strict=True)
    ]
    height, width = (-(-max(sides) // MULTIPLE) * MULTIPLE for sides in zip(*sizes, strict=True))
    padded = [F.pad(one, (0, width - one.shape[2], 0, height - one.shape[1])) for one in fitted]
    return Batch(torch.stack(padded), sizes, given)


def resized(size: Size, shortest: int, longest: int) -> Size:
    """The size of a picture (height, width) in the batch."""
    scale = min(shortest / min(size), longest / max(size))
    return max(int(size[0] * scale), 1), max(int(size[1] * scale), 1)


def rescaled(found: Tensor, size: Size, wanted: Size) -> Tensor:
    """Boxes (..., 4) on a picture of `size` -> the same on that picture at the `wanted` size."""
    y, x = wanted[0] / size[0], wanted[1] / size[1]
    return found * found.new_tensor((x, y, x, y))


def renorm(net: nn.Module, norm: Callable[[int], nn.Module]) -> None:
    """Every batch norm in `net` becomes `norm(channels)`."""
    for name, layer in list(net.named_modules()):
        if isinstance(layer, nn.BatchNorm2d):
            net.set_submodule(name, norm(layer.num_features))


def _normalised(picture: Tensor) -> Tensor:
    mean, deviation = picture.new_tensor(MEAN), picture.new_tensor(DEVIATION)
    if picture.shape[0] != len(MEAN):
        mean, deviation = mean.mean(0, keepdim=True), deviation.mean(0, keepdim=True)
    return (picture - mean[:, None, None]) / deviation[:, None, None]


def _check(pictures: list[Tensor], channels: int) -> None:
    if not pictures:
        raise ArgumentError("images", pictures, "at least one picture")
    for one in pictures:
        if one.ndim != 3 or one.shape[0] != channels or not one.numel():
            raise ArgumentError("images", tuple(one.shape), f"pictures ({channels}, H, W)")
        if not one.is_floating_point():
            raise ArgumentError("images", one.dtype, "floating-point numbers from 0 to 1")


def _conv(in_channels: int, channels: int, kernel: int) -> nn.Sequential:
    convolution = nn.Conv2d(in_channels, channels, kernel, padding=kernel // 2)
    nn.init.kaiming_uniform_(convolution.weight, a=1)
    assert convolution.bias is not None
    nn.init.zeros_(convolution.bias)
    return nn.Sequential(convolution)
