"""Good nets up to inception, literal in kernels, strides, padding and joins."""

from lint_good_parts import Cat, Sum, cbr, cr, pooled_head
from torch import Tensor, nn

# -- the classics ---------------------------------------------------------------------------------


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten(),
        nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def lecture_net():
    return nn.Sequential(
        cr(1, 32), nn.MaxPool2d(2), cr(32, 64), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10),
    )  # fmt: skip


def lecture_fcn():
    return nn.Sequential(
        cr(1, 32), nn.MaxPool2d(2), cr(32, 64), nn.MaxPool2d(2), cr(64, 128),
        nn.Conv2d(128, 10, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 100), nn.BatchNorm1d(100), nn.ReLU(),
                         nn.Linear(100, 10))  # fmt: skip


def alexnet(groups=2):
    return nn.Sequential(
        cr(3, 96, 11, 4, 2), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2),
        cr(96, 256, 5, 1, 2, groups), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2),
        cr(256, 384, 3, 1, 1), cr(384, 384, 3, 1, 1, groups), cr(384, 256, 3, 1, 1, groups),
        nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Dropout(), nn.Linear(9216, 4096), nn.ReLU(True),
        nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(True), nn.Linear(4096, 1000),
    )  # fmt: skip


def zfnet():
    return nn.Sequential(
        cr(3, 96, 7, 2, 1), nn.MaxPool2d(3, 2, 1), cr(96, 256, 5, 2), nn.MaxPool2d(3, 2, 1),
        cr(256, 384, 3, 1, 1), cr(384, 384, 3, 1, 1), cr(384, 256, 3, 1, 1), nn.MaxPool2d(3, 2),
        nn.Flatten(), nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 1000),
    )  # fmt: skip


def vgg(norm=False):
    layers, before = [], 3
    for width, count in ((64, 1), (128, 1), (256, 2), (512, 2), (512, 2)):
        for _ in range(count):
            layers.append(nn.Conv2d(before, width, 3, padding=1))
            layers += [nn.BatchNorm2d(width)] * norm + [nn.ReLU(inplace=True)]
            before = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(True),
        nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(), nn.Linear(4096, 1000),
    )  # fmt: skip


def nin():
    def mlpconv(cin, cout, k, stride, padding):
        return nn.Sequential(
            cr(cin, cout, k, stride, padding), cr(cout, cout, 1), cr(cout, cout, 1)
        )

    return nn.Sequential(
        mlpconv(3, 96, 11, 4, 0), nn.MaxPool2d(3, 2, ceil_mode=True),
        mlpconv(96, 256, 5, 1, 2), nn.MaxPool2d(3, 2, ceil_mode=True),
        mlpconv(256, 384, 3, 1, 1), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Dropout(),
        cr(384, 1024, 3, 1, 1), cr(1024, 1024, 1), cr(1024, 1000, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


# -- inception ------------------------------------------------------------------------------------


class GoogLeNet(nn.Module):
    """With an auxiliary head that only training calls."""

    def __init__(self):
        super().__init__()
        pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)  # noqa: E731
        self.stem = nn.Sequential(
            cbr(3, 64, 7, 2), pool(), cbr(64, 64, 1), cbr(64, 192), pool(),
        )  # fmt: skip
        self.a, self.pool = self.block(192, 64, 96, 128, 16, 32, 32), pool()
        self.b = self.block(256, 192, 96, 208, 16, 48, 64)
        self.later = nn.Sequential(pool(), self.block(512, 384, 192, 384, 48, 128, 128))
        self.aux = nn.Sequential(
            nn.AdaptiveAvgPool2d(4), cbr(512, 128, 1), nn.Flatten(), nn.Linear(2048, 1024),
            nn.ReLU(), nn.Dropout(0.7), nn.Linear(1024, 1000),
        )  # fmt: skip
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4), nn.Linear(1024, 1000)
        )

    @staticmethod
    def block(cin, one, red3, three, red5, five, pooled):
        return Cat(
            cbr(cin, one, 1),
            nn.Sequential(cbr(cin, red3, 1), cbr(red3, three)),
            nn.Sequential(cbr(cin, red5, 1), cbr(red5, five, 5)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), cbr(cin, pooled, 1)),
        )

    def forward(self, x: Tensor):
        x = self.b(self.pool(self.a(self.stem(x))))
        aux = self.aux(x) if self.training else None
        x = self.head(self.later(x))
        return (x, aux) if self.training else x


