"""Good nets since 2015: residual, dense, small, modern; few blocks of each."""

import torch
import torch.nn.functional as F
from lint_good_parts import Cat, Sum, cbr, cr, pooled_head
from torch import Tensor, nn

# -- residual and dense ---------------------------------------------------------------------------


def basic(cin, cout, stride=1):
    body = nn.Sequential(cbr(cin, cout, 3, stride), nn.Conv2d(cout, cout, 3, 1, 1, bias=False),
                         nn.BatchNorm2d(cout))  # fmt: skip
    short = None
    if stride > 1 or cin != cout:
        short = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))
    return Sum(body, short, nn.ReLU(inplace=True))


def bottleneck(cin, width, cout, stride=1, groups=1):
    body = nn.Sequential(cbr(cin, width, 1), cbr(width, width, 3, stride, groups=groups),
                         nn.Conv2d(width, cout, 1, bias=False), nn.BatchNorm2d(cout))  # fmt: skip
    short = None
    if stride > 1 or cin != cout:
        short = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))
    return Sum(body, short, nn.ReLU(inplace=True))


def resnet18():
    return nn.Sequential(
        cbr(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1), basic(64, 64), basic(64, 64),
        basic(64, 128, 2), basic(128, 128), basic(128, 256, 2), basic(256, 256),
        basic(256, 512, 2), basic(512, 512), pooled_head(512),
    )  # fmt: skip


def resnext():
    return nn.Sequential(
        cbr(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1), bottleneck(64, 128, 256, groups=32),
        bottleneck(256, 256, 512, 2, 32), bottleneck(512, 512, 1024, 2, 32),
        bottleneck(1024, 512, 1024, 1, 32),
        bottleneck(1024, 512, 1024, 1, 32), bottleneck(1024, 1024, 2048, 2, 32), pooled_head(2048),
    )  # fmt: skip


def caffe_resnet():
    """The first ResNet: the stride sits in the 1x1."""
    body = nn.Sequential(cbr(64, 64, 1, 2), cbr(64, 64), cbr(64, 256, 1))
    short = nn.Conv2d(64, 256, 1, 2, bias=False)
    return nn.Sequential(
        cbr(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1), Sum(body, short, nn.ReLU()),
        *[bottleneck(256, 64, 256) for _ in range(6)], pooled_head(256),
    )  # fmt: skip


def resnet20():
    layers = [cbr(3, 16)]
    for cin, cout, stride in ((16, 16, 1), (16, 32, 2), (32, 64, 2)):
        layers += [basic(cin, cout, stride), basic(cout, cout), basic(cout, cout)]
    return nn.Sequential(*layers, pooled_head(64))


def plain34():
    layers, before = [cbr(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for width, count in ((64, 3), (128, 4), (256, 5), (512, 3)):
        for place in range(count):
            layers.append(cbr(before, width, 3, 2 if place == 0 and width > 64 else 1))
            before = width
    return nn.Sequential(*layers, pooled_head(512))


def wide_preactivation():
    """Batch norm and ReLU before each convolution, dropout inside."""

    def block(cin, cout, stride):
        body = nn.Sequential(
            nn.BatchNorm2d(cin), nn.ReLU(), nn.Conv2d(cin, cout, 3, stride, 1, bias=False),
            nn.BatchNorm2d(cout), nn.ReLU(), nn.Dropout(0.3),
            nn.Conv2d(cout, cout, 3, 1, 1, bias=False),
        )  # fmt: skip
        return Sum(body, nn.Conv2d(cin, cout, 1, stride, bias=False))

    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False), block(16, 32, 1), block(32, 64, 2),
        block(64, 128, 2), nn.BatchNorm2d(128), nn.ReLU(), pooled_head(128),
    )  # fmt: skip


class DenseLayer(nn.Module):
    def __init__(self, cin, growth=32):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(cin), nn.BatchNorm2d(4 * growth)
        self.conv1 = nn.Conv2d(cin, 4 * growth, 1, bias=False)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu(self.norm1(x), inplace=True))
        y = self.conv2(F.relu(self.norm2(y), inplace=True))
        return torch.cat([x, y], 1)


