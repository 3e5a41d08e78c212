"""`keras.datasets`: named data sets as NumPy arrays, divided as published."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from striate.data import load_source
from striate.data.order import sample_order
from striate.sequential.base import MissingError

Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class Known:
    """A data set of `striate datasets`, on this disk."""

    def __init__(self, source: str) -> None:
        self.source = source

    def load_data(self) -> tuple[Part, Part]:
        """`(x_train, y_train), (x_test, y_test)`, uint8 as stored.

        Pictures are `(N, H, W)` where they are grey, with labels `(N,)`, else `(N, H, W, 3)`, with
        labels `(N, 1)`, as in Keras.
        """
        data = load_source(self.source)
        parts = data.parts
        if not parts:  # the embedded sample: the first fifth of one shuffle is its test part
            order = sample_order(len(data), seed=0, epoch=0)
            parts = {"test": order[: len(data) // 5], "train": order[len(data) // 5 :]}
        assert isinstance(data.pictures, Tensor)
        train, test = (
            _arrays(data.pictures[parts[name]], data.labels[parts[name]])
            for name in ("train", "test")
        )
        return train, test


def _arrays(pictures: Tensor, labels: Tensor) -> Part:
    x = pictures.permute(0, 2, 3, 1).contiguous().numpy()
    y = labels.numpy().astype(np.uint8)
    return (x[..., 0], y) if x.shape[-1] == 1 else (x, y[:, np.newaxis])


cifar10 = Known("cifar10")
cifar100 = Known("cifar100")
fashion_mnist = Known("fashion-mnist")
mnist = Known("mnist")
sample = Known("sample")


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise MissingError(f"datasets.{name}", "`striate datasets` lists what has a name")
