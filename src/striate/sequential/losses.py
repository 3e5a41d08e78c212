"""Keras' cross-entropies, all computed from logits."""

from __future__ import annotations

from typing import Any

from striate.errors import ArgumentError, nearest
from striate.layers.arguments import share
from striate.sequential.base import MissingError, refuse


class CategoricalCrossentropy:
    """-log p of the right class; labels may be one-hot or numbers, whichever name is used."""

    last = "softmax"
    """The activation whose logits it starts from."""

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, **extra: object
    ) -> None:
        refuse(type(self).__name__, extra)
        self.from_logits = from_logits
        self.smoothing = share("label_smoothing", label_smoothing)


class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """The same for class numbers."""


class BinaryCrossentropy(CategoricalCrossentropy):
    """The same for two classes and one unit, which says how likely class 1 is."""

    last = "sigmoid"


_BY_NAME = {
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}


def loss_for(loss: str | CategoricalCrossentropy) -> CategoricalCrossentropy:
    """The loss by its name, or itself."""
    if isinstance(loss, CategoricalCrossentropy):
        return loss
    if not isinstance(loss, str):
        raise ArgumentError("loss", loss, f"one of {', '.join(_BY_NAME)}")
    if loss not in _BY_NAME:
        known = nearest(loss, _BY_NAME) or f"There are {', '.join(_BY_NAME)}"
        raise MissingError(f"loss {loss!r}", known)
    return _BY_NAME[loss]()


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise MissingError(f"losses.{name}", f"There are {', '.join(_BY_NAME)}")
