"""Affine maps a sample, and the one resampling they all end in.

A map is a row `a b x c d y`: the place (X, Y) of the result shows the place (aX + bY + x,
cX + dY + y) of the source. Places are counted in pixels from the middle of each picture. Sums are
written out term by term, so that a sample's numbers do not depend on its neighbours in the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

# What lies beyond the edge, by the names of `striate.signal.pad`, and who sees to it in
# grid_sample; mirrored places are put back inside before.
_BEYOND = {"reflect": "border", "replicate": "border", "zeros": "zeros"}
PADDINGS = tuple(_BEYOND)
# A source seen this much smaller still gets one look a pixel; beyond, looks are averaged.
_SHARP = 1.25
_MOST_LOOKS = 8


def affine(a: Tensor, b: Tensor, x: Tensor, c: Tensor, d: Tensor, y: Tensor) -> Tensor:
    """Six columns (B,) to maps (B, 6)."""
    return torch.stack((a, b, x, c, d, y), dim=1)


def compose(first: Tensor, second: Tensor) -> Tensor:
    """The map of an operation `first` followed by `second`: places go through `second` first."""
    a, b, x, c, d, y = first.unbind(1)
    e, f, v, g, h, w = second.unbind(1)
    return affine(
        a * e + b * g, a * f + b * h, a * v + b * w + x,
        c * e + d * g, c * f + d * h, c * v + d * w + y,
    )  # fmt: skip


def resample(pixels: Tensor, maps: Tensor, size: tuple[int, int], padding: str) -> Tensor:
    """Pixels (B, C, H, W) seen through maps (B, 6): floats (B, C, *size), bilinear.

    Where the source is seen much smaller, the mean of several looks a pixel is taken.
    """
    wide = torch.float64 if pixels.dtype == torch.float64 else torch.float32
    pixels = pixels.to(wide)
    looks = _looks(maps)
    numbers = looks.unique().tolist()
    if len(numbers) == 1:
        return _look(pixels, maps, size, padding, numbers[0])
    out = pixels.new_empty((*pixels.shape[:2], *size))
    for number in numbers:
        members = (looks == number).nonzero().squeeze(1)
        here = members.to(pixels.device)
        out[here] = _look(pixels[here], maps[members], size, padding, number)
    return out


def _looks(maps: Tensor) -> Tensor:
    """How many looks a pixel, across and down, each sample needs: int64 (B,)."""
    shrink = torch.maximum(maps[:, [0, 3]].square().sum(1), maps[:, [1, 4]].square().sum(1)).sqrt()
    return (shrink - (_SHARP - 1)).ceil().clamp(1, _MOST_LOOKS).to(torch.int64)


def _look(pixels: Tensor, maps: Tensor, size: tuple[int, int], padding: str, looks: int) -> Tensor:
    height, width = size
    grid = pixels.new_empty((len(pixels), 2, height * looks, width * looks))
    across, down = (_places(side, looks, pixels) for side in (width, height))
    mirrored = padding == "reflect"
    for axis, side in enumerate((pixels.shape[3], pixels.shape[2])):
        # grid_sample counts from -1 to 1, between the middles of the outermost pixels
        unit = maps[:, 3 * axis : 3 * axis + 3] * (2 / max(1, side - 1))
        if mirrored:
            unit = torch.cat((unit[:, :2], unit[:, 2:] + 1), dim=1) / 4
        a, b, shift = unit.to(pixels.device, pixels.dtype).unsqueeze(2).unbind(1)
        column = b * down + shift
        torch.add((a * across).unsqueeze(1), column.unsqueeze(2), out=grid[:, axis])
    if mirrored:
        # Mirrors at -1 and 1 repeat every 4: here places from -1 on, in such periods. Five passes
        # over the grid take a quarter of what grid_sample's own mirrors take.
        grid.frac_().abs_().sub_(0.5).abs_().mul_(-4).add_(1)
    seen = F.grid_sample(
        pixels, grid.permute(0, 2, 3, 1), padding_mode=_BEYOND[padding], align_corners=True
    )
    return seen if looks == 1 else F.avg_pool2d(seen, looks)


def _places(side: int, looks: int, like: Tensor) -> Tensor:
    """Where the looks along one side lie, from its middle, in pixels: (side * looks,)."""
    steps = torch.arange(side * looks, device=like.device, dtype=like.dtype)
    return (steps + 0.5) / looks - side / 2
