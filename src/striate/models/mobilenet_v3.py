"""Searching for MobileNetV3. Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, et al. 2019.

https://arxiv.org/abs/1905.02244. The idea: let a search choose size, expansion and attention of
each block for the phone it will run on, then thin out the two ends by hand; an activation and a
gate made of straight pieces (hard swish, hard sigmoid) cost no exponential.

Norms have epsilon 0.001 and momentum 0.01; names are torchvision's. Attention shrinks to a quarter
of the block's inner channels, rounded to a multiple of 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import groupby

from torch import Tensor, nn

from striate.layers import ConvNormAct, GlobalAveragePool, InvertedResidual, SqueezeExcite, init
from striate.layers.channels import rounded
from striate.models.contract import ConvNet, Stage, Trunk, check_classes, last

Act = partial(nn.Hardswish, inplace=True)
Unit = partial(ConvNormAct, norm=partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01), act=Act)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the paper's tables 1 and 2, whose first columns are operator and size."""

    kernel: int
    expanded: int
    channels: int
    attention: bool
    swish: bool
    stride: int


LARGE = (
    Row(3, 16, 16, False, False, 1),
    Row(3, 64, 24, False, False, 2),
    Row(3, 72, 24, False, False, 1),
    Row(5, 72, 40, True, False, 2),
    Row(5, 120, 40, True, False, 1),
    Row(5, 120, 40, True, False, 1),
    Row(3, 240, 80, False, True, 2),
    Row(3, 200, 80, False, True, 1),
    Row(3, 184, 80, False, True, 1),
    Row(3, 184, 80, False, True, 1),
    Row(3, 480, 112, True, True, 1),
    Row(3, 672, 112, True, True, 1),
    Row(5, 672, 160, True, True, 2),
    Row(5, 960, 160, True, True, 1),
    Row(5, 960, 160, True, True, 1),
)
SMALL = (
    Row(3, 16, 16, True, False, 2),
    Row(3, 72, 24, False, False, 2),
    Row(3, 88, 24, False, False, 1),
    Row(5, 96, 40, True, True, 2),
    Row(5, 240, 40, True, True, 1),
    Row(5, 240, 40, True, True, 1),
    Row(5, 120, 48, True, True, 1),
    Row(5, 144, 48, True, True, 1),
    Row(5, 288, 96, True, True, 2),
    Row(5, 576, 96, True, True, 1),
    Row(5, 576, 96, True, True, 1),
)


class MobileNetV3(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 32.

    The blocks of equal channels are one stage; `top` is the last convolution, of as many channels
    as the last block has inside, and `hidden` units stand before the classes. `small` is for
    pictures of 32 pixels: stride 1 in the first convolution and in the first block that had 2.
    """

    heads = ("classifier.3",)

    def __init__(
        self,
        rows: tuple[Row, ...],
        hidden: int,
        classes: int = 1000,
        in_channels: int = 3,
        *,
        small: bool = False,
    ) -> None:
        super().__init__()
        channels, reach, kept = 16, 1 if small else 2, small
        ends = [(channels, reach)]
        pieces: dict[str, list[nn.Module]] = {"stem": [Unit(in_channels, channels, stride=reach)]}
        for number, (_, group) in enumerate(groupby(rows, lambda row: row.channels), 1):
            blocks: list[nn.Module] = []
            for row in group:
                stride = 1 if kept else row.stride
                kept = kept and row.stride == 1
                blocks.append(_block(row, channels, stride))
                channels, reach = row.channels, reach * stride
            pieces[f"stage{number}"] = blocks
            ends.append((channels, reach))
        top = rows[-1].expanded
        pieces["top"] = [Unit(channels, top, 1)]
        ends.append((top, reach))
        self.features = Trunk(pieces)
        self.pool = GlobalAveragePool()
        self.classifier = nn.Sequential(
            nn.Linear(top, hidden),
            Act(),
            nn.Dropout(0.2),
            nn.Linear(hidden, check_classes(classes)),
        )
        self.stages = self.features.stages_under("features", ends)
        self.stages["head"] = Stage(("classifier",), classes, 0)
        init.he(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        return self.classifier(self.pool(last(self.features(x))))  # type: ignore[no-any-return]


def _block(row: Row, in_channels: int, stride: int) -> InvertedResidual:
    squeeze = partial(SqueezeExcite, gate=nn.Hardsigmoid)
    return InvertedResidual(
        in_channels,
        row.expanded,
        row.channels,
        row.kernel,
        stride=stride,
        unit=Unit if row.swish else partial(Unit, act=partial(nn.ReLU, inplace=True)),
        attention=squeeze(row.expanded, rounded(row.expanded / 4)) if row.attention else None,
    )


NETS = {
    "mobilenet_v3_large": partial(MobileNetV3, LARGE, 1280),
    "mobilenet_v3_small": partial(MobileNetV3, SMALL, 1024),
}
