"""From NumPy arrays in Keras' order to what the training loop takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data.loader import Loader
from striate.data.order import Order
from striate.data.stores import MemoryStore
from striate.errors import ArgumentError
from striate.sequential.base import Shape, outer_shape
from striate.training import Loss

Array = NDArray[Any]


class Classifier(nn.Module):
    """Batches as a loader gives them, four axes always, to one logit a class.

    A network with one sigmoid unit of logit z has two classes with logits 0 and z.
    """

    def __init__(self, net: nn.Module, shape: Shape, binary: bool) -> None:
        super().__init__()
        self.net, self.shape, self.binary = net, shape, binary

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) -> (B, classes)."""
        logits: Tensor = self.net(x.reshape(len(x), *self.shape))
        return torch.cat([torch.zeros_like(logits), logits], 1) if self.binary else logits


class CountingLoss(Loss):
    """A loss that counts how many of the samples it sees are right."""

    def __init__(self, *, smoothing: float = 0.0, weights: Tensor | None = None) -> None:
        super().__init__(smoothing=smoothing, weights=weights)
        self._right, self._seen = 0, 0

    def __call__(self, logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """See `Loss`."""
        self._right += int(((logits.argmax(1) == labels) & mask).sum())
        self._seen += int(mask.sum())
        return super().__call__(logits, labels, mask)

    def take_accuracy(self) -> float:
        """The share right since the last time it was asked."""
        share = self._right / max(1, self._seen)
        self._right, self._seen = 0, 0
        return share


def as_float(batch: Tensor) -> Tensor:
    """Numbers as they are: Keras' models scale nothing, and neither does this front."""
    return batch.float()


def samples(x: Array, shape: Shape) -> Tensor:
    """`(N, H, W, C)` to `(N, C, H, W)`, not copied where it is uint8 or float32.

    Grey pictures may come without their one channel.
    """
    array = np.asarray(x)
    if array.dtype.kind not in "buif":
        raise ArgumentError("x", array.dtype, "an array of numbers")
    if array.ndim == len(shape) and shape[0] == 1:
        array = array[..., np.newaxis]
    if array.shape[1:] != outer_shape(shape):
        sizes = ", ".join(map(str, outer_shape(shape)))
        raise ArgumentError("x", array.shape, f"(samples, {sizes})")
    if array.dtype not in (np.uint8, np.float32):
        array = array.astype(np.float32)
    array = np.ascontiguousarray(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy()).movedim(-1, 1)


def labels(y: Array, count: int, classes: int) -> Tensor:
    """Class numbers `(N,)` or `(N, 1)`, or one-hot `(N, classes)`, to `(N,)`."""
    array = np.asarray(y)
    if array.dtype.kind not in "buif" or len(array) != count:
        what = (array.dtype, array.shape)
        raise ArgumentError("y", what, f"{count} labels, one a sample")
    if array.ndim == 2 and array.shape[1] == classes > 1:
        if not (np.isin(array, (0, 1)).all() and (array.sum(1) == 1).all()):
            raise ArgumentError("y", "mixed labels", "one 1 a row: soft labels are not taken")
        return torch.from_numpy(array.argmax(1).astype(np.int64))
    if array.size != count:
        expected = f"({count},) class numbers, or one-hot ({count}, {classes})"
        raise ArgumentError("y", array.shape, expected)
    given = array.reshape(-1)
    numbers = given.astype(np.int64)
    wrong = given[(numbers != given) | (numbers < 0) | (numbers >= classes)]
    if len(wrong):
        raise ArgumentError("y", wrong[0].item(), f"whole numbers from 0 to {classes - 1}")
    return torch.from_numpy(numbers)


def loader(
    x: Tensor, y: Tensor, order: Order, device: torch.device, part: Tensor | None = None
) -> Loader:
    """Batches of samples `(N, C, ...)` with their labels."""
    four = x if x.ndim == 4 else x.flatten(1)[:, :, None, None]
    return Loader(MemoryStore(four), y, order, normalise=as_float, part=part, device=device)
