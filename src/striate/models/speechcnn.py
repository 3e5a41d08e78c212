"""Convolutional Neural Networks for Small-footprint Keyword Spotting. Sainath, Parada 2015.

https://doi.org/10.21437/Interspeech.2015-352. The idea: a spoken word is an image, time along one
axis and pitch along the other, and a word is the same word a little later or a little higher.

Deviation: the paper's own trunk (two wide convolutions and linear layers) was soon passed by small
residual networks of equal size, which also take clips of any length: Tang, Lin, "Deep Residual
Learning for Small-footprint Keyword Spotting", 2018 (https://arxiv.org/abs/1710.10361). So this
trunk is residual: 3x3 filters, 32, 64 and 128 maps, a tenth of a second a column at the end. The
default twelve classes are the task of both papers' successors: ten words, silence and the rest.

The front is part of the network: it takes samples, and no saved model can meet another spectrum
than it was trained on.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import ConvNormAct, GlobalAveragePool, ProjectionShortcut, Residual, arguments
from striate.models.contract import ConvNet, Stage, check_classes, last

BANDS = 40
FLOOR = 1e-6
"""Added to the power before the logarithm, so that silence is finite."""
WIDTHS = (32, 64, 128)


class LogMel(nn.Module):
    """Samples (B, C, L) -> (B, C, 40, T), the log power in 40 bands of pitch in every frame.

    T = (L - window) // hop + 1 whole frames of 25 ms, 10 ms apart, under a Hann window; the power
    of their DFT of 512 points (more where a frame is longer); triangles as `mel_filters` says; then
    log(power + 1e-6). The DFT is a convolution with windowed cosines and sines, which exports
    anywhere, as complex numbers do not.
    """

    dft: Tensor
    mel: Tensor

    def __init__(self, rate: int = 16_000) -> None:
        super().__init__()
        # A frame must hold more than one sample, and neighbours must be at least one apart.
        self.window = round(arguments.whole("rate", rate, 1000) * 0.025)
        self.hop = round(rate * 0.010)
        points = max(512, 2 ** math.ceil(math.log2(self.window)))
        self.register_buffer("dft", windowed_dft(self.window, points))
        self.register_buffer("mel", mel_filters(points, rate))

    def forward(self, samples: Tensor) -> Tensor:
        """(B, C, L) -> (B, C, 40, T)."""
        batch, channels, length = samples.shape
        if length < self.window:
            raise ArgumentError("samples", length, f"at least {self.window} samples, one frame")
        clips = samples.reshape(batch * channels, 1, length)
        real, imaginary = F.conv1d(clips, self.dft, stride=self.hop).chunk(2, 1)
        power = real.square() + imaginary.square()
        bands: Tensor = torch.log(self.mel @ power + FLOOR)
        return bands.reshape(batch, channels, *bands.shape[1:])


class SpeechCNN(ConvNet):
    """Samples (B, L), or (B, in_channels, L) of several microphones -> logits (B, classes).

    Samples lie in -1 to 1 at `rate` a second; L is at least 25 ms of them. Every band is
    normalised over the training clips by a batch norm.
    """

    heads = ("fc",)

    def __init__(self, classes: int = 12, in_channels: int = 1, *, rate: int = 16_000) -> None:
        super().__init__()
        self.in_channels = arguments.whole("in_channels", in_channels)
        self.front = LogMel(rate)
        self.norm = nn.BatchNorm1d(in_channels * BANDS)
        self.stem = ConvNormAct(in_channels, WIDTHS[0], stride=2)
        self.stages = {
            "logmel": Stage(("front", "norm"), in_channels * BANDS, self.front.hop),
            "stem": Stage(("stem",), WIDTHS[0], 2 * self.front.hop),
        }
        channels, reach = WIDTHS[0], 2 * self.front.hop
        for number, width in enumerate(WIDTHS, 1):
            stride = 1 if number == 1 else 2
            self.add_module(f"block{number}", _block(channels, width, stride))
            channels, reach = width, reach * stride
            self.stages[f"block{number}"] = Stage((f"block{number}",), width, reach)
        self.pool = GlobalAveragePool()
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(channels, check_classes(classes))
        self.stages["head"] = Stage(("fc",), classes, 0)

    def features(self, samples: Tensor) -> dict[str, Tensor]:
        """Samples -> `logmel` (B, 40 in_channels, T), `stem`, `block1` to `block3`."""
        spectrum = self.front(self._clips(samples))
        maps = {"logmel": self.norm(spectrum.flatten(1, 2))}
        x = maps["logmel"].unflatten(1, (self.in_channels, BANDS))
        for name in list(self.stages)[1:-1]:
            x = maps[name] = self.get_submodule(name)(x)
        return maps

    def forward(self, samples: Tensor) -> Tensor:
        """Samples (B, L) or (B, in_channels, L) -> logits (B, classes)."""
        pooled = self.pool(last(self.features(samples)))
        return self.fc(self.dropout(pooled))  # type: ignore[no-any-return]

    def _clips(self, samples: Tensor) -> Tensor:
        clips = samples.unsqueeze(1) if samples.ndim == 2 else samples
        if clips.ndim != 3 or clips.shape[1] != self.in_channels:
            one = " or (clips, samples)" if self.in_channels == 1 else ""
            expected = f"(clips, {self.in_channels}, samples){one}"
            raise ArgumentError("samples", tuple(samples.shape), expected)
        return clips


def windowed_dft(window: int, points: int) -> Tensor:
    """(2 (points / 2 + 1), 1, window): rows hann * cos(2 pi k n / points), then -hann * sin.

    The Hann window is periodic: 0.5 - 0.5 cos(2 pi n / window).
    """
    n = torch.arange(window, dtype=torch.float64)
    hann = 0.5 - 0.5 * torch.cos(2 * math.pi * n / window)
    k = torch.arange(points // 2 + 1, dtype=torch.float64)
    angle = 2 * math.pi / points * k[:, None] * n
    rows = torch.cat([hann * torch.cos(angle), -hann * torch.sin(angle)])
    return rows[:, None].to(torch.get_default_dtype())


def mel_filters(points: int, rate: int) -> Tensor:
    """(40, points / 2 + 1): triangles of height 1 from 0 Hz to rate / 2, equally wide in mel.

    mel(f) = 2595 log10(1 + f / 700), the formula of HTK. Each triangle rises from its left
    neighbour's peak to its own and falls to the right neighbour's, straight in Hz, and is read at
    the frequencies k rate / points.
    """
    top = 2595 * math.log10(1 + rate / 2 / 700)
    mels = torch.linspace(0, top, BANDS + 2, dtype=torch.float64)
    edges = (700 * (10 ** (mels / 2595) - 1))[:, None]
    hertz = torch.arange(points // 2 + 1, dtype=torch.float64) * rate / points
    left, peak, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (hertz - left) / (peak - left), (right - hertz) / (right - peak)
    return torch.minimum(rising, falling).clamp(min=0).to(torch.get_default_dtype())


def _block(channels: int, width: int, stride: int) -> Residual:
    """(B, channels, H, W) -> (B, width, H / stride, W / stride): two 3x3 and the shortcut."""
    branch = nn.Sequential(
        ConvNormAct(channels, width, stride=stride), ConvNormAct(width, width, act=None)
    )
    same = stride == 1 and channels == width
    return Residual(
        branch, None if same else ProjectionShortcut(channels, width, stride), nn.ReLU()
    )


NETS = {"speechcnn": SpeechCNN}
