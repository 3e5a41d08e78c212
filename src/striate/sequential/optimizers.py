"""Keras' optimisers: what they are told, which becomes the recipe of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from striate.errors import ArgumentError, nearest
from striate.sequential.base import MissingError, refuse


class Optimizer:
    """A recipe's optimiser by its name; `learning_rate` may be set while a model trains."""

    kind = ""

    def __init__(self, learning_rate: float, **extra: object) -> None:
        extra.pop("name", None)
        norm = extra.pop("global_clipnorm", None)
        refuse(type(self).__name__, extra)
        if not isinstance(learning_rate, (int, float)):
            raise ArgumentError(
                "learning_rate",
                learning_rate,
                "a number",
                remedy="A rate that changes is the callback LearningRateScheduler's",
            )
        self.learning_rate = float(learning_rate)
        self.settings: dict[str, Any] = {"clip": norm or 0.0}
        """Fields of the recipe besides the rate."""


class SGD(Optimizer):
    """Gradient descent, with Nesterov's momentum if any."""

    kind = "sgd"

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        **extra: object,
    ) -> None:
        super().__init__(learning_rate, **extra)
        if momentum and not nesterov:
            raise MissingError("SGD(momentum=...) without nesterov", "Give nesterov=True")
        self.settings |= {"momentum": momentum, "weight_decay": weight_decay or 0.0}


class Adam(Optimizer):
    """Adam (Kingma, Ba 2015) with Keras' epsilon."""

    kind = "adam"

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **extra: object,
    ) -> None:
        super().__init__(learning_rate, **extra)
        if (beta_1, beta_2) != (0.9, 0.999):
            raise MissingError(f"{type(self).__name__}(beta_1, beta_2) other than 0.9, 0.999")
        self.settings["epsilon"] = epsilon


class AdamW(Adam):
    """Adam with decoupled weight decay, of weights but not of biases and norms."""

    kind = "adamw"

    def __init__(
        self, learning_rate: float = 0.001, weight_decay: float = 0.004, **rest: float
    ) -> None:
        super().__init__(learning_rate, **rest)
        self.settings["weight_decay"] = weight_decay


_BY_NAME: dict[str, Callable[[], Optimizer]] = {"adam": Adam, "adamw": AdamW, "sgd": SGD}


def optimizer_for(optimizer: str | Optimizer) -> Optimizer:
    """The optimiser by its name, or itself."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str):
        raise ArgumentError("optimizer", optimizer, f"one of {', '.join(_BY_NAME)}")
    if optimizer.lower() not in _BY_NAME:
        known = nearest(optimizer, _BY_NAME) or f"There are {', '.join(_BY_NAME)}"
        raise MissingError(f"optimizer {optimizer!r}", known)
    return _BY_NAME[optimizer.lower()]()


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise MissingError(f"optimizers.{name}", f"There are {', '.join(_BY_NAME)}")
