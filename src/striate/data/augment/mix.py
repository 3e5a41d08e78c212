"""Mixing two samples: pictures and labels alike.

Every sample is mixed with its successor in the batch (the last with the first); a loader's batches
are in random order, so this is as good a partner as any. Shares and boxes depend on the sample
alone; the partner is the one thing that depends on which samples share a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from striate.data.augment.erase import inside
from striate.data.augment.limits import check_range
from striate.data.augment.spread import beta_quantile
from striate.data.augment.stream import Stream
from striate.errors import ArgumentError

# Draws of their own, whatever policy ran before.
_MIXUP, _CUTMIX = 0xFFFF, 0xFFFE


@dataclass(frozen=True)
class MixUp:
    """Weighted means of two pictures (Zhang and others, 2017); weights are Beta(alpha, alpha)."""

    alpha: float = 0.2

    def __post_init__(self) -> None:
        check_range("alpha", self.alpha, 0.05, 2)

    def __call__(self, images: Tensor, labels: Tensor, stream: Stream) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) and soft labels (B, K) to the same of the mixtures."""
        _check(images, labels, stream)
        share = beta_quantile(stream.uniform(_MIXUP, 1)[:, 0], self.alpha)
        floats = images if images.is_floating_point() else images.float()
        own = share.to(floats.device, floats.dtype)[:, None, None, None]
        mixed = floats * own + floats.roll(-1, 0) * (1 - own)
        if images.dtype == torch.uint8:
            mixed = mixed.round_().to(torch.uint8)
        return mixed, _soft(labels, share)


@dataclass(frozen=True)
class CutMix:
    """A box of one picture in another (Yun and others, 2019).

    The box covers a share of the area that is Beta(alpha, alpha), in the picture's proportions; its
    middle lies anywhere, and labels are weighted by the part of it that lies inside.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        check_range("alpha", self.alpha, 0.05, 2)

    def __call__(self, images: Tensor, labels: Tensor, stream: Stream) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) and soft labels (B, K) to the same of the mixtures."""
        _check(images, labels, stream)
        uniform = stream.uniform(_CUTMIX, 3)
        height, width = images.shape[2:]
        side = beta_quantile(uniform[:, 0], self.alpha).sqrt()
        x0, x1 = _edges(uniform[:, 1], side, width)
        y0, y1 = _edges(uniform[:, 2], side, height)
        share = 1 - (x1 - x0) * (y1 - y0) / (height * width)
        boxes = torch.stack((x0, y0, x1, y1), dim=1).to(images.device)
        mixed = torch.where(inside(boxes, height, width), images.roll(-1, 0), images)
        return mixed, _soft(labels, share)


def _edges(uniform: Tensor, side: Tensor, length: int) -> tuple[Tensor, Tensor]:
    middle, half = (uniform * length).floor(), (side * length / 2).floor()
    return (middle - half).clamp(0, length), (middle + half).clamp(0, length)


def _soft(labels: Tensor, share: Tensor) -> Tensor:
    own = share.to(labels.device, labels.dtype)[:, None]
    return labels * own + labels.roll(-1, 0) * (1 - own)


def _check(images: Tensor, labels: Tensor, stream: Stream) -> None:
    if images.ndim != 4 or not (images.dtype == torch.uint8 or images.is_floating_point()):
        found = f"{images.dtype} {tuple(images.shape)}"
        raise ArgumentError("images", found, "uint8 or floats (B, C, H, W)")
    if labels.ndim != 2 or not labels.is_floating_point() or len(labels) != len(images):
        found = f"{labels.dtype} {tuple(labels.shape)}"
        remedy = "torch.nn.functional.one_hot(labels, classes).float() makes them"
        raise ArgumentError("labels", found, f"float ({len(images)}, classes)", remedy=remedy)
    if len(stream) != len(images):
        raise ArgumentError("stream", f"{len(stream)} ids", f"{len(images)}, one a picture")
