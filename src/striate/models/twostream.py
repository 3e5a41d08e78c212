"""Two-Stream Convolutional Networks for Action Recognition in Videos. Simonyan, Zisserman 2014.

https://arxiv.org/abs/1406.2199. The idea: one network looks at a picture, another at the motion
around it (the optical flow of ten pairs of frames, two channels each), and their class
probabilities are averaged: late fusion. Early fusion, for comparison, is one such network over the
channels of both.

Each stream is the CNN-M-2048 of the paper's figure 1; the temporal one has no second
normalisation. Deviation: the maps are averaged to 6 x 6 before the first fully connected layer, so
that other sizes than 224, where nothing changes, can be looked at.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from striate.errors import unknown_name
from striate.layers import LocalResponseNorm, arguments, init
from striate.models.contract import ConvNet, Stage, check_classes, last

FUSIONS = ("late", "early")
LAYERS = {
    "conv1": (96, 4),
    "conv2": (256, 16),
    "conv3": (512, 16),
    "conv4": (512, 16),
    "conv5": (512, 32),
    "full6": (4096, 0),
    "full7": (2048, 0),
}
"""Channels and stride of each layer's map, after its norm and pooling."""


class CNNM2048(nn.Module):
    """(B, in_channels, H, W) -> scores (B, classes); H and W at least 59, published for 224."""

    def __init__(self, classes: int, in_channels: int, *, second_norm: bool) -> None:
        super().__init__()
        second = [LocalResponseNorm()] if second_norm else []
        self.conv1 = nn.Sequential(
            nn.Conv2d(in_channels, 96, 7, 2), nn.ReLU(), LocalResponseNorm(), nn.MaxPool2d(2)
        )
        self.conv2 = nn.Sequential(nn.Conv2d(96, 256, 5, 2, 1), nn.ReLU(), *second, nn.MaxPool2d(2))
        self.conv3 = nn.Sequential(nn.Conv2d(256, 512, 3, 1, 1), nn.ReLU())
        self.conv4 = nn.Sequential(nn.Conv2d(512, 512, 3, 1, 1), nn.ReLU())
        self.conv5 = nn.Sequential(nn.Conv2d(512, 512, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2))
        self.full6 = nn.Sequential(
            nn.AdaptiveAvgPool2d(6),
            nn.Flatten(),
            nn.Linear(512 * 36, 4096),
            nn.ReLU(),
            nn.Dropout(),
        )
        self.full7 = nn.Sequential(nn.Linear(4096, 2048), nn.ReLU(), nn.Dropout())
        self.fc = nn.Linear(2048, classes)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, H, W) -> maps `conv1` ... `conv5`, vectors `full6` and `full7`."""
        maps = {}
        for name in LAYERS:
            x = maps[name] = self.get_submodule(name)(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> scores (B, classes)."""
        return self.fc(last(self.features(x)))  # type: ignore[no-any-return]


class TwoStream(ConvNet):
    """Pictures (B, in_channels, H, W) and flow (B, flow_channels, H, W) -> logits (B, classes).

    `fusion="late"`: the logits are log((softmax(spatial) + softmax(temporal)) / 2), whose softmax
    is the paper's average. `fusion="early"`: one network over the channels of both.
    `flow_channels=1` takes a depth map.
    """

    def __init__(
        self,
        classes: int = 101,
        in_channels: int = 3,
        *,
        flow_channels: int = 20,
        fusion: str = "late",
    ) -> None:
        super().__init__()
        if fusion not in FUSIONS:
            raise unknown_name("fusion", fusion, FUSIONS)
        check_classes(classes)
        arguments.whole("in_channels", in_channels)
        arguments.whole("flow_channels", flow_channels)
        if fusion == "early":
            both = in_channels + flow_channels
            streams = {"joint": CNNM2048(classes, both, second_norm=True)}
        else:
            streams = {
                "spatial": CNNM2048(classes, in_channels, second_norm=True),
                "temporal": CNNM2048(classes, flow_channels, second_norm=False),
            }
        self.streams = nn.ModuleDict(streams)
        self.heads = tuple(f"streams.{stream}.fc" for stream in streams)
        self.stages = {
            f"{stream}_{name}": Stage((f"streams.{stream}.{name}",), channels, stride)
            for stream in streams
            for name, (channels, stride) in LAYERS.items()
        }
        self.stages["head"] = Stage(self.heads, classes, 0)
        init.he(self)

    def features(self, pictures: Tensor, flow: Tensor) -> dict[str, Tensor]:
        """Pictures and flow -> `spatial_conv1` ... `temporal_full7`, or `joint_conv1` ..."""
        maps: dict[str, Tensor] = {}
        for name, x in self._inputs(pictures, flow).items():
            stream = self.streams[name]
            assert isinstance(stream, CNNM2048)
            maps |= {f"{name}_{layer}": y for layer, y in stream.features(x).items()}
        return maps

    def forward(self, pictures: Tensor, flow: Tensor) -> Tensor:
        """Pictures and flow -> logits (B, classes)."""
        inputs = self._inputs(pictures, flow)
        scores = [self.streams[stream](x) for stream, x in inputs.items()]
        return scores[0] if len(scores) == 1 else log_mean(scores)

    def _inputs(self, pictures: Tensor, flow: Tensor) -> dict[str, Tensor]:
        if "joint" in self.streams:
            return {"joint": torch.cat([pictures, flow], 1)}
        return {"spatial": pictures, "temporal": flow}


def log_mean(scores: list[Tensor]) -> Tensor:
    """Several (B, classes) -> (B, classes): the logarithm of the mean of their softmaxes."""
    logs = torch.stack([score.log_softmax(1) for score in scores])
    return logs.logsumexp(0) - math.log(len(scores))


NETS = {"twostream": TwoStream}
