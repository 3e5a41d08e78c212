"""Keras' convolutions as torch's, with Keras' padding and initial weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn

from striate.errors import ArgumentError
from striate.layers import LocalConv2d
from striate.layers.arguments import whole
from striate.sequential.base import Layer, MissingError, Shape, sizes
from striate.sequential.initialise import fill
from striate.sequential.padding import Crop, SamePad, check_padding

Sizes = int | Sequence[int]
_CONV = {1: nn.Conv1d, 2: nn.Conv2d}


class _Windowed(Layer):
    """Layers that slide a window: its size, stride, border, and how their weights begin."""

    rank = 2
    paddings: tuple[str, ...] = ("same", "valid")

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes,
        padding: str,
        dilation_rate: Sizes,
        use_bias: bool,
        kernel_initializer: str,
        bias_initializer: str,
        **common: object,
    ) -> None:
        super().__init__(**common)  # type: ignore[arg-type]
        assert self.rank is not None
        self.kernel = sizes("kernel_size", kernel_size, self.rank)
        self.stride = sizes("strides", strides, self.rank)
        self.dilation = sizes("dilation_rate", dilation_rate, self.rank)
        self.padding = check_padding(padding, self.paddings)
        self.use_bias = use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer

    @property
    def reach(self) -> Shape:
        """Over how many positions the window reaches."""
        return tuple(d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True))

    def convolution(self, inputs: int, outputs: int, groups: int, bias: bool) -> nn.Module:
        """(B, inputs, ...) -> (B, outputs, ...) with the border that `padding` says."""
        border = self.padding
        # At stride 1 an odd window needs the same on both sides, which torch's kernels do.
        plain = max(self.stride) == 1 and all(r % 2 for r in self.reach)
        native = border == "same" and plain
        layer = _CONV[len(self.kernel)](
            inputs,
            outputs,
            self.kernel,  # type: ignore[arg-type]
            stride=self.stride,  # type: ignore[arg-type]
            padding=tuple(r // 2 for r in self.reach) if native else 0,  # type: ignore[arg-type]
            dilation=self.dilation,  # type: ignore[arg-type]
            groups=groups,
            bias=bias,
        )
        self.draw_bias(layer)
        if border == "causal":
            return nn.Sequential(nn.ConstantPad1d((self.reach[0] - 1, 0), 0.0), layer)
        if border == "same" and not native:
            return nn.Sequential(SamePad(self.reach, self.stride), layer)
        return layer

    def draw_bias(self, layer: nn.Module) -> None:
        """Set the bias, if there is one."""
        if layer.bias is not None:
            fill(layer.bias, self.bias_initializer, 1, 1)  # type: ignore[arg-type]


class _Conv(_Windowed):
    def __init__(  # noqa: PLR0913 - Keras' own arguments
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        *,
        dilation_rate: Sizes = 1,
        groups: int = 1,
        use_bias: bool = True,
        kernel_initializer: str = "glorot_uniform",
        bias_initializer: str = "zeros",
        **common: object,
    ) -> None:
        super().__init__(
            kernel_size,
            strides,
            padding,
            dilation_rate,
            use_bias,
            kernel_initializer,
            bias_initializer,
            **common,
        )
        self.filters, self.groups = whole("filters", filters), whole("groups", groups)

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        inputs = shape[0]
        if inputs % self.groups or self.filters % self.groups:
            channels = f"a divisor of the channels {inputs} and the filters {self.filters}"
            raise ArgumentError("groups", self.groups, channels)
        net = self.convolution(inputs, self.filters, self.groups, self.use_bias)
        area = math.prod(self.kernel)
        fans = inputs // self.groups * area, self.filters * area
        fill(_weighted(net).weight, self.kernel_initializer, *fans)
        return net


class Conv1D(_Conv):
    """(L, C) -> (L', filters): a convolution along one axis; padding may also be `causal`."""

    rank = 1
    paddings = ("causal", "same", "valid")


class Conv2D(_Conv):
    """(H, W, C) -> (H', W', filters): a convolution."""


class DepthwiseConv2D(_Windowed):
    """(H, W, C) -> (H', W', C * depth_multiplier): every channel by filters of its own."""

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        *,
        dilation_rate: Sizes = 1,
        use_bias: bool = True,
        depthwise_initializer: str = "glorot_uniform",
        bias_initializer: str = "zeros",
        **common: object,
    ) -> None:
        super().__init__(
            kernel_size,
            strides,
            padding,
            dilation_rate,
            use_bias,
            depthwise_initializer,
            bias_initializer,
            **common,
        )
        self.multiplier = whole("depth_multiplier", depth_multiplier)

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        return self.depthwise(shape[0], self.use_bias)

    def depthwise(self, channels: int, bias: bool) -> nn.Module:
        """(B, C, H, W) -> (B, C * depth_multiplier, H', W')."""
        net = self.convolution(channels, channels * self.multiplier, channels, bias)
        area = math.prod(self.kernel)
        fans = channels * area, self.multiplier * area
        fill(_weighted(net).weight, self.kernel_initializer, *fans)
        return net


