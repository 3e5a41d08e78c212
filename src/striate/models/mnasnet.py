"""MnasNet: Platform-Aware Neural Architecture Search for Mobile. Tan, Chen, Pang, Vasudevan, et al.

CVPR 2019, https://arxiv.org/abs/1807.11626. The idea: a search for blocks that rewards accuracy and
the time measured on a phone, not multiplications counted on paper.

This is the paper's B1, without attention, with torchvision's names; norms have momentum 0.0003. The
number in a name multiplies the channels, rounded to multiples of 8; the last 1,280 stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from striate.layers import GlobalAveragePool, init
from striate.layers.channels import rounded
from striate.models.contract import ConvNet, Stage, Trunk, check_classes, last

TOP = 1280


@dataclass(frozen=True, slots=True)
class Row:
    """A stack of blocks: expansion t, kernel, channels c, blocks n, stride s of the first."""

    t: int
    kernel: int
    c: int
    n: int
    s: int


B1 = (
    Row(3, 3, 24, 3, 2),
    Row(3, 5, 40, 3, 2),
    Row(6, 5, 80, 3, 2),
    Row(6, 3, 96, 2, 1),
    Row(6, 5, 192, 4, 2),
    Row(6, 3, 320, 1, 1),
)
"""The paper's figure of B1."""


class Inverted(nn.Module):
    """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride)): expand, filter, return; add x.

    `layers.InvertedResidual` under torchvision's names of MnasNet: one flat `layers`.
    """

    def __init__(
        self, in_channels: int, out_channels: int, expansion: int, kernel: int, stride: int
    ) -> None:
        super().__init__()
        inner = in_channels * expansion
        self.layers = nn.Sequential(
            *_unit(nn.Conv2d(in_channels, inner, 1, bias=False)),
            *_separable(inner, out_channels, kernel, stride),
        )
        self.adds = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride))."""
        return x + self.layers(x) if self.adds else self.layers(x)  # type: ignore[no-any-return]


class MnasNet(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 32."""

    heads = ("classifier.1",)

    def __init__(self, width: float, classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        first, channels, reach = rounded(32 * width), rounded(16 * width), 2
        ends = [(channels, reach)]
        pieces: dict[str, list[nn.Module]] = {
            "stem": [
                *_unit(nn.Conv2d(in_channels, first, 3, 2, 1, bias=False)),
                *_separable(first, channels, 3, 1),
            ]
        }
        for number, row in enumerate(B1, 1):
            after = rounded(row.c * width)
            blocks = [Inverted(channels, after, row.t, row.kernel, row.s)]
            blocks += [Inverted(after, after, row.t, row.kernel, 1) for _ in range(row.n - 1)]
            channels, reach = after, reach * row.s
            pieces[f"stage{number}"] = [nn.Sequential(*blocks)]
            ends.append((channels, reach))
        pieces["top"] = _unit(nn.Conv2d(channels, TOP, 1, bias=False))
        ends.append((TOP, reach))
        self.layers = Trunk(pieces)
        self.pool = GlobalAveragePool()
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(TOP, check_classes(classes)))
        self.stages = self.layers.stages_under("layers", ends)
        self.stages["head"] = Stage(("classifier",), classes, 0)
        init.he(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `stage1` ... `stage6`, `top`."""
        return self.layers(x)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        return self.classifier(self.pool(last(self.features(x))))  # type: ignore[no-any-return]


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, momentum=0.0003)


def _unit(convolution: nn.Conv2d) -> list[nn.Module]:
    return [convolution, _norm(convolution.out_channels), nn.ReLU(inplace=True)]


def _separable(inner: int, out_channels: int, kernel: int, stride: int) -> list[nn.Module]:
    """Filter each map, then mix them by 1x1 without an activation."""
    depthwise = nn.Conv2d(inner, inner, kernel, stride, kernel // 2, groups=inner, bias=False)
    pointwise = nn.Conv2d(inner, out_channels, 1, bias=False)
    return [*_unit(depthwise), pointwise, _norm(out_channels)]


NETS = {
    "mnasnet0_5": partial(MnasNet, 0.5),
    "mnasnet0_75": partial(MnasNet, 0.75),
    "mnasnet1_0": partial(MnasNet, 1.0),
    "mnasnet1_3": partial(MnasNet, 1.3),
}
