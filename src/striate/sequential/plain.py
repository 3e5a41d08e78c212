"""Keras' layers that are neither convolutions nor poolings."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from striate.errors import ArgumentError, unknown_name
from striate.layers import drop
from striate.layers.arguments import share, whole
from striate.sequential.base import Layer, MissingError, Shape, inner_shape, sizes
from striate.sequential.initialise import fill


class Input:
    """What comes in: `Input(shape=(28, 28, 1))`, height, width, channels, without the batch."""

    def __init__(self, shape: Sequence[int], **extra: object) -> None:
        for name in extra.keys() - {"name", "dtype"}:
            raise MissingError(f"Input({name}=...)")
        self.shape = inner_shape(shape)


class Dense(Layer):
    """(..., C) -> (..., units): y = x W + b, at every position alike."""

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        use_bias: bool = True,
        kernel_initializer: str = "glorot_uniform",
        bias_initializer: str = "zeros",
        **common: object,
    ) -> None:
        super().__init__(activation=activation, **common)  # type: ignore[arg-type]
        self.units, self.use_bias = whole("units", units), use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        layer = self._layer(shape)
        fill(layer.weight, self.kernel_initializer, shape[0], self.units)
        if layer.bias is not None:
            fill(layer.bias, self.bias_initializer, 1, 1)
        return layer

    def _layer(self, shape: Shape) -> nn.Linear | nn.Conv1d | nn.Conv2d:
        if len(shape) == 1:
            return nn.Linear(shape[0], self.units, bias=self.use_bias)
        kind = nn.Conv1d if len(shape) == 2 else nn.Conv2d
        return kind(shape[0], self.units, 1, bias=self.use_bias)


class Flatten(Layer):
    """(H, W, C) -> (H W C,), the channels of a place side by side, as Keras has them."""

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        return FlattenLast()


class FlattenLast(nn.Module):
    """(B, C, ...) -> (B, ... C): a view where memory is channels_last."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> (B, ... C)."""
        return x.movedim(1, -1).flatten(1)


class Dropout(Layer):
    """The same shape: in training a share `rate` becomes 0, the others grow by 1 / (1 - rate)."""

    def __init__(self, rate: float, **common: object) -> None:
        super().__init__(**common)  # type: ignore[arg-type]
        self.rate = share("rate", rate)

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        return drop.Dropout(self.rate)


class BatchNormalization(Layer):
    """The same shape: (x - mean) / sqrt(variance + epsilon) * gamma + beta, a channel at a time.

    Old statistics weigh `momentum`. The running variance is torch's, n / (n - 1) times Keras'.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        **common: object,
    ) -> None:
        super().__init__(**common)  # type: ignore[arg-type]
        if axis != -1:
            raise ArgumentError("axis", axis, "-1, the channels")
        self.momentum, self.epsilon = share("momentum", momentum), epsilon
        self.center, self.scale = center, scale

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
        norm = kind(shape[0], self.epsilon, 1 - self.momentum)
        if not self.scale:
            norm.register_parameter("weight", None)
        if not self.center:
            norm.register_parameter("bias", None)
        return norm


class Activation(Layer):
    """The same shape: an activation by its name."""

    def __init__(self, activation: str, **common: object) -> None:
        super().__init__(activation=activation, **common)  # type: ignore[arg-type]

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        return nn.Identity()


class ReLU(Activation):
    """The same shape: max(x, 0)."""

    def __init__(self, **common: object) -> None:
        super().__init__("relu", **common)


class Softmax(Activation):
    """The same shape: exp(x) / sum of exp(x) over the channels."""

    def __init__(self, **common: object) -> None:
        super().__init__("softmax", **common)


class ZeroPadding2D(Layer):
    """(H, W, C) -> (H + top + bottom, W + left + right, C): `padding` n, (h, w) or pairs."""

    rank = 2

    def __init__(
        self, padding: int | Sequence[int | Sequence[int]] = (1, 1), **common: object
    ) -> None:
        super().__init__(**common)  # type: ignore[arg-type]
        rows, columns = (padding, padding) if isinstance(padding, int) else padding
        top, bottom = (rows, rows) if isinstance(rows, int) else rows
        left, right = (columns, columns) if isinstance(columns, int) else columns
        self.border = tuple(whole("padding", n, 0) for n in (left, right, top, bottom))

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        return nn.ZeroPad2d(self.border)  # type: ignore[arg-type]


class UpSampling2D(Layer):
    """(H, W, C) -> (H size, W size, C): every pixel repeated, or `bilinear` between them."""

    rank = 2

    def __init__(
        self, size: int | Sequence[int] = 2, interpolation: str = "nearest", **common: object
    ) -> None:
        super().__init__(**common)  # type: ignore[arg-type]
        if interpolation not in ("nearest", "bilinear"):
            raise unknown_name("interpolation", interpolation, ("nearest", "bilinear"))
        self.size, self.interpolation = sizes("size", size, 2), interpolation

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        factors = tuple(float(factor) for factor in self.size)
        return nn.Upsample(scale_factor=factors, mode=self.interpolation)


class Embedding(Layer):
    """(L,) -> (L, output_dim): a vector for every number from 0, below `input_dim`."""

    rank = 0

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: str = "uniform",
        **common: object,
    ) -> None:
        super().__init__(**common)  # type: ignore[arg-type]
        self.words, self.width = whole("input_dim", input_dim), whole("output_dim", output_dim)
        self.initializer = embeddings_initializer

    def module(self, shape: Shape) -> nn.Module:
        """See `Layer`."""
        net = Lookup(self.words, self.width)
        fill(net.weight, self.initializer, self.words, self.width)
        return net


class Lookup(nn.Embedding):
    """(B, L) whole numbers, of any type -> (B, output_dim, L)."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, L) -> (B, output_dim, L)."""
        return super().forward(input.long()).movedim(-1, 1)
