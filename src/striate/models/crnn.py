"""Long-term Recurrent Convolutional Networks. Donahue, Hendricks, Guadarrama, et al., CVPR 2015.

https://arxiv.org/abs/1411.4389. The idea: a convolutional network sees each frame of a clip by
itself, a recurrent one (an LSTM of 256 units) remembers what it saw, and the clip's answer is the
mean over its frames of what the memory says after each.

Deviations: the trunk is a residual network, not CaffeNet, and the mean is of the scores before the
softmax.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from striate.errors import ArgumentError, unknown_name
from striate.layers import arguments
from striate.models.contract import ConvNet, Stage, check_classes, last
from striate.models.resnet import ROWS, ResNet


class CRNN(ConvNet):
    """Clips (B, T, in_channels, H, W) of any length T -> logits (B, classes), H and W at least 32.

    `trunk` is a row of the residual networks, `hidden` the units of the memory; `small` is the
    trunk's stem for frames of 32 pixels. The trunk's maps are (B, C, T, H', W'), the memory's is
    (B, hidden, T).
    """

    heads = ("fc",)

    def __init__(
        self,
        classes: int = 101,
        in_channels: int = 3,
        *,
        trunk: str = "resnet18",
        hidden: int = 256,
        small: bool = False,
    ) -> None:
        super().__init__()
        if trunk not in ROWS:
            raise unknown_name("trunk", trunk, ROWS)
        self.trunk = ResNet(ROWS[trunk], in_channels=in_channels, small=small)
        width = self.trunk.num_features
        del self.trunk.fc  # what a frame shows goes to the memory, not to classes
        self.lstm = nn.LSTM(width, arguments.whole("hidden", hidden), batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(hidden, check_classes(classes))
        self.stages = {
            name: stage.under("trunk")
            for name, stage in self.trunk.stages.items()
            if name != "head"
        }
        self.stages["memory"] = Stage(("lstm",), hidden, 1)
        self.stages["head"] = Stage(("fc",), classes, 0)

    def features(self, clips: Tensor) -> dict[str, Tensor]:
        """(B, T, in_channels, H, W) -> maps `stem`, `layer1` ... `layer4`, and `memory`."""
        if clips.ndim != 5:
            raise ArgumentError("clips", tuple(clips.shape), "(clips, frames, channels, H, W)")
        length = clips.shape[1]
        frames = self.trunk.features(clips.flatten(0, 1))
        seen = self.trunk.avgpool(last(frames)).flatten(1).unflatten(0, (-1, length))
        maps = {n: m.unflatten(0, (-1, length)).transpose(1, 2) for n, m in frames.items()}
        return maps | {"memory": self.lstm(seen)[0].transpose(1, 2)}

    def forward(self, clips: Tensor) -> Tensor:
        """(B, T, in_channels, H, W) -> logits (B, classes)."""
        memory = self.dropout(last(self.features(clips)).transpose(1, 2))
        return torch.mean(self.fc(memory), 1)


NETS = {"crnn": CRNN}
