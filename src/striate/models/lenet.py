"""Gradient-Based Learning Applied to Document Recognition. LeCun, Bottou, Bengio, Haffner,
Proc. IEEE 86(11), 1998, https://doi.org/10.1109/5.726791.

The idea: small filters shared by the whole image, each followed by a coarser grid, and everything
trained at once from pixels to answer by gradient descent.

`lenet5` is as published: the third layer's maps see only some of the second's, subsampling has a
coefficient and a bias, the squashing function is 1.7159 tanh(2a/3), and the answer is the distance
to a picture of each character. The pictures, 7x12 pixels for the ten digits, are drawn anew here;
the paper's are of the same size. Logits are minus the distances.

A digit of 28 pixels lies in a field of 32, so that a stroke's end may be in the middle of what the
deepest filters see. Pictures of 28 to 31 pixels get that margin here, of the colour of their edge.

`lenet5_modern` is what goes by the name today: all maps connected, maximum pooling, ReLU and a
linear output.
"""

from __future__ import annotations

import random

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from striate.layers import EuclideanRBF, ScaledTanh, Subsampling2d, TableConv2d, init
from striate.models.contract import ConvNet, Stage, check_classes, last

# Table I: the maps of S2 that each map of C3 sees. Three neighbours, four, two pairs, and all.
TABLE = (
    *[tuple((first + step) % 6 for step in range(3)) for first in range(6)],
    *[tuple((first + step) % 6 for step in range(4)) for first in range(6)],
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)

FIELD = 32
_LEAST = 28

# Ten digits side by side, 7 pixels wide and 12 tall each, with a blank between them.
BITMAPS = """
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
.#####. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
##...## ..###.. ##...## ##...## ...###. ##..... .##.... ##...## ##...## ##...##
##...## .####.. .....## .....## ..####. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## .##.##. ##..... ##..... ....##. ##...## ##...##
##...## ...##.. ....##. ..####. ##..##. ######. ######. ....##. .#####. ##...##
##...## ...##.. ...##.. .....## ##..##. .....## ##...## ...##.. ##...## .######
##...## ...##.. ..##... .....## ####### .....## ##...## ...##.. ##...## .....##
##...## ...##.. .##.... .....## ....##. .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... ##...## ....##. ##...## ##...## ..##... ##...## ....##.
.#####. .###### ####### .#####. ....##. .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
"""


def targets(classes: int) -> Tensor:
    """(classes, 84) of -1 and 1: the digits' bitmaps, and from the eleventh class on fixed random
    codes, the same in every network whatever its number of classes."""
    rows = [line.split() for line in BITMAPS.split("\n") if line]
    digits = [
        [1.0 if pixel == "#" else -1.0 for row in rows for pixel in row[n]] for n in range(10)
    ]
    for number in range(10, check_classes(classes)):
        draw = random.Random(f"class {number}")
        digits.append([draw.choice((-1.0, 1.0)) for _ in range(84)])
    return torch.tensor(digits[:classes])


class LeNet5(ConvNet):
    """(B, in_channels, 32, 32) -> logits (B, classes), none above 0; about -0.1 is background
    and 1.175 ink. 60,000 trainable parameters."""

    heads = ("output",)

    def __init__(self, classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(in_channels, 6, 5)
        self.s2 = Subsampling2d(6)
        self.c3 = TableConv2d(6, TABLE, 5)
        self.s4 = Subsampling2d(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output = EuclideanRBF(targets(classes))
        self.squash = ScaledTanh()
        self.stages = _stages(classes)
        init.lenet_1998(self)

    @property
    def num_features(self) -> int:
        """How many numbers the output compares with each class's picture."""
        return self.f6.out_features

    def reset_head(self, classes: int) -> None:
        """Pictures for `classes` classes, on the network's device and in its dtype."""
        self.output = EuclideanRBF(targets(classes).to(self.f6.weight))
        self.stages["head"] = self.stages["head"]._replace(channels=classes)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, 32, 32) -> maps `c1`, `s2`, `c3`, `s4`, `c5`."""
        x, maps = _in_field(x), {}
        for name in ("c1", "s2", "c3", "s4", "c5"):
            x = maps[name] = self.squash(self.get_submodule(name)(x))
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, 32, 32) -> logits (B, classes)."""
        code = self.squash(self.f6(torch.flatten(last(self.features(x)), 1)))
        return -self.output(code)  # type: ignore[no-any-return]


class LeNet5Modern(ConvNet):
    """(B, in_channels, 32, 32) -> logits (B, classes). 61,706 parameters.

    Pooling stands before the ReLU: max(relu(x)) = relu(max(x)), on a quarter of the pixels.
    """

    heads = ("output",)

    def __init__(self, classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(in_channels, 6, 5)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, check_classes(classes))
        self.pool = nn.MaxPool2d(2)
        self.relu = nn.ReLU(inplace=True)
        self.stages = {
            "c1": Stage(("c1",), 6, 2),
            "c3": Stage(("c3",), 16, 4),
            "c5": Stage(("c5",), 120, 4),
            "head": Stage(("f6", "output"), classes, 0),
        }
        init.he(self)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, 32, 32) -> maps `c1` and `c3`, pooled, and `c5`."""
        c1 = self.relu(self.pool(self.c1(_in_field(x))))
        c3 = self.relu(self.pool(self.c3(c1)))
        return {"c1": c1, "c3": c3, "c5": self.relu(self.c5(c3))}

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, 32, 32) -> logits (B, classes)."""
        code = self.relu(self.f6(torch.flatten(last(self.features(x)), 1)))
        return self.output(code)  # type: ignore[no-any-return]


def _in_field(x: Tensor) -> Tensor:
    """(B, C, 28..32, 28..32) -> (B, C, 32, 32), with a margin that goes on as the edge is."""
    height, width = x.shape[2:]
    down, across = FIELD - height, FIELD - width
    if (down, across) == (0, 0) or min(height, width) < _LEAST or max(height, width) > FIELD:
        return x  # the layers refuse what is too small or too large, with the sizes
    margin = (across // 2, across - across // 2, down // 2, down - down // 2)
    return F.pad(x, margin, mode="replicate")


def _stages(classes: int) -> dict[str, Stage]:
    return {
        "c1": Stage(("c1",), 6, 1),
        "s2": Stage(("s2",), 6, 2),
        "c3": Stage(("c3",), 16, 2),
        "s4": Stage(("s4",), 16, 4),
        "c5": Stage(("c5",), 120, 4),
        "head": Stage(("f6", "output"), classes, 0),
    }


NETS = {"lenet5": LeNet5, "lenet5_modern": LeNet5Modern}
