"""Boxes in plain tensors: overlap, offsets between boxes, and non-maximum suppression.

A box is (x1, y1, x2, y2) in pixels, its far edges not included: it is x2 - x1 wide. Boxes are
`(..., 4)`, of floating point. Girshick et al., "Rich feature hierarchies", CVPR 2014 (offsets,
suppression by class); Ren et al., "Faster R-CNN", NIPS 2015.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from striate.errors import ArgumentError

Weights = tuple[float, float, float, float]

GROWTH = math.log(1000 / 16)
"""The largest logarithm of growth that `decode` believes: a 16-pixel box becomes 1000 wide."""

_BLOCK = 128
"""Boxes that are compared with all behind them at once."""


def area(boxes: Tensor) -> Tensor:
    """(..., 4) -> (...): width x height."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def iou(boxes: Tensor, others: Tensor) -> Tensor:
    """(N, 4), (M, 4) -> (N, M): area of the intersection over area of the union.

    Two boxes without area overlap by 0/0: NaN, which is above no threshold.
    """
    # Each coordinate by itself, so that the inner loops run along memory: three times as fast.
    left, top, right, bottom = boxes.t()[..., None]
    lefts, tops, rights, bottoms = others.t().contiguous()
    width = (torch.minimum(right, rights) - torch.maximum(left, lefts)).clamp(min=0)
    height = (torch.minimum(bottom, bottoms) - torch.maximum(top, tops)).clamp(min=0)
    common = width * height
    return common / (area(boxes)[:, None] + area(others) - common)


def encode(boxes: Tensor, references: Tensor, weights: Weights = (1, 1, 1, 1)) -> Tensor:
    """(..., 4), (..., 4) -> (..., 4): the offsets that turn the references into the boxes.

    weights * (dx / w, dy / h, log(w' / w), log(h' / h)): the way from centre to centre in units
    of the reference's size, and the growth.
    """
    centre, size = _centre_size(boxes)
    reference_centre, reference_size = _centre_size(references)
    way = (centre - reference_centre) / reference_size
    offsets = torch.cat([way, torch.log(size / reference_size)], -1)
    return offsets * offsets.new_tensor(weights)


def decode(offsets: Tensor, references: Tensor, weights: Weights = (1, 1, 1, 1)) -> Tensor:
    """(..., 4), (..., 4) -> (..., 4): the boxes that the offsets make of the references.

    The inverse of `encode`, up to a growth of 62.5.
    """
    plain = offsets / offsets.new_tensor(weights)
    centre, size = _centre_size(references)
    centre = centre + plain[..., :2] * size
    half = size * plain[..., 2:].clamp(max=GROWTH).exp() / 2
    return torch.cat([centre - half, centre + half], -1)


def clip(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """(..., 4) -> (..., 4): the part of each box inside a picture of size (height, width)."""
    height, width = size
    x, y = boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)
    return torch.stack([x, y], -1).flatten(-2)


def large(boxes: Tensor, side: float) -> Tensor:
    """(..., 4) -> (...): whether both sides of a box have at least this length."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return torch.all(sides >= side, -1)


def nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """(N, 4), (N,) -> (K,): indices of the boxes that survive, best first.

    Greedy non-maximum suppression: the best box stays, those that overlap it by more than the
    threshold go, and so on with the best that is left. Of equal scores the earlier box is better.
    """
    return batched_nms(boxes, scores, torch.zeros_like(scores, dtype=torch.int64), threshold)


def batched_nms(boxes: Tensor, scores: Tensor, groups: Tensor, threshold: float) -> Tensor:
    """(N, 4), (N,), (N,) -> (K,): as `nms`, but boxes of different groups leave each other alone.

    `groups` are whole numbers: the class of each box, say.
    """
    _check(boxes, scores, groups)
    kept = survivors(boxes, scores, groups, threshold).nonzero().flatten()
    return kept[scores[kept].sort(stable=True, descending=True).indices]  # type: ignore[no-any-return]


# An operator, so that symbolic runs and exported programs know its result's shape beforehand.
@torch.library.custom_op("striate::survivors", mutates_args=())
def survivors(boxes: Tensor, scores: Tensor, groups: Tensor, threshold: float) -> Tensor:
    """(N, 4), (N,), (N,) -> (N,) bool: the boxes that `batched_nms` keeps.

    Boxes with score -inf are not there: they neither stay nor suppress.
    """
    kept = torch.zeros_like(scores, dtype=torch.bool)
    order = scores.sort(stable=True, descending=True).indices
    order = order[scores[order] > -math.inf]
    sorted_groups, by_group = groups[order].sort(stable=True)
    counts = sorted_groups.unique_consecutive(return_counts=True)[1].tolist()
    for members in order[by_group].split(counts):
        kept[members[_greedy(boxes[members], threshold)]] = True
    return kept


@survivors.register_fake
def _(boxes: Tensor, scores: Tensor, groups: Tensor, threshold: float) -> Tensor:
    return torch.empty_like(scores, dtype=torch.bool)


def _greedy(boxes: Tensor, threshold: float) -> Tensor:
    """(N, 4), best first -> (K,): indices of those that survive, ascending."""
    alive = torch.arange(len(boxes), device=boxes.device)
    kept = []
    while len(alive):
        block, alive = alive[:_BLOCK], alive[_BLOCK:]
        block = block[_undominated(iou(boxes[block], boxes[block]) > threshold)]
        kept.append(block)
        alive = alive[~(iou(boxes[block], boxes[alive]) > threshold).any(0)]
    return torch.cat(kept) if kept else alive


def _undominated(above: Tensor) -> Tensor:
    """(N, N) bool, whether two boxes are too close, best first -> (N,) bool: who survives.

    A box goes if a better one that stays is too close. Asking so of all boxes at once, again and
    again, settles at least one more box each time, and usually all in a few rounds.
    """
    better = above.triu(1)
    kept = torch.ones(len(above), dtype=torch.bool, device=above.device)
    while True:
        again = ~(better & kept[:, None]).any(0)
        if torch.equal(again, kept):
            return kept
        kept = again


def _centre_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    size = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + size / 2, size


def _check(boxes: Tensor, scores: Tensor, groups: Tensor) -> None:
    if boxes.ndim != 2 or boxes.shape[-1] != 4:
        raise ArgumentError("boxes", tuple(boxes.shape), "boxes (N, 4)")
    for name, values in (("scores", scores), ("groups", groups)):
        if values.shape != boxes.shape[:1]:
            expected = f"one number for each of the {len(boxes)} boxes"
            raise ArgumentError(name, tuple(values.shape), expected)
