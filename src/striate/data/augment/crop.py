"""Random crops: pixels are copied or, where the size changes, resized with antialiasing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from striate.data.augment.limits import check_padding, check_range, check_span
from striate.data.augment.op import Geometric, Shape
from striate.data.augment.resample import affine, resample
from striate.data.augment.spread import between, log_between
from striate.errors import ArgumentError


class _Cut(Geometric):
    """What cuts of every kind have in common. It has no fields: `size` is theirs."""

    size: tuple[int, int] | None

    @property
    def fuses(self) -> bool:
        """Copying pixels, or resizing a box, is cheaper than resampling."""
        return False

    def becomes(self, shape: Shape) -> Shape:
        """The size that was asked for."""
        return shape if self.size is None else Shape(shape.channels, *self.size)


@dataclass(frozen=True)
class RandomCrop(_Cut):
    """Cut `size` (height, width) out at a random place, after a margin was added on every side.

    Without a size the picture keeps its own. By itself it copies pixels exactly.
    """

    size: tuple[int, int] | None = None
    margin: int = 0
    padding: str = "reflect"

    def __post_init__(self) -> None:
        check_padding(self.padding)
        check_range("margin", self.margin, 0, 10_000)
        _check_size(self.size)

    @property
    def draws(self) -> int:
        """Two: a place each way."""
        return 2

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """The distance of the cut's middle from the picture's."""
        after = self.becomes(shape)
        x = self._shift(uniform[:, 0], shape.width, after.width)
        y = self._shift(uniform[:, 1], shape.height, after.height)
        one, zero = torch.ones_like(x), torch.zeros_like(x)
        return affine(one, zero, x, zero, one, y)

    def _shift(self, uniform: Tensor, before: int, after: int) -> Tensor:
        room = before + 2 * self.margin - after
        if room < 0:
            raise ArgumentError(
                "size and margin",
                (self.size, self.margin),
                f"a cut and a margin that fit {before} pixels",
            )
        return (uniform * (room + 1)).floor() - room / 2

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """One gather: beyond the edge, places are moved to the pixels that are shown there."""
        shape = Shape(*pixels.shape[1:])
        after = self.becomes(shape)
        rows = _places(plan[:, 5], shape.height, after.height).to(pixels.device)
        columns = _places(plan[:, 2], shape.width, after.width).to(pixels.device)
        inside_y, inside_x = (
            _shown(places, side, self.padding)
            for places, side in ((rows, shape.height), (columns, shape.width))
        )
        flat = (inside_y[:, :, None] * shape.width + inside_x[:, None, :]).flatten(1).unsqueeze(1)
        cut = pixels.flatten(2).gather(2, flat.expand(-1, shape.channels, -1))
        cut = cut.view(len(pixels), *after)
        if self.padding == "zeros" and self.margin:
            beyond = (rows != inside_y)[:, :, None] | (columns != inside_x)[:, None, :]
            cut.masked_fill_(beyond.unsqueeze(1), 0)
        return cut


@dataclass(frozen=True)
class RandomResizedCrop(_Cut):
    """Cut out a box of a random share of the area and random proportions, and resize it.

    The logarithm of the proportions is even between the limits `aspect` (width over height). A
    box that does not fit is narrowed to the picture. The result has `size` (height, width), or the
    picture's own. By itself it antialiases on the CPU.
    """

    size: tuple[int, int] | None = None
    area: tuple[float, float] = (0.08, 1.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    padding: str = "reflect"

    def __post_init__(self) -> None:
        check_padding(self.padding)
        check_span("area", self.area, 1e-4, 1)
        check_span("aspect", self.aspect, 0.01, 100)
        _check_size(self.size)

    @property
    def draws(self) -> int:
        """Four: area, proportions, and a place each way."""
        return 4

    def plan(self, uniform: Tensor, shape: Shape) -> Tensor:
        """Boxes of whole pixels, as maps."""
        after = self.becomes(shape)
        area = between(uniform[:, 0], *self.area) * shape.height * shape.width
        aspect = log_between(uniform[:, 1], *self.aspect)
        width = (area * aspect).sqrt().round().clamp(1, shape.width)
        height = (area / aspect).sqrt().round().clamp(1, shape.height)
        left = (uniform[:, 2] * (shape.width - width + 1)).floor()
        top = (uniform[:, 3] * (shape.height - height + 1)).floor()
        x = left + width / 2 - shape.width / 2
        y = top + height / 2 - shape.height / 2
        zero = torch.zeros_like(x)
        return affine(width / after.width, zero, x, zero, height / after.height, y)

    def change(self, pixels: Tensor, plan: Tensor, white: float) -> Tensor:
        """Box by box on the CPU, where torch resizes bytes fast; on a GPU all at once."""
        shape = Shape(*pixels.shape[1:])
        after = self.becomes(shape)
        if pixels.device.type != "cpu":
            return resample(pixels, plan, after[1:], self.padding)
        width = (plan[:, 0] * after.width).round()
        height = (plan[:, 4] * after.height).round()
        left = _corner(plan[:, 2], shape.width, width)
        top = _corner(plan[:, 5], shape.height, height)
        boxes = torch.stack((left, top, left + width, top + height), dim=1).to(torch.int64)
        out = pixels.new_empty((len(pixels), *after))
        for picture, place, (x0, y0, x1, y1) in zip(pixels, out, boxes.tolist(), strict=True):
            box = picture[None, :, y0:y1, x0:x1]
            place.copy_(F.interpolate(box, size=after[1:], mode="bilinear", antialias=True)[0])
        return out


def _corner(shift: Tensor, before: int, after: Tensor | int) -> Tensor:
    """Where a cut begins whose middle is `shift` from the picture's: int64 (B,)."""
    return (shift + (before - after) / 2).round().to(torch.int64)


def _places(shift: Tensor, before: int, after: int) -> Tensor:
    """The places a cut looks at along one side, negative before the edge: int64 (B, after)."""
    return _corner(shift, before, after)[:, None] + torch.arange(after)


def _shown(places: Tensor, side: int, padding: str) -> Tensor:
    """The pixel that is shown at each place: its own, its mirror image's or the nearest one."""
    if padding == "reflect" and side > 1:
        period = 2 * (side - 1)
        around = places.remainder(period)
        return torch.minimum(around, period - around)
    return places.clamp(0, side - 1)


def _check_size(size: tuple[int, int] | None) -> None:
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise ArgumentError("size", size, "(height, width), both at least 1")
