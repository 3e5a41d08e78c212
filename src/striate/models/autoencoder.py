"""Stacked Convolutional Auto-Encoders. Masci, Meier, Ciresan, Schmidhuber, ICANN 2011.

https://doi.org/10.1007/978-3-642-21735-7_7. The idea: a picture through a narrow code and back, so
that the code is what the picture is about.

Deviations: strided convolutions in place of pooling; two layers trained at once, not one after the
other; a vector as the code; and the way back enlarges by nearest neighbours before it convolves,
which leaves no checkerboard, as transposed convolutions do.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from striate.layers import arguments, init
from striate.models.contract import ConvNet, Stage, check_classes


class AutoEncoder(ConvNet):
    """(B, in_channels, size, size) -> the logits of its reconstruction (B, classes, size, size).

    `torch.sigmoid` makes the picture of them; train them with
    `nn.BCEWithLogitsLoss` against pixels in 0 to 1. `classes`, the channels that come out, are
    those that go in where none are given. `code` is how many numbers a picture becomes. Any `size`
    works, also an odd one.
    """

    heads = ("out",)

    def __init__(
        self,
        classes: int | None = None,
        in_channels: int = 1,
        *,
        size: int = 28,
        code: int = 32,
    ) -> None:
        super().__init__()
        arguments.whole("in_channels", in_channels)
        arguments.whole("code", code)
        half = (arguments.whole("size", size) + 1) // 2
        quarter = (half + 1) // 2
        channels = in_channels if classes is None else check_classes(classes)
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(in_channels, 32, 3, 2, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 2, 1)
        self.narrow = nn.Linear(64 * quarter * quarter, code)
        self.spread = nn.Linear(code, 64 * quarter * quarter)
        self.unfold = nn.Unflatten(1, (64, quarter, quarter))
        self.enlarge1 = nn.Upsample(size=(half, half))
        self.conv3 = nn.Conv2d(64, 32, 3, padding=1)
        self.enlarge2 = nn.Upsample(size=(size, size))
        self.out = nn.Conv2d(32, channels, 3, padding=1)
        self.stages = {
            "conv1": Stage(("conv1",), 32, 2),
            "conv2": Stage(("conv2",), 64, 4),
            "code": Stage(("narrow",), code, 0),
            "spread": Stage(("spread",), 64, 4),
            "conv3": Stage(("conv3",), 32, 2),
            "head": Stage(("out",), channels, 1),
        }
        init.he(self)

    def encode(self, x: Tensor) -> Tensor:
        """(B, in_channels, size, size) -> codes (B, code)."""
        return self._encoded(x)["code"]

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (B, code) -> logits of pictures (B, classes, size, size)."""
        return self._picture(self._decoded(codes))

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, size, size) -> maps `conv1`, `conv2`, `code`, `spread`, `conv3`."""
        maps = self._encoded(x)
        return maps | self._decoded(maps["code"])

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, size, size) -> logits (B, classes, size, size)."""
        return self._picture(self.features(x))

    def _encoded(self, x: Tensor) -> dict[str, Tensor]:
        maps = {"conv1": self.relu(self.conv1(x))}
        maps["conv2"] = self.relu(self.conv2(maps["conv1"]))
        return maps | {"code": self.narrow(torch.flatten(maps["conv2"], 1))}

    def _decoded(self, codes: Tensor) -> dict[str, Tensor]:
        spread = self.relu(self.unfold(self.spread(codes)))
        return {"spread": spread, "conv3": self.relu(self.conv3(self.enlarge1(spread)))}

    def _picture(self, maps: dict[str, Tensor]) -> Tensor:
        return self.out(self.enlarge2(maps["conv3"]))  # type: ignore[no-any-return]


NETS = {"autoencoder": AutoEncoder}
