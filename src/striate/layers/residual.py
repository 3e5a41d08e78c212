"""The join of ResNet: what a branch computes is added to what it was given."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ArgumentError
from striate.layers import arguments
from striate.layers.conv import Build, ConvNormAct
from striate.layers.drop import StochasticDepth


class Residual(nn.Module):
    """x -> act(branch(x) + shortcut(x)): He, Zhang, Ren, Sun, "Deep Residual Learning", CVPR 2016.

    No shortcut means the identity, no activation means none (pre-activation nets). Branch and
    shortcut must agree in shape exactly: a sum that broadcasts is a wiring error and is refused.
    A shape is kept as branch and shortcut leave it.
    """

    def __init__(
        self, branch: nn.Module, shortcut: nn.Module | None = None, act: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.branch = _module("branch", branch)
        self.shortcut = nn.Identity() if shortcut is None else _module("shortcut", shortcut)
        self.act = nn.Identity() if act is None else _module("act", act)

    def forward(self, x: Tensor) -> Tensor:
        """X -> act(branch(x) + shortcut(x))."""
        branch, shortcut = self.branch(x), self.shortcut(x)
        if branch.shape != shortcut.shape:
            raise ArgumentError(
                "branch",
                tuple(branch.shape),
                f"the shortcut's shape {tuple(shortcut.shape)}",
                remedy="Give Residual a ProjectionShortcut of the branch's channels and stride",
            )
        return self.act(branch + shortcut)  # type: ignore[no-any-return]


def _module(argument: str, value: nn.Module) -> nn.Module:
    if not isinstance(value, nn.Module):
        raise ArgumentError(argument, value, "a module")
    return value


class ProjectionShortcut(ConvNormAct):
    """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride)): 1x1 convolution and batch norm.

    Option B of He et al. 2016, for where a branch changes the channels or the size.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, 1, stride=stride, act=None)


class ZeroPadShortcut(nn.Module):
    """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride)), without parameters.

    y[c] = x[c - (O - I) // 2][::stride, ::stride] where that map exists, else 0: every stride-th
    pixel, and maps of zeros before and after. Option A of He et al. 2016 (the CIFAR nets).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = arguments.whole("stride", stride)
        arguments.whole("in_channels", in_channels)
        missing = arguments.whole("out_channels", out_channels) - in_channels
        if missing < 0:
            raise ArgumentError("out_channels", out_channels, f"at least in_channels {in_channels}")
        self.before, self.after = missing // 2, missing - missing // 2

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride))."""
        kept = x[:, :, :: self.stride, :: self.stride]
        return F.pad(kept, (0, 0, 0, 0, self.before, self.after))

    def extra_repr(self) -> str:
        """The arguments, as `print(net)` shows them."""
        return f"stride={self.stride}, zero maps {self.before} before and {self.after} after"


class InvertedResidual(nn.Module):
    """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride)): wide inside, narrow outside.

    y = project(attention(depthwise(expand(x)))), plus x where stride is 1 and O = I: a 1x1
    convolution to `expanded` channels (none where that is I), one filter per channel, and a 1x1
    convolution back, without an activation. MobileNetV2 (Sandler et al. 2018); with attention
    MobileNetV3 (Howard et al. 2019) and EfficientNet (Tan, Le 2019).

    `unit` makes the three convolutions, with their norm and activation: a `ConvNormAct`, or a
    `partial` of it. `attention` is a module that keeps its `expanded` channels, e.g.
    `SqueezeExcite(expanded, 8)`. `drop` is the rate of `StochasticDepth` of what is added to x.
    Submodule `block` holds the steps that exist, by number.
    """

    def __init__(
        self,
        in_channels: int,
        expanded: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        stride: int = 1,
        unit: Build = ConvNormAct,
        attention: nn.Module | None = None,
        drop: float = 0.0,
    ) -> None:
        super().__init__()
        arguments.whole("in_channels", in_channels)
        arguments.whole("expanded", expanded)
        steps = [] if expanded == in_channels else [unit(in_channels, expanded, 1)]
        steps.append(unit(expanded, expanded, kernel_size, stride=stride, groups=expanded))
        steps += [] if attention is None else [_module("attention", attention)]
        steps.append(unit(expanded, out_channels, 1, act=None))
        self.block = nn.Sequential(*steps)
        self.adds = stride == 1 and in_channels == out_channels
        self.drop = StochasticDepth(arguments.share("drop", drop))

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, ceil(H / stride), ceil(W / stride))."""
        y = self.block(x)
        return x + self.drop(y) if self.adds else y  # type: ignore[no-any-return]
