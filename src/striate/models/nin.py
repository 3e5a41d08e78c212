"""Network In Network. Lin, Chen, Yan, ICLR 2014, https://arxiv.org/abs/1312.4400.

The idea: at each position a small network of 1x1 convolutions takes the place of a single filter,
and the mean over each of the last maps is a class's score, so that no dense layer can overfit.

The paper gives no widths; these are of the authors' published configurations (CIFAR-10, and the
ImageNet model of Caffe's zoo). As there, poolings round up, the CIFAR net's second pooling is an
average where the paper's text has a maximum, and a ReLU follows every convolution, the last too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from striate.layers import init
from striate.models.contract import ConvNet, Stage, Trunk, check_classes, last


@dataclass(frozen=True, slots=True)
class Row:
    """One network in the network: a k x k convolution, 1x1 convolutions, and what ends it."""

    filters: int
    kernel: int
    stride: int
    padding: int
    widths: tuple[int, ...]
    """Of its 1x1 convolutions. The last block's last is the classes, so it isn't listed."""
    pool: type[nn.MaxPool2d] | type[nn.AvgPool2d] | None = None
    dropout: bool = False


CIFAR = (
    Row(192, 5, 1, 2, (160, 96), nn.MaxPool2d, dropout=True),
    Row(192, 5, 1, 2, (192, 192), nn.AvgPool2d, dropout=True),
    Row(192, 3, 1, 1, (192,)),
)
IMAGENET = (
    Row(96, 11, 4, 0, (96, 96), nn.MaxPool2d),
    Row(256, 5, 1, 2, (256, 256), nn.MaxPool2d),
    Row(384, 3, 1, 1, (384, 384), nn.MaxPool2d, dropout=True),
    Row(1024, 3, 1, 1, (1024,)),
)


class NiN(ConvNet):
    """(B, in_channels, H, W) -> logits (B, classes), which a last ReLU keeps at 0 or more."""

    heads = ("classifier.0",)

    def __init__(self, rows: tuple[Row, ...], classes: int, in_channels: int = 3) -> None:
        super().__init__()
        pieces, ends = {}, []
        channels, reach = in_channels, 1
        for number, row in enumerate(rows, 1):
            pieces[f"block{number}"] = _layers(row, channels)
            channels, reach = row.widths[-1], reach * row.stride * (2 if row.pool else 1)
            ends.append((channels, reach))
        self.features = Trunk(pieces)
        self.classifier = nn.Sequential(
            nn.Conv2d(channels, check_classes(classes), 1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.stages = self.features.stages_under("features", ends)
        self.stages["head"] = Stage(("classifier",), classes, 0)
        init.he(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, classes)."""
        return self.classifier(last(self.features(x)))  # type: ignore[no-any-return]


def _layers(row: Row, in_channels: int) -> list[nn.Module]:
    first = nn.Conv2d(in_channels, row.filters, row.kernel, row.stride, row.padding)
    layers: list[nn.Module] = [first, nn.ReLU(inplace=True)]
    channels = row.filters
    for width in row.widths:
        layers += [nn.Conv2d(channels, width, 1), nn.ReLU(inplace=True)]
        channels = width
    if row.pool is not None:
        layers.append(row.pool(3, 2, ceil_mode=True))
    if row.dropout:
        layers.append(nn.Dropout(0.5))
    return layers


NETS = {
    "nin_cifar": partial(NiN, CIFAR, classes=10),
    "nin_imagenet": partial(NiN, IMAGENET, classes=1000),
}
