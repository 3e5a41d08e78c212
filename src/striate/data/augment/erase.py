"""Operations that hide a part of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from striate.data.augment.limits import check_range, check_span
from striate.data.augment.op import Shape, Step
from striate.data.augment.spread import between, log_between


@dataclass(frozen=True)
class Cutout(Step):
    """A square of this share of the shorter side turns to one shade (DeVries and Taylor, 2017).

    Its middle lies anywhere in the picture, so that a part of it may fall outside.
    """

    side: float = 0.5
    probability: float = 1.0
    shade: float = 0.0

    def __post_init__(self) -> None:
        check_range("side", self.side, 0, 2)
        check_range("probability", self.probability, 0, 1)
        check_range("shade", self.shade, 0, 1)

    @property
    def draws(self) -> int:
        """Three: whether, and the middle."""
        return 3

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """Boxes: (B, 4)."""
        side = round(self.side * min(shape.height, shape.width))
        left = (uniform[:, 1] * shape.width).floor() - side // 2
        top = (uniform[:, 2] * shape.height).floor() - side // 2
        wanted = side * (uniform[:, 0] < self.probability)
        return torch.stack((left, top, left + wanted, top + wanted), dim=1)

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """Fill the boxes."""
        return fill(pixels, plan, self.shade * white)


@dataclass(frozen=True)
class Erase(Step):
    """Random erasing (Zhong and others, 2017): a box of random area and proportions in one shade.

    The box covers a share of the picture within `area`; the logarithm of its proportions is even
    within `aspect` (width over height). It lies wholly inside and is narrowed where it would not.
    """

    probability: float = 0.5
    area: tuple[float, float] = (0.02, 0.33)
    aspect: tuple[float, float] = (0.3, 3.3)
    shade: float = 0.5

    def __post_init__(self) -> None:
        check_range("probability", self.probability, 0, 1)
        check_span("area", self.area, 0, 1)
        check_span("aspect", self.aspect, 0.01, 100)
        check_range("shade", self.shade, 0, 1)

    @property
    def draws(self) -> int:
        """Five: whether, area, proportions, and a place each way."""
        return 5

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """Boxes: (B, 4)."""
        wanted = uniform[:, 0] < self.probability
        area = between(uniform[:, 1], *self.area) * shape.height * shape.width
        aspect = log_between(uniform[:, 2], *self.aspect)
        width = (area * aspect).sqrt().round().clamp(0, shape.width) * wanted
        height = (area / aspect).sqrt().round().clamp(0, shape.height) * wanted
        left = (uniform[:, 3] * (shape.width - width + 1)).floor()
        top = (uniform[:, 4] * (shape.height - height + 1)).floor()
        return torch.stack((left, top, left + width, top + height), dim=1)

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """Fill the boxes."""
        return fill(pixels, plan, self.shade * white)


def fill(pixels: Tensor, boxes: Tensor, value: float) -> Tensor:
    """One value inside boxes (B, 4): left, top, and the first column and row beyond."""
    if pixels.dtype == torch.uint8:
        value = round(value)
    return pixels.masked_fill_(inside(boxes.to(pixels.device), *pixels.shape[2:]), value)


def inside(boxes: Tensor, height: int, width: int) -> Tensor:
    """Which pixels lie in the boxes (B, 4): bool (B, 1, height, width)."""
    left, top, right, bottom = boxes[:, :, None].unbind(1)
    across = torch.arange(width, device=boxes.device)
    down = torch.arange(height, device=boxes.device)
    columns = (across >= left) & (across < right)
    rows = (down >= top) & (down < bottom)
    return (rows[:, :, None] & columns[:, None, :]).unsqueeze(1)
