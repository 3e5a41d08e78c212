"""What a detector learns from: which boxes stand for which objects, a balanced sample, the loss.

Part of Faster R-CNN (`rcnn`); both its halves learn in this way, with different thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.errors import ArgumentError
from striate.layers import boxes

BACKGROUND = -1
BETWEEN = -2


class Target(NamedTuple):
    """The objects on one picture."""

    boxes: Tensor
    """(G, 4): x1, y1, x2, y2 in pixels of the picture; G may be 0."""
    labels: Tensor
    """(G,): whole numbers from 1 to classes - 1; 0 is the background."""


class Matching(NamedTuple):
    """The overlaps from which a box counts as an object, and below which as background."""

    high: float
    low: float
    rescue: bool
    """Whether an object that no box reaches `high` for keeps the best it has."""

    def match(self, found: Tensor, objects: Tensor) -> Tensor:
        """Boxes (N, 4), objects (G, 4) -> (N,): each box's object, `BACKGROUND` or `BETWEEN`."""
        if not len(objects):
            return torch.full((len(found),), BACKGROUND, device=found.device)
        overlaps = boxes.iou(objects, found)
        best, nearest = overlaps.max(0)
        matched = torch.where(best < self.high, BETWEEN, nearest)
        matched = torch.where(best < self.low, BACKGROUND, matched)
        if not self.rescue:
            return matched
        most = overlaps.amax(1, keepdim=True)
        rescued = ((overlaps == most) & (most > 0)).any(0)
        return torch.where(rescued, nearest, matched)


class Sampling(NamedTuple):
    """How many boxes of a picture are learnt from, and at most which share of them objects."""

    most: int
    share: float

    def draw(self, matched: Tensor) -> Tensor:
        """(N,) as `match` answers -> (K,): indices, drawn by torch's global generator."""
        positive = (matched >= 0).nonzero().flatten()
        negative = (matched == BACKGROUND).nonzero().flatten()
        positive = _some(positive, int(self.most * self.share))
        return torch.cat([positive, _some(negative, self.most - len(positive))])


def objects_of(target: Target, matched: Tensor) -> Tensor:
    """Matches (N,) -> (N, 4): each box's object; any box at all where it has none."""
    if not len(target.boxes):
        return target.boxes.new_zeros(len(matched), 4)
    return target.boxes[matched.clamp(min=0)]


def box_loss(offsets: Tensor, wanted: Tensor, samples: int) -> Tensor:
    """(K, 4), (K, 4) -> (): smooth L1 that turns linear at 1/9, summed, per sample drawn."""
    return F.smooth_l1_loss(offsets, wanted, beta=1 / 9, reduction="sum") / max(samples, 1)


def check_targets(
    targets: Sequence[Target] | None, pictures: int, classes: int
) -> Sequence[Target]:
    """The targets if there is a sound one for each picture."""
    if targets is None or len(targets) != pictures:
        expected = f"a Target for each of the {pictures} pictures while training"
        raise ArgumentError("targets", targets, expected)
    for one in targets:
        if one.boxes.ndim != 2 or one.boxes.shape[1] != 4:
            raise ArgumentError("targets", tuple(one.boxes.shape), "boxes (G, 4)")
        if one.labels.shape != one.boxes.shape[:1]:
            expected = f"one label for each of the {len(one.boxes)} boxes"
            raise ArgumentError("targets", tuple(one.labels.shape), expected)
        if not (one.boxes[:, 2:] > one.boxes[:, :2]).all():
            raise ArgumentError("targets", one.boxes.tolist(), "boxes with x1 < x2 and y1 < y2")
        if ((one.labels < 1) | (one.labels >= classes)).any():
            raise ArgumentError("targets", one.labels.tolist(), f"labels from 1 to {classes - 1}")
    return targets


def _some(indices: Tensor, most: int) -> Tensor:
    return indices[torch.randperm(len(indices), device=indices.device)[:most]]
