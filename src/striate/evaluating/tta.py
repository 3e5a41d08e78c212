"""Several views of each picture at test time, by whose probabilities together it is judged.

`flip` is the picture and its mirror image; `five` the four corners and the centre of a larger one;
`ten` these and their mirror images (Krizhevsky, Sutskever, Hinton 2012).
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from striate.data.augment import mirrored, ten_crop
from striate.errors import ArgumentError, unknown_name
from striate.preprocess import Preprocess

VIEWS = {"flip": 2, "five": 5, "ten": 10}
"""The kinds, and how many views each makes."""

_LARGER = 8 / 7  # 256 pixels for 224, as in the paper


def larger(preprocess: Preprocess, kind: str) -> Preprocess:
    """The record by which pictures come in at the size that `views` of this kind cut from.

    `flip` takes them as they are. For crops the sides grow by 8/7; what `crop` would have cut off
    at the edges comes back, so that the views keep the scale the network knows.
    """
    _check(kind)
    if kind == "flip":
        return preprocess
    height, width = (round(side * _LARGER) for side in preprocess.size)
    share = min(1.0, preprocess.crop_share * _LARGER)
    return replace(preprocess, size=(height, width), crop_share=share)


def views(pixels: Tensor, kind: str, size: tuple[int, int]) -> list[Tensor]:
    """Pixels (B, C, H, W), uint8 or not -> the views, each (B, C, *size).

    For `flip` the pixels have that size already; crops are cut from larger ones.
    """
    _check(kind)
    if kind == "flip":
        if tuple(pixels.shape[2:]) != tuple(size):
            raise ArgumentError("pixels", tuple(pixels.shape), f"pictures of {tuple(size)}")
        return list(mirrored(pixels).unbind(1))
    return list(ten_crop(pixels, size).unbind(1))[: VIEWS[kind]]


def _check(kind: str) -> None:
    if kind not in VIEWS:
        raise unknown_name("kind of views", kind, VIEWS)
