"""What the data decide: the size pictures come to, their bands, their mean and spread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from striate.data import Dataset, Files, Unreadable, decode
from striate.errors import WRONG_INPUT, StriateError
from striate.preprocess import Preprocess

_LOOKED_AT = 200
_SMALL = 64
_LARGE = 224


def preprocess_for(data: Dataset, part: Tensor) -> Preprocess:
    """The record for a data set, from its training part alone.

    Pictures that are all of one small size keep it; others come to 224 pixels, or to 64 where
    half of them are no larger. Grey stays grey. Files are judged by 200 of them, spread evenly.
    """
    if isinstance(data.pictures, Tensor):
        return _with_spread(data.pictures.shape[2:], data.pictures[part])
    chosen = part[torch.linspace(0, len(part) - 1, min(_LOOKED_AT, len(part))).long()]
    pictures = _readable(data.pictures, chosen.tolist())
    size = _size([picture.size for picture in pictures])
    grey = all(_is_grey(picture) for picture in pictures)
    blank = Preprocess(size, 1 if grey else 3, *((0.5,) * (1 if grey else 3),) * 2)
    return _with_spread(size, torch.stack([blank.pixels(picture) for picture in pictures]))


def _readable(files: Files, indices: Sequence[int]) -> list[Image.Image]:
    pictures = []
    for index in indices:
        try:
            pictures.append(decode(files.path(index)))
        except Unreadable:  # the loader names it, with the reason
            continue
    if not pictures:
        raise StriateError(
            f"none of {len(indices)} files looked at is a picture that can be read",
            where=str(files.root),
            exit_code=WRONG_INPUT,
        )
    return pictures


def _size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    width, height = sizes[0]
    if len(set(sizes)) == 1 and max(sizes[0]) <= _SMALL:
        return height, width
    middle = float(np.median([min(size) for size in sizes]))
    return (_SMALL, _SMALL) if middle <= _SMALL else (_LARGE, _LARGE)


def _is_grey(picture: Image.Image) -> bool:
    return picture.mode in ("1", "L", "LA") or picture.mode.startswith("I;16")


def _with_spread(size: Sequence[int], pictures: Tensor) -> Preprocess:
    """The record for uint8 pictures `(N, C, H, W)`; a band that never changes has spread 1."""
    # Sums of whole numbers, so that neither order nor threads can change a digit.
    sums, squares = 0, 0
    for piece in pictures.split(4096):
        whole = piece.to(torch.int64)
        sums = sums + whole.sum((0, 2, 3))
        squares = squares + whole.square().sum((0, 2, 3))
    count = pictures.numel() // pictures.shape[1]
    means = (torch.as_tensor(sums).double() / count).tolist()
    powers = (torch.as_tensor(squares).double() / count).tolist()
    spreads = [max(p - m * m, 0.0) ** 0.5 for m, p in zip(means, powers, strict=True)]
    return Preprocess(
        size=(size[0], size[1]),
        channels=pictures.shape[1],
        mean=tuple(mean / 255 for mean in means),
        std=tuple(spread / 255 or 1.0 for spread in spreads),
    )
