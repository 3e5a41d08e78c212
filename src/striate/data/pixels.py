"""The one function from a file to pixels; training, prediction, export and server all call it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from striate.data.decode import converting, decode
from striate.preprocess import Preprocess

if TYPE_CHECKING:
    from torch import Tensor


def pixels_of(source: Path | bytes, preprocess: Preprocess) -> Tensor:
    """A file, or its bytes, to uint8 `(C, H, W)` as the record says."""
    return preprocess.tensor(raw_of(source, preprocess))


def raw_of(source: Path | bytes, preprocess: Preprocess) -> bytes:
    """The same pixels as bytes `(H, W, C)`: the task of a decode worker, who has no torch.

    `preprocess.tensor` makes of them what `pixels_of` gives.
    """
    image = decode(source, at_least=preprocess.at_least)
    with converting("" if isinstance(source, bytes) else str(source)):
        return preprocess.raw(image)