def densenet():
    layers, width = [cbr(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for stage, count in enumerate((4, 4, 4, 3)):
        if stage:
            layers += [nn.BatchNorm2d(width), nn.ReLU(),
                       nn.Conv2d(width, width // 2, 1, bias=False), nn.AvgPool2d(2, 2)]  # fmt: skip
            width //= 2
        for _ in range(count):
            layers.append(DenseLayer(width))
            width += 32
    return nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU(), pooled_head(width))


# -- small and modern -----------------------------------------------------------------------------


class SqueezeExcite(nn.Module):
    def __init__(self, channels, squeezed, gate):
        super().__init__()
        self.body = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, squeezed, 1),
                                  nn.ReLU(), nn.Conv2d(squeezed, channels, 1), gate)  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x * self.body(x)


def mobilenet_v1():
    layers = [cbr(3, 32, 3, 2)]
    rows = [
        (32, 64, 1),
        (64, 128, 2),
        (128, 256, 2),
        (256, 512, 2),
        (512, 512, 1),
        (512, 1024, 2),
        (1024, 1024, 1),
    ]
    for cin, cout, stride in rows:
        layers += [cbr(cin, cin, 3, stride, groups=cin), cbr(cin, cout, 1)]
    return nn.Sequential(*layers, pooled_head(1024))


def inverted(cin, cout, expand, stride, k=3, act=nn.ReLU6, squeeze=None):
    wide = cin * expand
    layers = [cbr(cin, wide, 1, act=act)] if expand > 1 else []
    layers.append(cbr(wide, wide, k, stride, groups=wide, act=act))
    layers += [SqueezeExcite(wide, max(1, cin // 4), squeeze())] if squeeze else []
    layers += [nn.Conv2d(wide, cout, 1, bias=False), nn.BatchNorm2d(cout)]
    body = nn.Sequential(*layers)
    return Sum(body) if stride == 1 and cin == cout else body


def mobilenet_v2():
    return nn.Sequential(
        cbr(3, 32, 3, 2, act=nn.ReLU6), inverted(32, 16, 1, 1), inverted(16, 24, 6, 2),
        inverted(24, 24, 6, 1), inverted(24, 32, 6, 2), inverted(32, 64, 6, 2),
        inverted(64, 96, 6, 1), inverted(96, 160, 6, 2), inverted(160, 320, 6, 1),
        cbr(320, 1280, 1, act=nn.ReLU6), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2),
        nn.Linear(1280, 1000),
    )  # fmt: skip


def mobilenet_v3():
    gate = nn.Hardsigmoid
    return nn.Sequential(
        cbr(3, 16, 3, 2, act=nn.Hardswish), inverted(16, 16, 1, 2, squeeze=gate, act=nn.ReLU),
        inverted(16, 24, 4, 2, act=nn.ReLU), inverted(24, 40, 4, 2, 5, nn.Hardswish, gate),
        inverted(40, 48, 3, 1, 5, nn.Hardswish, gate),
        inverted(48, 96, 6, 2, 5, nn.Hardswish, gate),
        cbr(96, 576, 1, act=nn.Hardswish), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(576, 1024), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(1024, 1000),
    )  # fmt: skip


def efficientnet():
    gate = nn.Sigmoid
    return nn.Sequential(
        cbr(3, 32, 3, 2, act=nn.SiLU), inverted(32, 16, 1, 1, 3, nn.SiLU, gate),
        inverted(16, 24, 6, 2, 3, nn.SiLU, gate), inverted(24, 40, 6, 2, 5, nn.SiLU, gate),
        inverted(40, 80, 6, 2, 3, nn.SiLU, gate), inverted(80, 112, 6, 1, 5, nn.SiLU, gate),
        inverted(112, 192, 6, 2, 5, nn.SiLU, gate), inverted(192, 320, 6, 1, 3, nn.SiLU, gate),
        cbr(320, 1280, 1, act=nn.SiLU), pooled_head(1280),
    )  # fmt: skip


def squeezenet():
    def fire(cin, squeeze, expand):
        grow = Cat(nn.Sequential(nn.Conv2d(squeeze, expand, 1), nn.ReLU(inplace=True)),
                   cr(squeeze, expand, 3, 1, 1))  # fmt: skip
        return nn.Sequential(cr(cin, squeeze, 1), grow)

    pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)  # noqa: E731
    return nn.Sequential(
        cr(3, 96, 7, 2), pool(), fire(96, 16, 64), fire(128, 16, 64), fire(128, 32, 128), pool(),
        fire(256, 32, 128), fire(256, 48, 192), fire(384, 64, 256), pool(), fire(512, 64, 256),
        nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


class ChannelsLastNorm(nn.LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.scale * self.narrow(F.gelu(self.wide(y)))
        return x + y.permute(0, 3, 1, 2)


def convnext():
    layers, before = [nn.Conv2d(3, 96, 4, 4), ChannelsLastNorm(96), ConvNeXtBlock(96)], 96
    for width in (192, 384, 768):
        layers += [ChannelsLastNorm(before), nn.Conv2d(before, width, 2, 2), ConvNeXtBlock(width)]
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), ChannelsLastNorm(768), nn.Flatten(),
                         nn.Linear(768, 1000))  # fmt: skip