def rect(cin, cout, k):
    conv = nn.Conv2d(cin, cout, k, padding=(k[0] // 2, k[1] // 2), bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(cout), nn.ReLU(inplace=True))


def inception_v3():
    return nn.Sequential(
        cbr(3, 32, 3, 2, 0), cbr(32, 32, 3, 1, 0), cbr(32, 64), nn.MaxPool2d(3, 2),
        cbr(64, 80, 1), cbr(80, 192, 3, 1, 0), nn.MaxPool2d(3, 2),
        Cat(cbr(192, 64, 1), nn.Sequential(cbr(192, 48, 1), cbr(48, 64, 5)),
            nn.Sequential(cbr(192, 64, 1), cbr(64, 96), cbr(96, 96)),
            nn.Sequential(nn.AvgPool2d(3, 1, 1), cbr(192, 32, 1))),
        Cat(cbr(256, 384, 3, 2, 0),
            nn.Sequential(cbr(256, 64, 1), cbr(64, 96), cbr(96, 96, 3, 2, 0)),
            nn.MaxPool2d(3, 2)),
        Cat(cbr(736, 192, 1),
            nn.Sequential(cbr(736, 128, 1), rect(128, 128, (1, 7)), rect(128, 192, (7, 1))),
            nn.Sequential(nn.AvgPool2d(3, 1, 1), cbr(736, 192, 1))),
        Cat(nn.Sequential(cbr(576, 192, 1), cbr(192, 320, 3, 2, 0)),
            nn.Sequential(cbr(576, 192, 1), rect(192, 192, (1, 7)), rect(192, 192, (7, 1)),
                          cbr(192, 192, 3, 2, 0)),
            nn.MaxPool2d(3, 2)),
        Cat(cbr(1088, 320, 1),
            nn.Sequential(cbr(1088, 384, 1), Cat(rect(384, 384, (1, 3)), rect(384, 384, (3, 1))))),
        pooled_head(1088),
    )  # fmt: skip


def inception_v4():
    return nn.Sequential(
        cbr(3, 32, 3, 2, 0), cbr(32, 32, 3, 1, 0), cbr(32, 64),
        Cat(nn.MaxPool2d(3, 2), cbr(64, 96, 3, 2, 0)),
        Cat(nn.Sequential(cbr(160, 64, 1), cbr(64, 96, 3, 1, 0)),
            nn.Sequential(cbr(160, 64, 1), rect(64, 64, (7, 1)), rect(64, 64, (1, 7)),
                          cbr(64, 96, 3, 1, 0))),
        Cat(cbr(192, 192, 3, 2, 0), nn.MaxPool2d(3, 2)),
        # Inception-ResNet: a linear 1x1 makes the residual, scaled before the sum
        Sum(nn.Sequential(Cat(cbr(384, 32, 1), nn.Sequential(cbr(384, 32, 1), cbr(32, 48),
            cbr(48, 64))), nn.Conv2d(96, 384, 1)), after=nn.ReLU()),
        Cat(cbr(384, 384, 3, 2, 0), nn.MaxPool2d(3, 2)), cbr(768, 192, 1),
        rect(192, 224, (1, 7)), rect(224, 256, (7, 1)), cbr(256, 768),
        Cat(cbr(768, 384, 3, 2, 0), nn.MaxPool2d(3, 2)),
        pooled_head(1152),
    )  # fmt: skip


def separable(cin, cout, stride=1, k=3):
    return nn.Sequential(
        nn.Conv2d(cin, cin, k, stride, k // 2, groups=cin, bias=False),
        nn.Conv2d(cin, cout, 1, bias=False), nn.BatchNorm2d(cout),
    )  # fmt: skip


def xception():
    def block(cin, cout):
        body = nn.Sequential(nn.ReLU(), separable(cin, cout), nn.ReLU(), separable(cout, cout),
                             nn.MaxPool2d(3, 2, 1))  # fmt: skip
        short = nn.Sequential(nn.Conv2d(cin, cout, 1, 2, bias=False), nn.BatchNorm2d(cout))
        return Sum(body, short)

    middle = nn.Sequential(*[m for _ in range(3) for m in (nn.ReLU(), separable(728, 728))])
    return nn.Sequential(
        cbr(3, 32, 3, 2, 0), cbr(32, 64, 3, 1, 0), block(64, 128), block(128, 256),
        block(256, 728), Sum(middle), block(728, 1024), separable(1024, 1536), nn.ReLU(),
        separable(1536, 2048), nn.ReLU(), pooled_head(2048),
    )  # fmt: skip
