"""A ConvNet for the 2020s. Liu, Mao, Wu, Feichtenhofer, Darrell, Xie, CVPR 2022.

https://arxiv.org/abs/2201.03545. The idea: a residual network modernised step by step, a 7x7
depthwise filter, then four times as many channels at each position, one norm and one activation a
block, until it equals the transformers of its size.

Deviations from the paper: none. Rates of stochastic depth are those of its ImageNet-1k training.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from striate.layers import LayerNorm2d, StochasticDepth
from striate.models.contract import ConvNet, Stage, Trunk, check_classes, last


@dataclass(frozen=True, slots=True)
class Row:
    """A line of section 3: channels and blocks of the four stages; the last block's drop rate."""

    channels: tuple[int, int, int, int]
    blocks: tuple[int, int, int, int]
    drop: float


ROWS = {
    "convnext_tiny": Row((96, 192, 384, 768), (3, 3, 9, 3), 0.1),
    "convnext_small": Row((96, 192, 384, 768), (3, 3, 27, 3), 0.4),
    "convnext_base": Row((128, 256, 512, 1024), (3, 3, 27, 3), 0.5),
    "convnext_large": Row((192, 384, 768, 1536), (3, 3, 27, 3), 0.5),
}


class Permute(nn.Module):
    """Its axes in another order: a view, nothing is copied."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        """Axis i of the answer is axis `axes[i]` of x."""
        return x.permute(self.axes)

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        return ", ".join(map(str, self.axes))


class Block(nn.Module):
    """(B, C, H, W) -> (B, C, H, W): x + drop(layer_scale * block(x)).

    `block` filters each map with 7x7, then at each position norm, C -> 4C, GELU, 4C -> C. Between
    the two permutations channels are the last axis. The sum leaves a map in channels_last order,
    in which both are free of copies and the next 7x7 filter is quickest.
    """

    def __init__(self, channels: int, rate: float) -> None:
        super().__init__()
        self.layer_scale = nn.Parameter(torch.full((channels, 1, 1), 1e-6))
        self.block = nn.Sequential(
            nn.Conv2d(channels, channels, 7, padding=3, groups=channels),
            Permute(0, 2, 3, 1),
            nn.LayerNorm(channels, eps=1e-6),
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Linear(4 * channels, channels),
            Permute(0, 3, 1, 2),
        )
        self.stochastic_depth = StochasticDepth(rate)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return x + self.stochastic_depth(self.layer_scale * self.block(x))  # type: ignore[no-any-return]


class ConvNeXt(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 32."""

    heads = ("classifier.2",)

    def __init__(self, row: Row, classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        first, width = row.channels[0], row.channels[-1]
        stem = nn.Sequential(nn.Conv2d(in_channels, first, 4, 4), LayerNorm2d(first))
        pieces: dict[str, list[nn.Module]] = {"stem": [stem]}
        total = sum(row.blocks)
        rates = (row.drop * number / (total - 1) for number in range(total))
        before = first
        for number, (channels, depth) in enumerate(zip(row.channels, row.blocks, strict=True), 1):
            down = nn.Sequential(LayerNorm2d(before), nn.Conv2d(before, channels, 2, 2))
            blocks = nn.Sequential(*(Block(channels, next(rates)) for _ in range(depth)))
            pieces[f"stage{number}"] = [blocks] if number == 1 else [down, blocks]
            before = channels
        self.features = Trunk(pieces)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            LayerNorm2d(width), nn.Flatten(1), nn.Linear(width, check_classes(classes))
        )
        ends = zip((first, *row.channels), (4, 4, 8, 16, 32), strict=True)
        self.stages = self.features.stages_under("features", ends)
        self.stages["head"] = Stage(("classifier",), classes, 0)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        return self.classifier(self.avgpool(last(self.features(x))))  # type: ignore[no-any-return]


def _initialise(net: nn.Module) -> None:
    """Truncated normal weights of deviation 0.02, biases 0: the paper's table 5."""
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


NETS = {name: partial(ConvNeXt, row) for name, row in ROWS.items()}
