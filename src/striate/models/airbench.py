"""94% on CIFAR-10 in 3.29 Seconds on a Single GPU. Jordan, 2024, https://arxiv.org/abs/2404.00498.

The idea: a short net whose every part was kept for the time it saves. Its first filters are not
learned: they are the principal components of the training pictures' 2x2 patches, scaled so that the
answers are uncorrelated and equally strong (each component with its negative). The other filters
begin by passing their input on, and a last pooling over all positions leaves one number a map.

One deviation: the norms' scales are learned like their biases; the paper fixes them at 1.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.layers import arguments
from striate.models.contract import ConvNet, Stage, check_classes, last

_PATCH = 2
_PATCHES = 5_000 * 31 * 31
_AT_ONCE = 16  # pictures, whose patches fit in memory at any usual size
_SCALE = 1 / 9
"""What the last layer's input is multiplied by, so that the logits start small."""


class Whiten(nn.Module):
    """(B, C, H, W) -> (B, 8 C, H - 1, W - 1): filters that `measure` sets, and a learned bias."""

    weight: Tensor

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        width = 2 * in_channels * _PATCH**2
        start = torch.randn(width, in_channels, _PATCH, _PATCH) / (in_channels * _PATCH**2) ** 0.5
        self.register_buffer("weight", start)
        self.bias = nn.Parameter(torch.zeros(width))

    @torch.no_grad()
    def measure(self, pictures: Iterator[Tensor]) -> None:
        """Batches (B, C, H, W): filters whose answers have the identity as covariance.

        As many are asked for as have the patches of 5,000 pictures of 32 pixels.
        """
        size = self.weight[0].numel()
        count, total, squares = 0, torch.zeros(size).double(), torch.zeros(size, size).double()
        while count < _PATCHES and (batch := next(pictures, None)) is not None:
            for few in batch.split(_AT_ONCE):
                patches = F.unfold(few.double(), _PATCH).movedim(1, -1).flatten(0, 1)
                count += len(patches)
                total += patches.sum(0)
                squares += patches.T @ patches
        if not count:
            return
        mean = total / count
        values, vectors = torch.linalg.eigh(squares / count - mean.outer(mean))
        filters = (vectors / (values + 5e-4).sqrt()).T.flip(0)
        self.weight.copy_(torch.cat((filters, -filters)).view_as(self.weight))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 8 C, H - 1, W - 1)."""
        return F.conv2d(x, self.weight, self.bias)


class AirBench(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes); the paper's maps are 64, 256 and 256."""

    heads = ("fc",)

    def __init__(self, classes: int = 10, in_channels: int = 3, *, width: int = 64) -> None:
        super().__init__()
        self.whiten = Whiten(arguments.whole("in_channels", in_channels))
        self.act = nn.GELU()
        channels = len(self.whiten.bias)
        self.stages = {"stem": Stage(("whiten",), channels, 1)}
        for number, wider in enumerate((1, 4, 4), 1):
            block = _block(channels, wider * arguments.whole("width", width))
            self.add_module(f"block{number}", block)
            channels = wider * width
            self.stages[f"block{number}"] = Stage((f"block{number}",), channels, 2**number)
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.fc = nn.Linear(channels, check_classes(classes), bias=False)
        self.stages["head"] = Stage(("fc",), classes, 0)

    def look_at(self, pictures: Iterator[Tensor]) -> None:
        """Take the first filters from the pictures' patches."""
        self.whiten.measure(pictures)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `stem`, `block1`, `block2`, `block3`."""
        x = self.act(self.whiten(x))
        maps = {"stem": x}
        for name in ("block1", "block2", "block3"):
            x = maps[name] = self.get_submodule(name)(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        pooled = self.pool(last(self.features(x))).flatten(1)
        logits: Tensor = self.fc(pooled * _SCALE)
        return logits


def _block(channels: int, width: int) -> nn.Sequential:
    """(B, channels, H, W) -> (B, width, H / 2, W / 2), rounded down."""
    return nn.Sequential(
        _identity(nn.Conv2d(channels, width, 3, padding=1, bias=False)),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(width, momentum=0.4),
        nn.GELU(),
        _identity(nn.Conv2d(width, width, 3, padding=1, bias=False)),
        nn.BatchNorm2d(width, momentum=0.4),
        nn.GELU(),
    )


def _identity(conv: nn.Conv2d) -> nn.Conv2d:
    """The first filters pass their channel on; those beyond the input's number stay random."""
    nn.init.dirac_(conv.weight[: conv.in_channels])
    return conv


NETS = {"airbench94": AirBench}
