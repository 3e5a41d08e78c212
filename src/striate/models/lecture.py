"""The net of the lectures' Keras listing: two convolutions, two poolings, one dense layer.

The same listing is the Keras example "Simple MNIST convnet" (F. Chollet, 2015). The idea: alternate
local filters and pooling until what is left is small enough for one fully connected layer.
"""

from __future__ import annotations

from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import Dropout, arguments
from striate.models.contract import ConvNet, Stage, Trunk, check_classes, last


class LectureNet(ConvNet):
    """Logits `(B, classes)` from `(B, in_channels, size, size)`; 34,826 parameters on 28x28 grey.

    Pooling stands before the ReLU: max(relu(x)) = relu(max(x)), on a quarter of the pixels.
    """

    heads = ("fc",)

    def __init__(
        self, classes: int = 10, in_channels: int = 1, size: int = 28, *, dropout: float = 0.5
    ) -> None:
        super().__init__()
        side = ((size - 2) // 2 - 2) // 2
        if side < 1:
            raise ArgumentError("size", size, "at least 10 pixels, or the image shrinks to nothing")
        self.features = Trunk(
            {
                "conv1": [nn.Conv2d(in_channels, 32, 3), nn.MaxPool2d(2), nn.ReLU(inplace=True)],
                "conv2": [nn.Conv2d(32, 64, 3), nn.MaxPool2d(2), nn.ReLU(inplace=True)],
            }
        )
        self.dropout = Dropout(arguments.share("dropout", dropout))
        self.fc = nn.Linear(64 * side * side, check_classes(classes))
        self.stages = self.features.stages_under("features", [(32, 2), (64, 4)])
        self.stages["head"] = Stage(("fc",), classes, 0)

    def forward(self, images: Tensor) -> Tensor:
        """Images `(B, C, H, W)` to logits `(B, classes)`."""
        maps = last(self.features(images))
        # The channels of a place side by side, as in the listing: no copy of channels-last memory.
        return self.fc(self.dropout(maps.movedim(1, -1).flatten(1)))  # type: ignore[no-any-return]


NETS = {"lecture_net": LectureNet}
