"""What the data decide: the size pictures come to, how they fit it, bands, mean and spread."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from striate.data import Dataset, Files, Split, decode
from striate.data.split import sampled
from striate.errors import WRONG_INPUT, StriateError
from striate.preprocess import Preprocess

_LOOKED_AT = 100
_SMALL = 64
_LECTURED = 10  # pixels that the lectures' net needs
_LONG = 2.0
_LARGE = 224
_SEEN = 2 * _LARGE  # what is left of a large picture's shorter side, at least
_REDUCED = ("L", "RGB", "RGBA")
_PROBE = Preprocess((8, 8), 3, (0.5,) * 3, (0.5,) * 3)
"""Whether a picture has pixels that can be used shows only when they are taken."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the training pictures told: the record they suggest, and their shapes."""

    preprocess: Preprocess
    long: bool
    """Whether many are so long that scaling each side by itself would bend them out of shape."""

    @property
    def small(self) -> bool:
        """Whether they are of 64 pixels at most."""
        return max(self.preprocess.size) <= _SMALL

    @property
    def channels(self) -> int:
        """1 if all are grey, else 3."""
        return self.preprocess.channels


def look_at(data: Dataset, part: Tensor) -> Look:
    """Look at a data set's training part alone, and suggest a record.

    Pictures that are all of one small size keep it; others come to 224 pixels, or to 64 where
    half of them are no larger. Grey stays grey. They are squashed, which cuts nothing off, or come
    whole with a margin where a tenth are more than twice as long as wide, or as wide as long. Files
    are judged by 100 of them, spread evenly.
    """
    if isinstance(data.pictures, Tensor):
        return Look(_with_spread(data.pictures.shape[2:], data.pictures[part]), long=False)
    pictures = _readable(data.pictures, sampled(part, _LOOKED_AT).tolist())
    sizes = [picture.size for picture in pictures]
    size = _size(sizes)
    stretch = [max(w, h) * min(size) / (min(w, h) * max(size)) for w, h in sizes]
    long = float(np.quantile(stretch, 0.9)) > _LONG
    bands = 1 if all(_is_grey(picture) for picture in pictures) else 3
    fit = "pad" if long else "squash"
    plain = Preprocess(size, bands, (0.5,) * bands, (0.5,) * bands, fit)
    pixels = torch.stack([plain.pixels(picture) for picture in pictures])
    return Look(replace(_with_spread(size, pixels), fit=fit), long)


def default_model(size: tuple[int, int]) -> str:
    """A network for pictures of this size that a CPU can train."""
    if max(size) > _SMALL:
        return "mobilenet_v3_small"
    return "lecture_net" if size[0] == size[1] >= _LECTURED else "resnet20"


def check_enough(data: Dataset, cut: Split) -> None:
    """Refuse data that nothing can be learnt from, or whose learning nothing could be told of."""
    if len(data.classes) < 2:
        raise StriateError(
            f"has {len(data.classes)} class{'es' * (len(data.classes) != 1)}, and at least two are "
            "needed to tell one from another",
            where=data.provenance.source,
            remedy="Put the pictures of each class into a folder of its own",
            exit_code=WRONG_INPUT,
        )
    if not len(cut.val) or not len(cut.train):
        counts = data.labels[data.labels >= 0].bincount(minlength=len(data.classes)).tolist()
        few = min(zip(counts, data.classes, strict=True))
        raise StriateError(
            f"has too few pictures to learn from some and judge by others ({few[0]} of {few[1]!r})",
            where=data.provenance.source,
            remedy="Ten different ones of each class are the least",
            exit_code=WRONG_INPUT,
        )


def without_pictures(data: Dataset) -> list[str]:
    """The classes that no picture is of."""
    counts = data.labels[data.labels >= 0].bincount(minlength=len(data.classes)).tolist()
    return [name for name, count in zip(data.classes, counts, strict=True) if not count]


def _readable(files: Files, indices: Sequence[int]) -> list[Image.Image]:
    with ThreadPoolExecutor() as pool:
        found = pool.map(_picture, (files.path(index) for index in indices))
        pictures = [picture for picture in found if picture]
    if not pictures:
        raise StriateError(
            f"none of {len(indices)} files looked at is a picture that can be read",
            where=str(files.root),
            exit_code=WRONG_INPUT,
        )
    return pictures


def _picture(path: Path) -> Image.Image | None:
    """No larger than it takes: a hundred photographs as they come would fill the memory."""
    try:
        picture = decode(path, at_least=(_SEEN, _SEEN))
        _PROBE.pixels(picture)
    except StriateError:  # the loader names it, with the reason
        return None
    factor = min(picture.size) // _SEEN
    return picture.reduce(factor) if factor > 1 and picture.mode in _REDUCED else picture


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
