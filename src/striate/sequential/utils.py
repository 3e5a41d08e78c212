"""`keras.utils`, as far as the listings call it; the name is Keras'."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate.errors import ArgumentError
from striate.sequential.base import MissingError


def to_categorical(
    x: NDArray[Any] | Sequence[int], num_classes: int | None = None
) -> NDArray[np.float32]:
    """Class numbers `(N,)` to one-hot rows `(N, num_classes)`; by default as many as occur."""
    numbers = np.asarray(x).astype(np.int64)
    if numbers.ndim > 1 and numbers.shape[-1] == 1:
        numbers = numbers[..., 0]
    classes = int(numbers.max()) + 1 if num_classes is None else num_classes
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < classes:
        found = (int(numbers.min()), int(numbers.max()))
        raise ArgumentError("x", found, f"class numbers from 0 to {classes - 1}")
    return np.eye(classes, dtype=np.float32)[numbers]


def set_random_seed(seed: int) -> None:
    """Make all that follows repeatable: Python's, NumPy's and torch's random numbers."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise MissingError(f"utils.{name}", "There are to_categorical and set_random_seed")
