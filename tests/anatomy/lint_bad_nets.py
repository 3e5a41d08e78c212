"""Nets with one thing wrong each: what `lint` must say about them, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Build = Callable[[], nn.Module]


@dataclass(frozen=True)
class Bad:
    """A net, the sample it is given, and the one rule that must fire."""

    name: str
    build: Build
    input_shape: tuple[int, ...]
    rule: str
    level: str
    layer: str
    says: tuple[str, ...]  # real numbers that the reason or the mend must name
    loss: str | None = None


def conv(cin: int, cout: int, k: int = 3, **options) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(cin, cout, k, **options), nn.ReLU())


def head(channels: int, classes: int = 10) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def deep_without_padding() -> nn.Module:
    # 30 -> 28 -> 14 -> 12 -> 6 -> 4 -> 2, and then a 3x3 on 2x2
    return nn.Sequential(
        conv(1, 8), nn.MaxPool2d(2), conv(8, 8), nn.MaxPool2d(2), conv(8, 8), conv(8, 8),
        conv(8, 16), head(16),
    )  # fmt: skip


class FunctionalPools(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
        self.out = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.one(x)), 8)
        x = F.max_pool2d(F.relu(self.two(x)), 4)
        return self.out(x.flatten(1))


class UNet(nn.Module):
    def __init__(self, depth: int = 3, join: str = "cat"):
        super().__init__()
        widths = [8 * 2**i for i in range(depth + 1)]
        self.join = join
        self.first = conv(1, widths[0], padding=1)
        self.down = nn.ModuleList(conv(a, b, padding=1) for a, b in pairwise(widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in pairwise(widths))
        self.back = nn.ModuleList(
            conv(2 * a if join == "cat" else a, a, padding=1) for a in widths[:-1]
        )
        self.out = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(F.max_pool2d(x, 2))
        for up, back, skip in zip(
            reversed(self.up), reversed(self.back), reversed(skips), strict=True
        ):
            x = up(x)
            x = back(torch.cat([x, skip], 1) if self.join == "cat" else x + skip)
        return self.out(x)


def autoencoder() -> nn.Module:
    # 28 -> 14 -> 7 -> 4 -> 8 -> 16 -> 32
    return nn.Sequential(
        conv(1, 8, stride=2, padding=1), conv(8, 8, stride=2, padding=1),
        conv(8, 8, stride=2, padding=1),
        nn.ConvTranspose2d(8, 8, 2, 2), nn.ReLU(), nn.ConvTranspose2d(8, 8, 2, 2), nn.ReLU(),
        nn.ConvTranspose2d(8, 1, 2, 2), nn.Sigmoid(),
    )  # fmt: skip


class Adaptive(nn.Module):
    """Its depth depends on the picture's numbers."""

    def __init__(self):
        super().__init__()
        self.step, self.out = conv(3, 3, padding=1), head(3)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(int(x.abs().mean().item() > 0.5)):
            x = self.step(x)
        return self.out(x)


class Refusing(nn.Module):
    """Its own check of the input fails, on real numbers too."""

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] % 7:
            raise RuntimeError("the width must be a multiple of 7")
        return x


class Spare(nn.Module):
    """One branch is built and never called."""

    def __init__(self):
        super().__init__()
        self.body = conv(3, 16, padding=1, stride=2)
        self.deeper = conv(16, 32, padding=1, stride=2)
        self.forgotten = nn.Sequential(conv(16, 32, padding=1), conv(32, 32, padding=1))
        self.out = head(32)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.deeper(self.body(x)))


def classifier(*layers: nn.Module, channels: int = 32, ends: tuple[nn.Module, ...] = ()):
    """16x16 pictures: two strided layers make a field of 15, `layers`, and a head."""
    return nn.Sequential(
        conv(3, 16, 7, stride=2, padding=3), conv(16, 32, 5, stride=2, padding=2), *layers,
        head(channels), *ends,
    )  # fmt: skip


def narrowing() -> nn.Module:
    return nn.Sequential(
        conv(3, 64, padding=1), nn.MaxPool2d(2), conv(64, 32, padding=1), nn.MaxPool2d(2),
        conv(32, 16, padding=1), nn.MaxPool2d(2), conv(16, 16, padding=1),
        nn.Flatten(), nn.Linear(16 * 4 * 4, 10),
    )  # fmt: skip


def imagenet_stem() -> nn.Module:
    layers = [conv(3, 16, 7, stride=2, padding=3), nn.MaxPool2d(3, 2, 1)]
    widths = [16, 32, 64, 128]
    for cin, cout in pairwise(widths):
        layers += [conv(cin, cout, stride=2, padding=1), conv(cout, cout, padding=1)]
    return nn.Sequential(*layers, head(128))


