"""What every layer of the front has in common: arguments as Keras names them, built late.

Shapes are Keras' outside, `(H, W, C)`, and torch's inside, `(C, H, W)`, without the batch axis.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from torch import nn

from striate.errors import WRONG_INPUT, ArgumentError, StriateError, unknown_name

Shape = tuple[int, ...]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "hard_sigmoid": nn.Hardsigmoid,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "linear": nn.Identity,
    "mish": nn.Mish,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softmax": lambda: nn.Softmax(1),
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "swish": nn.SiLU,
    "tanh": nn.Tanh,
}


class MissingError(StriateError, AttributeError):
    """A part of Keras that is not here, by its name."""

    def __init__(self, name: str, instead: str = "") -> None:
        super().__init__(
            f"Keras' {name} is not part of this front", remedy=instead, exit_code=WRONG_INPUT
        )


def refuse(where: str, extra: dict[str, object]) -> None:
    """Name the first argument that Keras has and this front has not; None asks for nothing."""
    for name, value in extra.items():
        if value is not None:
            raise MissingError(f"{where}({name}=...)")


class Layer:
    """One line of a listing: arguments at first, an `nn.Module` once its input's shape is known."""

    rank: int | None = None
    """Axes of positions that its input must have; None takes any."""

    def __init__(
        self,
        *,
        activation: str | None = None,
        name: str | None = None,
        input_shape: Sequence[int] | None = None,
        **extra: object,
    ) -> None:
        kind = type(self).__name__
        if extra.get("data_format") == "channels_last":
            del extra["data_format"]
        refuse(kind, extra)
        self.kind = kind
        self.name = name
        self.activation = activation or "linear"
        if not isinstance(self.activation, str):
            raise MissingError(f"{kind}(activation=...) as a function", "Give its name")
        if self.activation not in ACTIVATIONS:
            raise unknown_name("activation", self.activation, ACTIVATIONS)
        self.input_shape = None if input_shape is None else inner_shape(input_shape)

    def module(self, shape: Shape) -> nn.Module:
        """What it computes on samples `(C, ...)` before its activation, with weights drawn."""
        raise NotImplementedError

    def build(self, shape: Shape) -> nn.Module:
        """`module`, once the number of axes is found right."""
        if self.rank is not None and len(shape) != self.rank + 1:
            axes = ("", "(length, channels)", "(height, width, channels)")[self.rank]
            raise ArgumentError(f"{self.kind}'s input", outer_shape(shape), axes)
        return self.module(shape)


def snake(name: str) -> str:
    """MaxPooling2D -> max_pooling2d: what Keras calls a layer that has no name of its own."""
    parted = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", parted).lower()


def inner_shape(shape: Sequence[int]) -> Shape:
    """(H, W, C) -> (C, H, W)."""
    if not shape or not all(isinstance(size, int) and size > 0 for size in shape):
        raise ArgumentError(
            "shape",
            tuple(shape),
            "whole numbers, as in (28, 28, 1)",
            remedy="Sizes that stay open (None) are not part of this front"
            if None in tuple(shape)
            else "",
        )
    return (shape[-1], *shape[:-1])


def outer_shape(shape: Sequence[int]) -> Shape:
    """(C, H, W) -> (H, W, C)."""
    return (*shape[1:], shape[0])


def sizes(argument: str, value: int | Sequence[int], rank: int) -> Shape:
    """A number or one an axis, as a tuple of `rank` positive numbers."""
    found = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(found) != rank or not all(isinstance(size, int) and size > 0 for size in found):
        raise ArgumentError(argument, value, f"a positive whole number, or a tuple of {rank}")
    return found
