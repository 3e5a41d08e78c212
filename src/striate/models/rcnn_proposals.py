"""The region proposal network: where on the pictures might something be?

Part of Faster R-CNN (`rcnn`). Anchors, boxes of a few sizes and shapes, stand at every position of
every map; two 1x1 convolutions say how likely an object is and how to move the anchor onto it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.layers import boxes
from striate.models.rcnn_targets import (
    Matching,
    Sampling,
    Target,
    box_loss,
    objects_of,
)

RATIOS = (0.5, 1.0, 2.0)
"""Height over width of the anchors of each size."""
OVERLAP = 0.7
SMALLEST = 1e-3
Size = tuple[int, int]


class Anchored(NamedTuple):
    """What the network says of every anchor of a batch."""

    anchors: Tensor
    """(N, 4), on every picture alike."""
    logits: Tensor
    """(B, N)."""
    offsets: Tensor
    """(B, N, 4)."""
    counts: tuple[int, ...]
    """How many of the N stand on each map."""


class Proposals(NamedTuple):
    """The same number of boxes for every picture, the best first."""

    boxes: Tensor
    """(B, P, 4)."""
    real: Tensor
    """(B, P): whether there is a proposal, or only a place left over."""


class ProposalHead(nn.Module):
    """(B, C, H, W) -> (B, A, H, W) logits, (B, 4 A, H, W) offsets; shared by all maps."""

    def __init__(self, channels: int, anchors: int) -> None:
        super().__init__()
        conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv = nn.Sequential(nn.Sequential(conv, nn.ReLU(inplace=True)))
        self.cls_logits = nn.Conv2d(channels, anchors, 1)
        self.bbox_pred = nn.Conv2d(channels, 4 * anchors, 1)
        for layer in (conv, self.cls_logits, self.bbox_pred):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.constant_(layer.bias, 0)  # type: ignore[arg-type]  # all three have one

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) -> (B, A, H, W), (B, 4 A, H, W)."""
        x = self.conv(x)
        return self.cls_logits(x), self.bbox_pred(x)


class ProposalNet(nn.Module):
    """Maps of a batch to what it says of every anchor; `propose` then makes boxes of that.

    `sides` are the anchors' sizes on each map, in pixels; scores below `least` propose nothing.
    """

    matching = Matching(0.7, 0.3, rescue=True)
    sampling = Sampling(256, 0.5)
    most = 1000
    most_training = 2000

    def __init__(self, channels: int, sides: Sequence[tuple[int, ...]], least: float = 0.0) -> None:
        super().__init__()
        self.head = ProposalHead(channels, len(RATIOS) * len(sides[0]))
        self.sides = tuple(sides)
        self.least = least

    def forward(self, maps: Sequence[Tensor], size: Size) -> Anchored:
        """Maps (B, C, H_l, W_l) of pictures padded to `size` -> logits and offsets of N anchors."""
        answers = [self.head(one) for one in maps]
        anchors = [
            anchors_on(one, size, sides) for one, sides in zip(maps, self.sides, strict=True)
        ]
        return Anchored(
            torch.cat(anchors),
            torch.cat([_by_anchor(logits, 1) for logits, _ in answers], 1).squeeze(2),
            torch.cat([_by_anchor(offsets, 4) for _, offsets in answers], 1),
            tuple(map(len, anchors)),
        )

    @torch.no_grad()
    def propose(self, said: Anchored, sizes: Sequence[Size]) -> Proposals:
        """The best boxes of each map that overlap no better one much, on pictures of `sizes`.

        `most` of each map go in, `most_training` while training; as many of all come out.
        """
        most = self.most_training if self.training else self.most
        levels = said.logits.split(said.counts, 1)
        tops = [one.topk(min(most, one.shape[1]), 1).indices for one in levels]
        starts = [sum(said.counts[:level]) for level in range(len(tops))]
        chosen = torch.cat([top + start for top, start in zip(tops, starts, strict=True)], 1)
        level = torch.cat([torch.full_like(top[0], index) for index, top in enumerate(tops)])
        offsets = said.offsets.gather(1, chosen[..., None].expand(-1, -1, 4))
        found = boxes.decode(offsets, said.anchors[chosen])
        found = torch.stack([boxes.clip(*pair) for pair in zip(found, sizes, strict=True)])
        scores = said.logits.gather(1, chosen).sigmoid()
        real = boxes.large(found, SMALLEST) & (scores >= self.least)
        scores = scores.masked_fill(~real, -math.inf)
        picture = torch.arange(len(found), device=found.device)[:, None]
        groups = picture * len(tops) + level
        kept = boxes.survivors(found.flatten(0, 1), scores.flatten(), groups.flatten(), OVERLAP)
        scores = scores.masked_fill(~kept.view_as(scores), -math.inf)
        order = scores.sort(dim=1, stable=True, descending=True).indices[:, :most]
        return Proposals(found[picture, order], scores.gather(1, order) > -math.inf)

    def losses(self, said: Anchored, targets: Sequence[Target]) -> tuple[Tensor, Tensor]:
        """Object or not (cross-entropy), and where (smooth L1), of 256 anchors a picture."""
        rights, pulls, wanted, samples = [], [], [], 0
        for logits, offsets, target in zip(said.logits, said.offsets, targets, strict=True):
            matched = self.matching.match(said.anchors, target.boxes)
            drawn = self.sampling.draw(matched)
            objects = drawn[matched[drawn] >= 0]
            rights.append((logits[drawn], (matched[drawn] >= 0).to(logits.dtype)))
            pulls.append(offsets[objects])
            nearest = objects_of(target, matched[objects])
            wanted.append(boxes.encode(nearest, said.anchors[objects]))
            samples += len(drawn)
        logits, right = (torch.cat(column) for column in zip(*rights, strict=True))
        objectness = F.binary_cross_entropy_with_logits(logits, right)
        return objectness, box_loss(torch.cat(pulls), torch.cat(wanted), samples)


def anchors_on(one: Tensor, size: Size, sides: tuple[int, ...]) -> Tensor:
    """A map (B, C, H, W) of pictures of `size` -> (H W A, 4), in the order row, column, shape.

    Each is centred on its position's first pixel and rounded to whole pixels. Positions are
    size // H apart, which on maps that do not divide the picture is less than their stride.
    """
    ratio = torch.tensor(RATIOS, dtype=one.dtype, device=one.device).sqrt()
    side = torch.tensor(sides, dtype=one.dtype, device=one.device)
    heights, widths = (ratio[:, None] * side).flatten(), (1 / ratio[:, None] * side).flatten()
    shapes = (torch.stack([-widths, -heights, widths, heights], 1) / 2).round()
    rows, columns = one.shape[2:]
    y = torch.arange(rows, device=one.device) * (size[0] // rows)
    x = torch.arange(columns, device=one.device) * (size[1] // columns)
    y, x = torch.meshgrid(y, x, indexing="ij")
    corners = torch.stack([x, y, x, y], -1).reshape(-1, 1, 4).to(one.dtype)
    return (corners + shapes).reshape(-1, 4)


def _by_anchor(x: Tensor, numbers: int) -> Tensor:
    """(B, A numbers, H, W) -> (B, H W A, numbers)."""
    return x.unflatten(1, (-1, numbers)).permute(0, 3, 4, 1, 2).flatten(1, 3)  # type: ignore[no-any-return]
