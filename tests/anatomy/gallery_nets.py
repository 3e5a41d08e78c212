"""Nets of every shape that a picture must cope with: chains, skips, branches, rungs, vectors."""

import torch
from torch import nn


def conv(inputs, outputs, kernel, **options):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, **options), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def lenet():
    features = [nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2)]
    features += [nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(16, 120, 5), nn.Tanh()]
    return nn.Sequential(*features, nn.Flatten(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))


def alexnet():
    pool = nn.MaxPool2d(3, 2)
    rows = [nn.Conv2d(3, 96, 11, 4, 2), nn.ReLU(), nn.LocalResponseNorm(5), pool]
    rows += [nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), nn.LocalResponseNorm(5), pool]
    for inputs, outputs in ((256, 384), (384, 384), (384, 256)):
        rows += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
    rows += [pool, nn.Flatten()]
    for inputs, outputs in ((9216, 4096), (4096, 4096), (4096, 1000)):
        rows += [nn.Dropout(), nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*rows)


def vgg16():
    rows, inputs = [], 3
    for count, width in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(count):
            rows += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
            inputs = width
        rows.append(nn.MaxPool2d(2))
    head = [nn.Linear(25088, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.Linear(4096, 1000)]
    return nn.Sequential(*rows, nn.Flatten(), *head)


class Residual(nn.Module):
    def __init__(self, inputs, width, stride, bottleneck):
        super().__init__()
        outputs = width * (4 if bottleneck else 1)
        last = [nn.Conv2d(width, outputs, 1 if bottleneck else 3, padding=0 if bottleneck else 1)]
        if bottleneck:
            last = [conv(width, width, 3, stride=stride, padding=1), *last]
            first = conv(inputs, width, 1)
        else:
            first = conv(inputs, width, 3, stride=stride, padding=1)
        self.body = nn.Sequential(first, *last, nn.BatchNorm2d(outputs))
        changes = stride > 1 or inputs != outputs
        self.short = nn.Conv2d(inputs, outputs, 1, stride) if changes else nn.Identity()

    def forward(self, x):
        return torch.relu(self.body(x) + self.short(x))


def resnet(counts, bottleneck):
    rows, inputs = [conv(3, 64, 7, stride=2, padding=3), nn.MaxPool2d(3, 2, 1)], 64
    for stage, count in enumerate(counts):
        for block in range(count):
            stride = 2 if stage and not block else 1
            rows.append(Residual(inputs, 64 << stage, stride, bottleneck))
            inputs = (64 << stage) * (4 if bottleneck else 1)
    return nn.Sequential(*rows, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000))


class Inception(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.ways = nn.ModuleList(
            [
                conv(inputs, 16, 1),
                nn.Sequential(conv(inputs, 24, 1), conv(24, 32, 3, padding=1)),
                nn.Sequential(conv(inputs, 8, 1), conv(8, 16, 5, padding=2)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(inputs, 16, 1)),
            ]
        )

    def forward(self, x):
        return torch.cat([way(x) for way in self.ways], 1)


def inception():
    body = [conv(3, 32, 5, stride=2, padding=2), Inception(32), nn.MaxPool2d(2), Inception(80)]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(80, 10))


class UNet(nn.Module):
    def __init__(self, widths=(8, 16, 32)):
        super().__init__()
        steps = list(zip((3, *widths), widths, strict=False))
        self.down = nn.ModuleList([conv(a, b, 3, padding=1) for a, b in steps])
        rungs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList([nn.ConvTranspose2d(a, b, 2, 2) for a, b in rungs])
        self.join = nn.ModuleList([conv(2 * b, b, 3, padding=1) for _, b in rungs])
        self.pool, self.out = nn.MaxPool2d(2), nn.Conv2d(widths[0], 2, 1)

    def forward(self, x):
        kept = []
        for layer in self.down[:-1]:
            kept.append(layer(x))
            x = self.pool(kept[-1])
        x = self.down[-1](x)
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([kept.pop(), up(x)], 1))
        return self.out(x)


class FCN(nn.Module):
    def __init__(self):
        super().__init__()
        widths = ((3, 16), (16, 32), (32, 64), (64, 128))
        self.down = nn.ModuleList(
            [nn.Sequential(conv(a, b, 3, padding=1), nn.MaxPool2d(2)) for a, b in widths]
        )
        self.score = nn.ModuleList([nn.Conv2d(width, 21, 1) for width in (128, 64, 32)])
        self.twice = nn.ModuleList([nn.ConvTranspose2d(21, 21, 4, 2, 1) for _ in range(2)])
        self.full = nn.ConvTranspose2d(21, 21, 8, 4, 2)

    def forward(self, x):
        maps = []
        for layer in self.down:
            x = layer(x)
            maps.append(x)
        x = self.twice[0](self.score[0](maps[3])) + self.score[1](maps[2])
        return self.full(self.twice[1](x) + self.score[2](maps[1]))


class DenseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.layers = nn.ModuleList([conv(16 + 12 * k, 12, 3, padding=1) for k in range(4)])
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        maps = [self.stem(x)]
        for layer in self.layers:
            maps.append(layer(torch.cat(maps, 1)))
        return self.head(torch.cat(maps, 1).mean((2, 3)))


class SqueezeExcite(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.pool = nn.Conv2d(3, 32, 3), nn.AdaptiveAvgPool2d(1)
        self.gate = nn.Sequential(nn.Conv2d(32, 8, 1), nn.ReLU(), nn.Conv2d(8, 32, 1), nn.Sigmoid())

    def forward(self, x):
        x = self.conv(x)
        return x * self.gate(self.pool(x))


class TextCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(1000, 64)
        self.convs = nn.ModuleList([nn.Conv1d(64, 100, k) for k in (3, 4, 5)])
        self.head = nn.Linear(300, 2)

    def forward(self, tokens):
        x = self.words(tokens).transpose(1, 2)
        return self.head(torch.cat([torch.relu(c(x)).amax(2) for c in self.convs], 1))


def sound():
    widths = ((1, 128), (128, 256), (256, 256))
    return nn.Sequential(*[nn.Conv1d(a, b, 3, padding=1) for a, b in widths])


def plain(depth):
    rows = [conv(16, 16, 3, padding=1) for _ in range(depth)]
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), *rows)


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))


GALLERY = {
    "lenet": (lenet, (1, 32, 32)),
    "alexnet": (alexnet, (3, 224, 224)),
    "vgg16": (vgg16, (3, 224, 224)),
    "resnet18": (lambda: resnet((2, 2, 2, 2), False), (3, 224, 224)),
    "resnet50": (lambda: resnet((3, 4, 6, 3), True), (3, 224, 224)),
    "inception": (inception, (3, 64, 64)),
    "unet": (UNet, (3, 64, 64)),
    "fcn": (FCN, (3, 64, 64)),
    "densenet": (DenseNet, (3, 32, 32)),
    "squeeze-excite": (SqueezeExcite, (3, 32, 32)),
    "text": (TextCNN, (50,)),
    "plain": (lambda: plain(40), (3, 32, 32)),
    "sound": (sound, (1, 1600000)),
    "mlp": (mlp, (1, 28, 28)),
    "one layer": (lambda: nn.Conv2d(3, 4, 3), (3, 8, 8)),
}
