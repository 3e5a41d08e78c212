"""SqueezeNet: AlexNet-level accuracy with 50x fewer parameters. Iandola, Han, Moskewicz, et al.

2016, https://arxiv.org/abs/1602.07360. The idea: squeeze the maps by 1x1 filters before the dear
3x3 ones see them, and replace half of those by 1x1. No linear layer: the last convolution answers
for every position, and its mean is the logits.

Version 1.1 is the authors' later edition: a smaller first filter and earlier pooling, 2.4 times
less work. Poolings round up, and a ReLU follows the last convolution, as in the authors' files;
names are torchvision's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from striate.layers import GlobalAveragePool, init
from striate.models.contract import ConvNet, Stage, Trunk, check_classes, last


@dataclass(frozen=True, slots=True)
class Row:
    """The paper's table 1: the first convolution, and (s1x1, e1x1) of the fires after each pooling.

    A fire has as many 3x3 filters (e3x3) as 1x1 ones (e1x1).
    """

    width: int
    kernel: int
    fires: tuple[tuple[tuple[int, int], ...], ...]


FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
"""fire2 to fire9."""
ROWS = {
    "squeezenet1_0": Row(96, 7, (FIRES[:3], FIRES[3:7], FIRES[7:])),
    "squeezenet1_1": Row(64, 3, (FIRES[:2], FIRES[2:4], FIRES[4:])),
}


class Fire(nn.Module):
    """(B, I, H, W) -> (B, 2 expand, H, W): 1x1 to `squeeze` maps, thence 1x1 and 3x3, stacked."""

    def __init__(self, in_channels: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, 2 expand, H, W)."""
        x = self.relu(self.squeeze(x))
        return self.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], 1))  # type: ignore[no-any-return]


class SqueezeNet(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), none below 0; H and W at least 32."""

    heads = ("classifier.1",)

    def __init__(self, row: Row, classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        channels, reach = row.width, 2
        first = nn.Conv2d(in_channels, channels, row.kernel, 2)
        pieces: dict[str, list[nn.Module]] = {"stem": [first, nn.ReLU(inplace=True)]}
        ends = [(channels, reach)]
        for number, fires in enumerate(row.fires, 1):
            piece: list[nn.Module] = [nn.MaxPool2d(3, 2, ceil_mode=True)]
            for squeeze, expand in fires:
                piece.append(Fire(channels, squeeze, expand))
                channels = 2 * expand
            reach *= 2
            pieces[f"stage{number}"] = piece
            ends.append((channels, reach))
        self.features = Trunk(pieces)
        final = nn.Conv2d(channels, check_classes(classes), 1)
        self.classifier = nn.Sequential(
            nn.Dropout(0.5), final, nn.ReLU(inplace=True), GlobalAveragePool()
        )
        self.stages = self.features.stages_under("features", ends)
        self.stages["head"] = Stage(("classifier",), classes, 0)
        init.he(self)
        # As in the authors' files: without a norm, He's rule would begin far from even chances.
        nn.init.normal_(final.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        return self.classifier(last(self.features(x)))  # type: ignore[no-any-return]


NETS = {name: partial(SqueezeNet, row) for name, row in ROWS.items()}
