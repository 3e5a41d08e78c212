"""Several views of one picture, whose predictions are averaged at test time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from striate.errors import ArgumentError


def ten_crop(images: Tensor, size: tuple[int, int]) -> Tensor:
    """AlexNet's ten views: (B, C, H, W) to (B, 10, C, *size).

    The four corners (top left, top right, bottom left, bottom right), the centre, and then the
    mirror images of these five, in the same order.
    """
    height, width = size
    spare_y, spare_x = images.shape[2] - height, images.shape[3] - width
    if min(height, width) < 1 or spare_y < 0 or spare_x < 0:
        raise ArgumentError("size", size, f"at most {tuple(images.shape[2:])}, at least 1")
    corners = [(y, x) for y in (0, spare_y) for x in (0, spare_x)]
    # Half a pixel is left to the top left, as torchvision does.
    places = [*corners, (round(spare_y / 2), round(spare_x / 2))]
    crops = torch.stack([images[:, :, y : y + height, x : x + width] for y, x in places], dim=1)
    return torch.cat((crops, crops.flip(4)), dim=1)


def mirrored(images: Tensor) -> Tensor:
    """A picture and its mirror image: (B, C, H, W) to (B, 2, C, H, W)."""
    return torch.stack((images, images.flip(3)), dim=1)


def averaged(predict: Callable[[Tensor], Tensor], views: Tensor) -> Tensor:
    """The mean of the predictions for all views of a picture, in one pass.

    `views` is (B, V, C, H, W); `predict` maps (N, C, H, W) to (N, ...), best probabilities.
    """
    if views.ndim != 5:
        raise ArgumentError("views", tuple(views.shape), "(B, V, C, H, W)")
    predictions = predict(views.flatten(0, 1))
    return predictions.view(*views.shape[:2], *predictions.shape[1:]).mean(1)