class SeparableConv2D(DepthwiseConv2D):
    """(H, W, C) -> (H', W', filters): a depthwise convolution, then one of 1x1 over channels."""

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        *,
        pointwise_initializer: str = "glorot_uniform",
        **rest: object,
    ) -> None:
        super().__init__(kernel_size, strides, padding, **rest)  # type: ignore[arg-type]
        self.filters = whole("filters", filters)
        self.pointwise_initializer = pointwise_initializer

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        channels = shape[0] * self.multiplier
        pointwise = nn.Conv2d(channels, self.filters, 1, bias=self.use_bias)
        fill(pointwise.weight, self.pointwise_initializer, channels, self.filters)
        self.draw_bias(pointwise)
        return nn.Sequential(self.depthwise(shape[0], bias=False), pointwise)


class Conv2DTranspose(_Conv):
    """(H, W, C) -> (H s, W s, filters) with padding `same`: a convolution's gradient.

    With `valid` n becomes n s + max(k - s, 0).
    """

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        if max(self.dilation) > 1 or self.groups > 1:
            raise MissingError("Conv2DTranspose(dilation_rate=..., groups=...)")
        pairs = list(zip(self.kernel, self.stride, strict=True))
        layer = nn.ConvTranspose2d(
            shape[0],
            self.filters,
            self.kernel,  # type: ignore[arg-type]
            self.stride,  # type: ignore[arg-type]
            output_padding=tuple(max(s - k, 0) for k, s in pairs),  # type: ignore[arg-type]
            bias=self.use_bias,
        )
        area = math.prod(self.kernel)
        fill(layer.weight, self.kernel_initializer, self.filters * area, shape[0] * area)
        self.draw_bias(layer)
        if self.padding == "valid":
            return layer
        start = tuple(max(k - s, 0) // 2 for k, s in pairs)
        size = tuple(n * s for n, s in zip(shape[1:], self.stride, strict=True))
        return nn.Sequential(layer, Crop(start, size))


class LocallyConnected2D(_Conv):
    """(H, W, C) -> (H', W', filters): a convolution with kernels of its own at every place.

    The fans of its initialiser are those of one place.
    """

    paddings = ("valid",)

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        if max(self.dilation) > 1 or self.groups > 1:
            raise MissingError("LocallyConnected2D(dilation_rate=..., groups=...)")
        channels, *size = shape
        layer = LocalConv2d(
            channels,
            self.filters,
            tuple(size),  # type: ignore[arg-type]
            self.kernel,  # type: ignore[arg-type]
            self.stride,  # type: ignore[arg-type]
            bias=self.use_bias,
        )
        area = math.prod(self.kernel)
        fill(layer.weight, self.kernel_initializer, channels * area, self.filters * area)
        self.draw_bias(layer)
        return layer


def _weighted(net: nn.Module) -> nn.Conv1d | nn.Conv2d:
    """The convolution, which may stand behind a border."""
    return next(layer for layer in net.modules() if isinstance(layer, (nn.Conv1d, nn.Conv2d)))
