"""The nets of the lectures' two Keras listings: convolutions and poolings, then one decision.

The first listing is the Keras example "Simple MNIST convnet" (F. Chollet, 2015). The idea:
alternate local filters and pooling until what is left is small enough for one fully connected
layer. The second replaces that layer by a 1x1 convolution, so that pictures may have any size: it
classifies at every place, and the answer is the mean of the places' probabilities.
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
            {"conv1": _convolve_and_pool(in_channels, 32), "conv2": _convolve_and_pool(32, 64)}
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


class LectureFcn(ConvNet):
    """Logits `(B, classes)` from `(B, in_channels, H, W)`, 18 pixels or more; 93,962 parameters.

    log sum_p softmax(a_p) over the places p: its softmax is the listing's mean of probabilities.
    """

    heads = ("score",)

    def __init__(self, classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        self.features = Trunk(
            {
                "conv1": _convolve_and_pool(in_channels, 32),
                "conv2": _convolve_and_pool(32, 64),
                "conv3": [nn.Conv2d(64, 128, 3), nn.ReLU(inplace=True)],
            }
        )
        self.score = nn.Conv2d(128, check_classes(classes), 1)
        self.stages = self.features.stages_under("features", [(32, 2), (64, 4), (128, 4)])
        self.stages["head"] = Stage(("score",), classes, 0)

    def forward(self, images: Tensor) -> Tensor:
        """Images `(B, C, H, W)` to logits `(B, classes)`."""
        answers: Tensor = self.score(last(self.features(images)))
        return answers.flatten(2).log_softmax(1).logsumexp(2)


def _convolve_and_pool(channels: int, width: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, width, 3), nn.MaxPool2d(2), nn.ReLU(inplace=True)]


NETS = {"lecture_net": LectureNet, "lecture_fcn": LectureFcn}
