"""Very Deep Convolutional Networks for Large-Scale Image Recognition. Simonyan, Zisserman,
ICLR 2015, https://arxiv.org/abs/1409.1556.

The idea: nothing but 3x3 filters, stacked deep. Two of them see 5x5 and three see 7x7, for fewer
weights and with more non-linearities.

`vgg11_lrn` is column A-LRN of table 1 and `vgg16_c` column C; the others are A, B, D and E, also
with batch norm after each convolution, which came after the paper. Two deviations, both
torchvision's: the paper starts deep nets from shallow trained ones, here all start from He's rule
(linear layers from a deviation of 0.01); and sizes other than 224 are averaged to 7x7 before the
first linear layer, which at 224 changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import Dropout, GlobalAveragePool, LocalResponseNorm, init
from striate.models.alexnet import dense_layers
from striate.models.contract import ConvNet, Stage, Trunk, check_classes, last

WIDTHS = (64, 128, 256, 512, 512)
"""Maps of the five blocks, in every column."""
ENDS = tuple(zip(WIDTHS, (2, 4, 8, 16, 32), strict=True))
"""Those maps and the stride behind each block, which ends in its pooling."""


@dataclass(frozen=True, slots=True)
class Row:
    """A column of the paper's table 1: how many convolutions each of the five blocks has."""

    depths: tuple[int, int, int, int, int]
    lrn: bool = False
    """Response normalisation after the very first convolution."""
    pointwise: bool = False
    """The third convolution of a block is 1x1."""
    batch_norm: bool = False


ROWS = {
    "vgg11": Row((1, 1, 2, 2, 2)),
    "vgg11_lrn": Row((1, 1, 2, 2, 2), lrn=True),
    "vgg13": Row((2, 2, 2, 2, 2)),
    "vgg16_c": Row((2, 2, 3, 3, 3), pointwise=True),
    "vgg16": Row((2, 2, 3, 3, 3)),
    "vgg19": Row((2, 2, 4, 4, 4)),
    "vgg11_bn": Row((1, 1, 2, 2, 2), batch_norm=True),
    "vgg13_bn": Row((2, 2, 2, 2, 2), batch_norm=True),
    "vgg16_bn": Row((2, 2, 3, 3, 3), batch_norm=True),
    "vgg19_bn": Row((2, 2, 4, 4, 4), batch_norm=True),
}


class VGG(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), H and W at least 32.

    `convolutional` makes the first two linear layers convolutions, 7x7 and 1x1, that slide over
    larger pictures, and averages what they leave; H and W are then at least 224, where it equals
    the ordinary net (`as_convolutions` reshapes that one's weights). `small` is the end for
    pictures of 32 pixels: average, and one linear layer.
    """

    def __init__(
        self,
        row: Row,
        classes: int = 1000,
        in_channels: int = 3,
        *,
        convolutional: bool = False,
        small: bool = False,
    ) -> None:
        super().__init__()
        if small and convolutional:
            raise ArgumentError("small", small, "one end: either small or convolutional")
        check_classes(classes)
        self.features = trunk(row, in_channels)
        self.avgpool: nn.Module
        if small:
            self.avgpool = GlobalAveragePool()
            self.classifier = nn.Sequential(nn.Linear(WIDTHS[-1], classes))
        elif convolutional:
            self.avgpool = nn.Identity()
            self.classifier = _convolutional_end(classes)
        else:
            self.avgpool = nn.Sequential(nn.AdaptiveAvgPool2d(7), nn.Flatten())
            self.classifier = dense_layers(WIDTHS[-1] * 7 * 7, classes)
        self.heads = ("classifier.0" if small else "classifier.6",)
        self.stages = self.features.stages_under("features", ENDS)
        self.stages["head"] = Stage(("classifier",), classes, 0)
        init.he_fan_out(self.features)
        start_dense(self.classifier)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        return self.classifier(self.avgpool(last(self.features(x))))  # type: ignore[no-any-return]


def trunk(row: Row, in_channels: int, *, padding: int = 1, ceil: bool = False) -> Trunk:
    """Blocks `block1` to `block5`, each ending in its pooling.

    `padding` is the first convolution's, `ceil` whether pooling keeps an odd last row and column:
    100 and True in the fully convolutional nets.
    """
    blocks: dict[str, list[nn.Module]] = {}
    for number, (width, depth) in enumerate(zip(WIDTHS, row.depths, strict=True), 1):
        block: list[nn.Module] = []
        for position in range(1, depth + 1):
            side = 1 if row.pointwise and position == 3 else 3
            block += _unit(row, nn.Conv2d(in_channels, width, side, 1, padding if side == 3 else 0))
            in_channels, padding = width, 1
        blocks[f"block{number}"] = [*block, nn.MaxPool2d(2, 2, ceil_mode=ceil)]
    if row.lrn:
        blocks["block1"].insert(2, LocalResponseNorm())
    return Trunk(blocks)


def convolutional_layers() -> list[nn.Module]:
    """(B, 512, H, W) -> (B, 4096, H - 6, W - 6): the hidden linear layers as convolutions."""
    return [
        nn.Conv2d(WIDTHS[-1], 4096, 7),
        nn.ReLU(inplace=True),
        Dropout(0.5),
        nn.Conv2d(4096, 4096, 1),
        nn.ReLU(inplace=True),
        Dropout(0.5),
    ]


def as_convolutions(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """An ordinary VGG's state dict -> that of `convolutional=True`.

    A linear layer on a flattened 512x7x7 map is a 7x7 convolution with the same numbers: row k of
    its matrix, seen as 512x7x7, is filter k. One on 4096 features is a 1x1 convolution.
    """
    shapes = {
        "classifier.0.weight": (-1, WIDTHS[-1], 7, 7),
        "classifier.3.weight": (-1, 4096, 1, 1),
    }
    return {
        key: value.reshape(shapes[key]) if key in shapes else value for key, value in state.items()
    }


@torch.no_grad()
def start_dense(layers: nn.Module) -> None:
    """The layers that are, or began as, linear ones: w ~ N(0, 0.01^2), biases 0."""
    for layer in layers.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.normal_(layer.weight, 0, 0.01)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _unit(row: Row, convolution: nn.Conv2d) -> list[nn.Module]:
    norm = [nn.BatchNorm2d(convolution.out_channels)] if row.batch_norm else []
    return [convolution, *norm, nn.ReLU(inplace=True)]


def _convolutional_end(classes: int) -> nn.Sequential:
    """(B, 512, H, W) -> logits (B, classes); the last layer keeps the ordinary net's name, 6."""
    end = nn.Sequential(*convolutional_layers())
    end.add_module("pool", GlobalAveragePool())
    end.add_module("6", nn.Linear(4096, classes))
    return end


NETS = {name: partial(VGG, row) for name, row in ROWS.items()}
