"""Nets that look like a mistake, and are none: no rule may say anything of them."""

import torch
from lint_bad_nets import conv
from torch import nn


class Residual(nn.Module):
    """The sum reads the first convolution's output too."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        x = self.one(x)
        return x + self.norm(x) + self.two(x)


class InPlace(nn.Module):
    """ReLUs whose result is not taken, only their effect; and one layer called three times."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.one(x)
        self.relu(x)
        for _ in range(3):
            x = self.two(x)
            x.relu_()
        return {"pooled": x.amax((2, 3)), "map": [x]}


class StochasticDepth(nn.Module):
    """A block that training leaves out as a coin falls, decided on numbers."""

    def __init__(self):
        super().__init__()
        self.one, self.block = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        x = torch.tanh(self.one(x))
        if not self.training or torch.rand(1).item() > 0.5:
            x = x + self.block(x)
        return x


SILENT = {
    "a narrow middle": (
        lambda: nn.Sequential(
            conv(1, 32, stride=2, padding=1), conv(32, 8, stride=2, padding=1),
            conv(8, 8, padding=1), nn.ConvTranspose2d(8, 8, 2, 2), nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 2, 2),
        ),
        (1, 16, 16),
    ),
    "a large first linear layer beside a larger second": (
        lambda: nn.Sequential(
            conv(1, 16, padding=1), nn.Flatten(), nn.Linear(1024, 1024), nn.ReLU(),
            nn.Linear(1024, 2048), nn.ReLU(), nn.Linear(2048, 2),
        ),
        (1, 8, 8),
    ),
    "upsampled to another size": (
        lambda: nn.Sequential(
            conv(1, 4, 9, stride=8, padding=4), nn.Upsample(scale_factor=2)
        ),
        (1, 9, 9),
    ),
    "in place and shared": (InPlace, (3, 4, 4)),
    "stochastic depth": (StochasticDepth, (4,)),
    "lazy layers": (
        lambda: nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10)),
        (3, 6, 6),
    ),
    "words": (lambda: nn.Sequential(nn.Embedding(9, 8), nn.Flatten(), nn.Linear(40, 2)), (5,)),
    "bias read elsewhere": (Residual, (3, 5, 5)),
    "bias before group norm": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.Flatten()),
        (3, 3, 3),
    ),
    "DCGAN's 4x4 of stride 2": (
        lambda: nn.Sequential(conv(3, 8, 4, stride=2, padding=1), nn.Flatten()),
        (3, 8, 8),
    ),
    "1x1 of stride 2": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 1, 2), nn.Flatten()),
        (3, 9, 9),
    ),
    "patches": (lambda: nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.Flatten()), (3, 8, 8)),
    "wrapped padding": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 2, 5, padding=2, padding_mode="circular"), nn.Flatten()
        ),
        (1, 2, 2),
    ),
    "instance norm that keeps statistics": (
        lambda: nn.Sequential(
            nn.Linear(4, 8), nn.Unflatten(1, (8, 1, 1)),
            nn.InstanceNorm2d(8, track_running_stats=True),
        ),
        (4,),
    ),
    "dropout of zero": (
        lambda: nn.Sequential(
            nn.Dropout(0), nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(),
            nn.Linear(8, 2),
        ),
        (4,),
    ),
    "log-softmax, which cross-entropy leaves as it is": (
        lambda: nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(dim=1)),
        (4,),
    ),
    "rectified features": (
        lambda: nn.Sequential(conv(3, 8, 3, padding=1), conv(8, 8, 3, padding=1)),
        (3, 5, 5),
    ),
}  # fmt: skip