def fully_connected_head() -> nn.Module:
    return nn.Sequential(
        conv(3, 64, padding=1), nn.MaxPool2d(4), nn.Flatten(),
        nn.Linear(64 * 8 * 8, 512), nn.ReLU(), nn.Linear(512, 10),
    )  # fmt: skip


BAD = (
    Bad("deep without padding", deep_without_padding, (1, 30, 30), "shrinks-to-nothing", "error",
        "6.0", ("2x2", "3x3", "34x34")),
    Bad("pooled away", FunctionalPools, (1, 28, 28), "shrinks-to-nothing", "error",
        "(max_pool2d)", ("3x3", "4x4", "32x32")),
    Bad("too short a sound", lambda: nn.Sequential(nn.Conv1d(1, 8, 80, 4), nn.ReLU(),
        nn.MaxPool1d(2), nn.Conv1d(8, 8, 5)), (1, 100), "shrinks-to-nothing", "error",
        "3", ("at least 116",)),
    Bad("U-Net on 100", UNet, (1, 100, 100), "not-divisible", "error", "(cat)",
        ("100x100", "8", "104x104")),
    Bad("U-Net with sums on 36 x 40", lambda: UNet(join="add"), (1, 36, 40), "not-divisible",
        "error", "(add)", ("36x40", "8", "40x40")),
    Bad("autoencoder on 28", autoencoder, (1, 28, 28), "not-divisible", "warning", "",
        ("28x28", "8", "comes back as 32x32", "Feed 32x32")),
    Bad("instance norm on 1x1", lambda: nn.Sequential(conv(3, 8, 16, stride=16),
        nn.InstanceNorm2d(8, affine=True), nn.Flatten(), nn.Linear(8, 10)), (3, 16, 16),
        "dead-norm", "error", "1", ("8x1x1",)),
    Bad("group norm of one", lambda: nn.Sequential(conv(3, 8, 16, stride=16),
        nn.GroupNorm(8, 8), nn.Flatten(), nn.Linear(8, 10)), (3, 16, 16),
        "dead-norm", "error", "1", ("8x1x1",)),
    Bad("batch norm without memory", lambda: nn.Sequential(conv(3, 8, 16, stride=16),
        nn.BatchNorm2d(8, track_running_stats=False), nn.Flatten(), nn.Linear(8, 10)),
        (3, 16, 16), "dead-norm", "error", "1", ("8x1x1",)),
    Bad("layer norm of one", lambda: nn.Sequential(nn.Linear(4, 1), nn.LayerNorm(1)), (4,),
        "dead-norm", "error", "1", ()),
    Bad("wrong features", lambda: nn.Sequential(conv(1, 8), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(8 * 14 * 14, 10)), (1, 28, 28), "shape-error", "error", "3",
        ("1568", "1352")),
    Bad("wrong channels", lambda: nn.Sequential(conv(3, 8), conv(16, 8), head(8)), (3, 32, 32),
        "shape-error", "error", "1.0", ("16", "8")),
    Bad("its own check", lambda: nn.Sequential(conv(3, 8, padding=1), Refusing()), (3, 8, 8),
        "shape-error", "error", "1", ("RuntimeError", "multiple of 7")),
    Bad("depends on numbers", Adaptive, (3, 8, 8), "not-traced", "hint", "(item)", ("numbers",)),
    Bad("softmax of one", lambda: nn.Sequential(nn.Flatten(), nn.Linear(12, 1),
        nn.Softmax(dim=1)), (3, 2, 2), "softmax-of-one", "error", "2", ("axis 1",)),
    Bad("log-softmax over the batch", lambda: nn.Sequential(nn.Flatten(), nn.Linear(12, 5),
        nn.LogSoftmax(dim=0)), (3, 2, 2), "softmax-of-one", "error", "2", ("batch",)),
    Bad("stride over kernel", lambda: nn.Sequential(conv(3, 16, 3, stride=4, padding=1),
        conv(16, 32, 5, stride=2, padding=2), head(32)), (3, 17, 17),
        "stride-skips", "warning", "0.0", ("3 of every 4", "at most 3")),
    Bad("dilation meets stride", lambda: classifier(
        conv(32, 32, 3, stride=2, dilation=2, padding=2)), (3, 16, 16),
        "stride-skips", "warning", "2.0", ("1 of every 2",)),
    Bad("ImageNet stem on 32", imagenet_stem, (3, 32, 32), "field-too-large", "warning", "7.0",
        ("1x1", "8 of every 9", "64x64 pixels instead of 32x32")),
    Bad("dilation beyond the map", lambda: classifier(
        conv(32, 32, 3, dilation=12, padding=12)), (3, 16, 16),
        "field-too-large", "warning", "2.0", ("25x25", "4x4", "8 of every 9")),
    Bad("two linear layers", lambda: nn.Sequential(nn.Flatten(), nn.Linear(48, 64),
        nn.Dropout(0.5), nn.Linear(64, 10)), (3, 4, 4), "no-nonlinearity", "warning", "3",
        ("48 -> 10",)),
    Bad("conv, norm, conv", lambda: nn.Sequential(nn.Conv2d(3, 16, 5, 2, 2, bias=False),
        nn.BatchNorm2d(16), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), head(32)), (3, 12, 12),
        "no-nonlinearity", "warning", "2", ("5x5", "3x3")),
    Bad("filters fall", narrowing, (3, 32, 32), "filters-shrink", "warning", "6.0",
        ("64 -> 32 -> 16", "32x32", "4x4")),
    Bad("forgotten branch", Spare, (3, 8, 8), "unused-module", "warning", "forgotten",
        (f"{16 * 32 * 9 + 32 + 32 * 32 * 9 + 32:,}",)),
    Bad("softmax twice", lambda: classifier(ends=(nn.Softmax(dim=1),)), (3, 16, 16),
        "softmax-before-cross-entropy", "warning", "3", ("10 classes", "1.46", "2.30"),
        "cross-entropy"),
    Bad("softmax, loss unsaid", lambda: classifier(ends=(nn.Softmax(dim=1),)), (3, 16, 16),
        "softmax-before-cross-entropy", "hint", "3", ("1.46",)),
    Bad("sigmoid and cross-entropy", lambda: classifier(ends=(nn.Sigmoid(),)), (3, 16, 16),
        "softmax-before-cross-entropy", "warning", "3", ("1.46",), "cross-entropy"),
    Bad("ReLU at the end", lambda: classifier(ends=(nn.ReLU(),)), (3, 16, 16),
        "relu-before-logits", "warning", "3", ("10 outputs",), "cross-entropy"),
    Bad("ReLU at the end, loss unsaid", lambda: classifier(ends=(nn.ReLU(),)), (3, 16, 16),
        "relu-before-logits", "hint", "3", ("10 outputs",)),
    Bad("AlexNet's stem without padding", lambda: nn.Sequential(conv(3, 16, 11, stride=4),
        nn.Flatten(), nn.Linear(16 * 54 * 54, 10)), (3, 224, 224), "not-whole", "hint", "0.0",
        ("(224 - 11 + 0)/4 = 53.25", "padding=2", "223")),
    Bad("pooling an odd map", lambda: classifier(nn.MaxPool2d(2)), (3, 18, 18), "not-whole",
        "hint", "2", ("(5 - 2 + 0)/2 = 1.5", "ceil_mode")),
    Bad("even kernel", lambda: classifier(conv(32, 32, 4, padding=1)), (3, 16, 16),
        "even-kernel", "hint", "2.0", ("4x4", "3 or 5")),
    Bad("even kernel, same", lambda: classifier(conv(32, 32, 2, padding="same")), (3, 16, 16),
        "even-kernel", "hint", "2.0", ("2x2",)),
    Bad("patches that never meet", lambda: nn.Sequential(conv(3, 16, padding=1),
        conv(16, 16, padding=1), head(16)), (3, 64, 64), "field-too-small", "hint", "1.1",
        ("5x5 of 64x64",)),
    Bad("a policy that sees a corner", lambda: nn.Sequential(conv(48, 32, padding=1),
        conv(32, 32, padding=1), nn.Conv2d(32, 1, 1)), (48, 19, 19), "field-too-small", "hint",
        "2", ("5x5 of 19x19",)),
    Bad("9x9 in mid-net", lambda: classifier(conv(32, 32, 9, padding=4)), (3, 32, 32),
        "large-kernel", "hint", "2.0", ("82,944", "36,864", "4 3x3", "44%")),
    Bad("bias before batch norm", lambda: classifier(nn.Conv2d(32, 32, 3, padding=1),
        nn.BatchNorm2d(32), nn.ReLU()), (3, 16, 16), "useless-bias", "hint", "2", ("32 biases",)),
    Bad("bias before instance norm", lambda: classifier(nn.Conv2d(32, 32, 3, padding=1),
        nn.InstanceNorm2d(32), nn.ReLU()), (3, 16, 16), "useless-bias", "hint", "2", ("32",)),
    Bad("flatten into 2 million", fully_connected_head, (3, 32, 32), "huge-first-linear", "hint",
        "3", ("64x8x8 = 4096", "2,097,664", "33,280")),
    Bad("dropout before batch norm", lambda: classifier(nn.Dropout(0.5),
        nn.Conv2d(32, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU()),
        (3, 16, 16), "dropout-before-batchnorm", "hint", "2", ("p = 0.5", "2 times")),
)  # fmt: skip
