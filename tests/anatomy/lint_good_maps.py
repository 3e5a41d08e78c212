"""Good nets that answer with maps or read sequences: segmentation, detection, text, sound."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from lint_good_parts import cbr, cr
from lint_good_residual import basic
from torch import Tensor, nn

# -- dense prediction, localisation ---------------------------------------------------------------


class FCN(nn.Module):
    """FCN-16s over a VGG-like trunk: fc6 as a 7x7 convolution, maps summed, output cropped."""

    def __init__(self):
        super().__init__()
        widths = (3, 16, 32, 64, 64, 64)
        self.stages = nn.ModuleList(
            nn.Sequential(cr(a, b, 3, 1, 1), cr(b, b, 3, 1, 1), nn.MaxPool2d(2, ceil_mode=True))
            for a, b in pairwise(widths)
        )
        self.fc = nn.Sequential(
            cr(64, 256, 7, 1, 3), nn.Dropout2d(), cr(256, 256, 1), nn.Dropout2d()
        )
        self.score, self.score4 = nn.Conv2d(256, 21, 1), nn.Conv2d(64, 21, 1)
        self.up2 = nn.ConvTranspose2d(21, 21, 4, 2, bias=False)
        self.up16 = nn.ConvTranspose2d(21, 21, 32, 16, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        high, wide = x.shape[2:]
        for stage in self.stages[:4]:
            x = stage(x)
        four = x
        x = self.up2(self.score(self.fc(self.stages[4](x))))
        x = x[:, :, : four.shape[2], : four.shape[3]] + self.score4(four)
        return self.up16(x)[:, :, :high, :wide]


class ValidUNet(nn.Module):
    """The 2015 paper's: unpadded, 572 in, 388 out, skips cropped."""

    def __init__(self):
        super().__init__()
        widths = (1, 8, 16, 32, 64, 128)
        double = lambda a, b: nn.Sequential(cr(a, b), cr(b, b))  # noqa: E731
        self.down = nn.ModuleList(double(a, b) for a, b in pairwise(widths))
        pairs = list(zip(widths[5:1:-1], widths[4:0:-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in pairs)
        self.back = nn.ModuleList(double(a, b) for a, b in pairs)
        self.out = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for place, stage in enumerate(self.down):
            x = stage(F.max_pool2d(x, 2) if place else x)
            skips.append(x)
        for up, back, skip in zip(self.up, self.back, skips[-2::-1], strict=True):
            x = up(x)
            cut = (skip.shape[2] - x.shape[2]) // 2
            x = back(torch.cat([skip[:, :, cut : cut + x.shape[2], cut : cut + x.shape[3]], x], 1))
        return self.out(x)


class PaddedUNet(nn.Module):
    """Two levels, 'same' padding, bilinear upsampling to the skip's size."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = cbr(3, 16), cbr(16, 32), cbr(32, 64)
        self.back2, self.back1, self.out = cbr(96, 32), cbr(48, 16), nn.Conv2d(16, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        one = self.one(x)
        two = self.two(F.max_pool2d(one, 2))
        three = self.three(F.max_pool2d(two, 2))
        up = F.interpolate(three, size=two.shape[2:], mode="bilinear")
        two = self.back2(torch.cat([up, two], 1))
        up = F.interpolate(two, size=one.shape[2:], mode="bilinear")
        return self.out(self.back1(torch.cat([up, one], 1)))


class PyramidBackbone(nn.Module):
    """A detector's trunk: lateral 1x1, nearest upsampling, 3x3 after each sum, a strided pool."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(cbr(3, 16, 7, 2), nn.MaxPool2d(3, 2, 1))
        self.two, self.three, self.four = basic(16, 16), basic(16, 32, 2), basic(32, 64, 2)
        self.lateral = nn.ModuleList(nn.Conv2d(c, 24, 1) for c in (16, 32, 64))
        self.smooth = nn.ModuleList(nn.Conv2d(24, 24, 3, padding=1) for _ in range(3))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        two = self.two(self.stem(x))
        three = self.three(two)
        four = self.four(three)
        tops = [self.lateral[2](four)]
        for lateral, level in ((self.lateral[1], three), (self.lateral[0], two)):
            up = F.interpolate(tops[0], size=level.shape[-2:], mode="nearest")
            tops.insert(0, lateral(level) + up)
        maps = {str(i): smooth(top) for i, (smooth, top) in enumerate(
            zip(self.smooth, tops, strict=True))}  # fmt: skip
        return maps | {"pool": F.max_pool2d(maps["2"], 1, 2)}


def autoencoder():
    return nn.Sequential(
        cr(1, 16, 3, 2, 1), cr(16, 8, 3, 2, 1),
        nn.ConvTranspose2d(8, 16, 3, 2, 1, 1), nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 3, 2, 1, 1), nn.Sigmoid(),
    )  # fmt: skip


def alphago(width=128):
    layers = [nn.ZeroPad2d(2), cr(48, width, 5)]
    layers += [cr(width, width, 3, 1, 1) for _ in range(11)]
    return nn.Sequential(*layers, nn.Conv2d(width, 1, 1), nn.Flatten())


# -- sequences ------------------------------------------------------------------------------------


class TextCNN(nn.Module):
    """Kim 2014: filters of 3, 4, 5 words, the largest answer of each, dropout, linear."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(1000, 300)
        self.filters = nn.ModuleList(nn.Conv2d(1, 100, (k, 300)) for k in (3, 4, 5))
        self.out = nn.Sequential(nn.Dropout(0.5), nn.Linear(300, 2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.words(x).unsqueeze(1)
        found = [F.relu(f(x)).squeeze(3) for f in self.filters]
        return self.out(torch.cat([F.max_pool1d(y, y.shape[2]).squeeze(2) for y in found], 1))


class WaveNet(nn.Module):
    """Causal, dilated, gated, with residual and skip sums."""

    def __init__(self, width=32, depth=6):
        super().__init__()
        self.first = nn.Conv1d(1, width, 2)
        self.filters = nn.ModuleList(
            nn.Conv1d(width, width, 2, dilation=2**i) for i in range(depth)
        )
        self.gates = nn.ModuleList(nn.Conv1d(width, width, 2, dilation=2**i) for i in range(depth))
        self.residual = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in range(depth))
        self.out = nn.Sequential(nn.ReLU(), nn.Conv1d(width, width, 1), nn.ReLU(),
                                 nn.Conv1d(width, 256, 1))  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        x, skips = self.first(F.pad(x, (1, 0))), 0
        for i, (f, g, r) in enumerate(zip(self.filters, self.gates, self.residual, strict=True)):
            late = F.pad(x, (2**i, 0))
            step = r(torch.tanh(f(late)) * torch.sigmoid(g(late)))
            x, skips = x + step, skips + step
        return self.out(skips)


def speech():
    """Log-mel 98 x 40: wide first filter, pooled, second filter, linear."""
    return nn.Sequential(
        nn.Conv2d(1, 64, (20, 8), padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, (10, 4), padding="same"), nn.ReLU(), nn.Flatten(),
        nn.Linear(64 * 49 * 20, 12),
    )  # fmt: skip


class Clips(nn.Module):
    """A CNN on each of 8 frames, an LSTM over them."""

    def __init__(self):
        super().__init__()
        self.frame = nn.Sequential(cbr(3, 16, 3, 2), cbr(16, 32, 3, 2), nn.AdaptiveAvgPool2d(1),
                                   nn.Flatten())  # fmt: skip
        self.time = nn.LSTM(32, 64, batch_first=True)
        self.out = nn.Linear(64, 5)

    def forward(self, x: Tensor) -> Tensor:
        batch, frames = x.shape[:2]
        seen = self.frame(x.flatten(0, 1)).view(batch, frames, -1)
        return self.out(self.time(seen)[0][:, -1])


class Questions(nn.Module):
    """A picture and a question, multiplied."""

    def __init__(self):
        super().__init__()
        self.eye = nn.Sequential(cr(3, 8, 3, 1, 1), nn.MaxPool2d(2), cr(8, 16, 3, 1, 1),
                                 nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 64, 32),
                                 nn.Tanh())  # fmt: skip
        self.ear = nn.Sequential(nn.Linear(20, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
        self.out = nn.Sequential(nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 13))

    def forward(self, picture: Tensor, question: Tensor) -> Tensor:
        return self.out(self.eye(picture) * self.ear(question))


class Attention(nn.Module):
    """A convolutional stem, positions, self-attention, a class token."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 64, 8, 8)
        self.token = nn.Parameter(torch.zeros(1, 1, 64))
        self.place = nn.Parameter(torch.zeros(1, 17, 64))
        self.norm, self.look = nn.LayerNorm(64), nn.MultiheadAttention(64, 4, batch_first=True)
        self.out = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.place
        y = self.norm(x)
        return self.out((x + self.look(y, y, y, need_weights=False)[0])[:, 0])


class TiedAndLowRank(nn.Module):
    """One embedding read as a matrix, and a product of two thin linear layers."""

    def __init__(self):
        super().__init__()
        self.codes = nn.Linear(32, 64, bias=False)
        self.thin = nn.Sequential(nn.Linear(64, 8), nn.Linear(8, 64))
        self.never_called = nn.Linear(64, 16)

    def forward(self, x: Tensor) -> Tensor:
        x = F.linear(F.relu(self.codes(x)), self.never_called.weight)
        return F.linear(self.thin(F.pad(x, (0, 48))), self.codes.weight.t())
