"""The second half of Faster R-CNN (`rcnn`): what is in a proposed box, and where exactly?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor

from striate.layers import boxes, roi_align
from striate.models.rcnn_proposals import Proposals, Size
from striate.models.rcnn_targets import Matching, Sampling, Target, box_loss, objects_of

WEIGHTS = (10.0, 10.0, 5.0, 5.0)
"""One over the usual size of the offsets, so that the losses weigh alike."""
PATCH = 7
LEAST_SCORE = 0.05
OVERLAP = 0.5
SMALLEST = 1e-2
MOST = 100


class Detection(NamedTuple):
    """What was found on one picture: D objects, the surest first."""

    boxes: Tensor
    """(D, 4): x1, y1, x2, y2 in pixels of the picture that came."""
    labels: Tensor
    """(D,): classes from 1; 0 is the background, which is never found."""
    scores: Tensor
    """(D,): probabilities above 0.05."""


class Judged(NamedTuple):
    """Draws of the proposals of a batch, one below the other."""

    boxes: list[Tensor]
    """Of each picture, (K, 4)."""
    labels: list[Tensor]
    """Of each picture, (K,): 0 where a box holds no object."""
    wanted: list[Tensor]
    """Of each picture, (K, 4): the offsets to each box's object."""


class BoxHead(nn.Module):
    """Patches (K, C, 7, 7) -> (K, width): two linear layers."""

    def __init__(self, channels: int, width: int = 1024) -> None:
        super().__init__()
        self.fc6 = nn.Linear(channels * PATCH * PATCH, width)
        self.fc7 = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(K, C, 7, 7) -> (K, width)."""
        return F.relu(self.fc7(F.relu(self.fc6(x.flatten(1)))))


class BoxPredictor(nn.Module):
    """(K, width) -> logits (K, classes), and an offset for each class (K, classes, 4)."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.cls_score = nn.Linear(width, classes)
        self.bbox_pred = nn.Linear(width, 4 * classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(K, width) -> (K, classes), (K, classes, 4)."""
        return self.cls_score(x), self.bbox_pred(x).unflatten(1, (-1, 4))


class RegionHeads(nn.Module):
    """Maps and boxes to logits and offsets; `detect` then makes detections of them."""

    matching = Matching(0.5, 0.5, rescue=False)
    sampling = Sampling(512, 0.25)

    def __init__(self, channels: int, strides: Sequence[int], classes: int) -> None:
        super().__init__()
        self.strides = tuple(strides)
        self.box_head = BoxHead(channels)
        self.box_predictor = BoxPredictor(self.box_head.fc7.out_features, classes)

    def forward(self, maps: Sequence[Tensor], found: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Maps (B, C, H_l, W_l), B times boxes (K_b, 4) -> (K, classes), (K, classes, 4).

        Boxes read the first of the maps, one for each of the strides.
        """
        rois = torch.cat(list(found))
        owners = torch.cat(
            [
                torch.full_like(some[:, 0], index, dtype=torch.int64)
                for index, some in enumerate(found)
            ]
        )
        patches = roi_align(maps[: len(self.strides)], self.strides, rois, owners, PATCH)
        return self.box_predictor(self.box_head(patches))  # type: ignore[no-any-return]

    def detect(
        self, answers: tuple[Tensor, Tensor], proposals: Proposals, sizes: Sequence[Size]
    ) -> list[Detection]:
        """What `forward` said of all proposals -> the objects on each picture."""
        logits, offsets = answers
        batch = proposals.real.shape
        scores = logits.softmax(1).unflatten(0, batch)
        offsets = offsets.unflatten(0, batch)
        found = boxes.decode(offsets, proposals.boxes[:, :, None], WEIGHTS)
        scores = scores.masked_fill(~proposals.real[..., None], 0)
        pictures = zip(found, scores, sizes, strict=True)
        return [_best(boxes.clip(one, size), score) for one, score, size in pictures]

    @torch.no_grad()
    def draw(self, proposals: Proposals, targets: Sequence[Target]) -> Judged:
        """512 boxes of each picture to learn from; the objects themselves are among them."""
        drawn = Judged([], [], [])
        for found, real, target in zip(*proposals, targets, strict=True):
            found = torch.cat([found[real], target.boxes])
            matched = self.matching.match(found, target.boxes)
            chosen = self.sampling.draw(matched)
            found, matched = found[chosen], matched[chosen]
            labels = torch.zeros_like(matched)
            labels[matched >= 0] = target.labels[matched[matched >= 0]]
            drawn.boxes.append(found)
            drawn.labels.append(labels)
            drawn.wanted.append(boxes.encode(objects_of(target, matched), found, WEIGHTS))
        return drawn

    def losses(self, answers: tuple[Tensor, Tensor], drawn: Judged) -> tuple[Tensor, Tensor]:
        """Which class (cross-entropy), and where (smooth L1 of the right class's offsets)."""
        logits, offsets = answers
        labels, wanted = torch.cat(drawn.labels), torch.cat(drawn.wanted)
        objects = labels.nonzero().flatten()
        place = box_loss(offsets[objects, labels[objects]], wanted[objects], len(labels))
        kind = F.cross_entropy(logits, labels, reduction="sum") / max(len(labels), 1)
        return kind, place


def _best(found: Tensor, scores: Tensor) -> Detection:
    """(P, classes, 4), (P, classes) of one picture -> the best that overlap no better one."""
    found, scores = found[:, 1:], scores[:, 1:]
    real = (scores > LEAST_SCORE) & boxes.large(found, SMALLEST)
    labels = torch.arange(1, scores.shape[1] + 1, device=scores.device).expand_as(scores)
    found, scores, labels = found.flatten(0, 1), scores.flatten(), labels.flatten()
    scores = scores.masked_fill(~real.flatten(), -math.inf)
    kept = boxes.survivors(found.detach(), scores.detach(), labels, OVERLAP)
    scores = scores.masked_fill(~kept, -math.inf)
    best = scores.sort(stable=True, descending=True).indices[:MOST]
    # A summary runs on shapes alone, which do not say how many: there all places stay.
    if torch.compiler.is_compiling() or not isinstance(best, FakeTensor):
        best = best[scores[best] > -math.inf]
    return Detection(found[best], labels[best], scores[best])
