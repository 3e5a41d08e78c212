"""Blocks that many good nets are made of."""

import torch
from torch import Tensor, nn


def cbr(cin, cout, k=3, stride=1, padding=None, groups=1, dilation=1, act=nn.ReLU):
    padding = dilation * (k - 1) // 2 if padding is None else padding
    conv = nn.Conv2d(cin, cout, k, stride, padding, dilation, groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(cout), act(inplace=True))


def cr(cin, cout, k=3, stride=1, padding=0, groups=1):
    conv = nn.Conv2d(cin, cout, k, stride, padding, groups=groups)
    return nn.Sequential(conv, nn.ReLU(inplace=True))


def pooled_head(channels, classes=10):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


class Sum(nn.Module):
    """x + body(x), or shortcut(x) + body(x), and an activation after."""

    def __init__(self, body, shortcut=None, after=None):
        super().__init__()
        self.body, self.shortcut = body, shortcut or nn.Identity()
        self.after = after or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.body(x) + self.shortcut(x))


class Cat(nn.Module):
    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)
