"""RoIAlign: a map's content under each of many boxes, as patches of one size.

He, Gkioxari, Dollar, Girshick, "Mask R-CNN", ICCV 2017; for pyramids of maps Lin et al., "Feature
Pyramid Networks for Object Detection", CVPR 2017. Coordinates are those of the Faster R-CNN
weights that are published: a map's pixel i lies at i, not at i + 1/2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.errors import ArgumentError
from striate.layers import arguments, boxes


def roi_align(
    maps: Sequence[Tensor],
    strides: Sequence[int],
    rois: Tensor,
    owners: Tensor,
    size: int = 7,
    samples: int = 2,
) -> Tensor:
    """L maps (B, C, H_l, W_l), boxes (K, 4) in pixels, (K,) -> patches (K, C, size, size).

    `owners` says which picture of the batch a box lies on. A box is cut into size x size bins; a
    bin is the mean of samples x samples points spread evenly in it, each interpolated between the
    four positions around it, and 0 where it is more than one position outside the map. Boxes of
    less than one position count as one. Of several maps, those of strides 2^k with ascending k, a
    box reads the one of `pyramid_levels`.

    Every bin is so a weighted sum of at most 4 samples^2 positions, which is what an embedding bag
    computes: one pass, without the samples in memory. Gradients reach the maps, and the boxes.
    """
    _check(maps, strides, rois, owners)
    arguments.whole("size", size)
    arguments.whole("samples", samples)
    levels = pyramid_levels(rois, strides)
    heights, widths = (levels.new_tensor([one.shape[axis] for one in maps]) for axis in (2, 3))
    rows_before = [sum(one[:, 0].numel() for one in maps[:end]) for end in range(len(maps))]
    height, width, start = heights[levels], widths[levels], levels.new_tensor(rows_before)[levels]
    scaled = rois / rois.new_tensor(strides)[levels, None]
    rows, row_weights = _taps(scaled[:, 1], scaled[:, 3], height, size, samples)
    columns, column_weights = _taps(scaled[:, 0], scaled[:, 2], width, size, samples)
    rows = (start + owners * height * width)[:, None, None] + rows * width[:, None, None]
    index = rows[:, :, None, :, None] + columns[:, None, :, None, :]
    weights = row_weights[:, :, None, :, None] * column_weights[:, None, :, None, :]
    # One table of positions: row (level, picture, y, x), column channel.
    table = torch.cat([one.permute(0, 2, 3, 1).flatten(0, 2) for one in maps])
    weights = weights.to(table.dtype).flatten(0, 2).flatten(1)
    patches = F.embedding_bag(
        index.flatten(0, 2).flatten(1), table, per_sample_weights=weights, mode="sum"
    )
    return patches.view(len(rois), size, size, maps[0].shape[1]).permute(0, 3, 1, 2)


def pyramid_levels(rois: Tensor, strides: Sequence[int]) -> Tensor:
    """(K, 4) -> (K,): which of the maps with these strides, 2^k for ascending k, a box reads.

    k = floor(4 + log2(sqrt(area) / 224)), or the nearest there is: a box as large as the picture
    of an ImageNet net reads the map of stride 16, one of half the side the map of stride 8.
    """
    sides = boxes.area(rois).clamp(min=0).sqrt()
    # The epsilon keeps sides such as 112 on their level whatever the rounding of the logarithm.
    wanted = torch.floor(4 + torch.log2(sides / 224) + 1e-6)
    finest = strides[0].bit_length() - 1
    return (wanted - finest).nan_to_num().clamp(0, len(strides) - 1).to(torch.int64)


def _taps(
    start: Tensor, end: Tensor, extent: Tensor, size: int, samples: int
) -> tuple[Tensor, Tensor]:
    """Along one axis, (K,) each -> positions and their weights, (K, size, 2 samples)."""
    length = (end - start).clamp(min=1)
    steps = torch.arange(size * samples, device=start.device, dtype=start.dtype)
    points = start[:, None] + (steps + 0.5) * (length / (size * samples))[:, None]
    limit = extent[:, None].to(start.dtype)
    inside = (points >= -1) & (points <= limit)
    points = torch.minimum(torch.where(inside, points, 0).clamp(min=0), limit - 1)
    below = points.floor()
    above = torch.minimum(below + 1, limit - 1)
    share = inside.to(points.dtype) / samples  # of the bin's mean, along this axis
    upper = points - below
    positions = torch.stack([below, above], -1).to(torch.int64)
    weights = torch.stack([(1 - upper) * share, upper * share], -1)
    return _binned(positions, size), _binned(weights, size)


def _binned(taps: Tensor, size: int) -> Tensor:
    """(K, size * samples, 2) -> (K, size, 2 samples)."""
    return taps.reshape(len(taps), size, 2 * (taps.shape[1] // size))


def _check(maps: Sequence[Tensor], strides: Sequence[int], rois: Tensor, owners: Tensor) -> None:
    if len({one.shape[:2] for one in maps}) != 1 or any(one.ndim != 4 for one in maps):
        shapes = [tuple(one.shape) for one in maps]
        raise ArgumentError("maps", shapes, "maps (B, C, H, W) of the same B and C")
    doubling = [strides[0] << index for index in range(len(maps))] if strides else None
    if list(strides) != doubling or strides[0].bit_count() != 1:
        expected = f"{len(maps)} powers of two, each twice the one before"
        raise ArgumentError("strides", list(strides), expected)
    if rois.ndim != 2 or rois.shape[1] != 4:
        raise ArgumentError("rois", tuple(rois.shape), "boxes (K, 4)")
    if owners.shape != rois.shape[:1]:
        expected = f"one index of a picture for each of the {len(rois)} boxes"
        raise ArgumentError("owners", tuple(owners.shape), expected)
