"""The first layer's learned filters, beside those made by hand."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from striate.report.pictures import lossless
from striate.signal.kernels import (
    Kernel,
    gabor,
    gaussian,
    laplacian,
    line_diagonal_down,
    line_diagonal_up,
    line_horizontal,
    line_vertical,
    log,
    sobel_x,
    sobel_y,
)

_MOST = 64
_COLUMNS = 16


@dataclass(frozen=True, slots=True)
class Match:
    """A kernel made by hand, and the learned filter that is most like it."""

    name: str
    by_hand: str
    learned: str
    likeness: float
    """Absolute cosine of the two, 0..1."""


@dataclass(frozen=True, slots=True)
class Bank:
    """All filters as one picture, and the matches."""

    sheet: str
    count: int
    shown: int
    size: str
    matches: list[Match]


def bank(filters: Tensor) -> Bank | None:
    """Filters (F, C, h, w); None where a window of one pixel leaves nothing to see."""
    filters = filters.detach().float().cpu()
    count, _, height, width = filters.shape
    if max(height, width) < 2:
        return None
    tiles = torch.stack([_tile(one) for one in filters[:_MOST]])
    size = f"{height} x {width}"
    return Bank(lossless(_sheet(tiles)), count, len(tiles), size, _matches(filters))


def _tile(one: Tensor) -> Tensor:
    """(C, h, w) -> uint8 (3, h, w): 0 is grey; colours where the net sees colours."""
    bands = one if len(one) == 3 else one.mean(0, keepdim=True).expand(3, -1, -1)
    scaled = bands / bands.abs().max().clamp(min=1e-12)
    return (127.5 + 127.5 * scaled).round().to(torch.uint8)


def _sheet(tiles: Tensor) -> Tensor:
    """(F, 3, h, w) -> one picture, nothing between."""
    count, _, height, width = tiles.shape
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    # Four bands, since the gaps are transparent.
    paper = torch.zeros(4, rows * (height + 1) - 1, columns * (width + 1) - 1).byte()
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        top, left = row * (height + 1), column * (width + 1)
        paper[:3, top : top + height, left : left + width] = tile
        paper[3, top : top + height, left : left + width] = 255
    return paper


def _matches(filters: Tensor) -> list[Match]:
    height, width = filters.shape[2:]
    if height != width or height % 2 == 0:
        return []  # kernels made by hand are square, with a pixel in the middle
    on_grey = filters.mean(1).flatten(1).double()
    learned = on_grey / on_grey.norm(dim=1, keepdim=True).clamp(min=1e-12)
    found = []
    for name, kernel in _by_hand(height).items():
        wanted = torch.from_numpy(kernel).flatten()
        likeness = learned @ (wanted / wanted.norm())
        best = int(likeness.abs().argmax())
        hand = _tile(torch.from_numpy(kernel)[None].float())
        pictures = (lossless(hand), lossless(_tile(filters[best].mean(0, keepdim=True))))
        found.append(Match(name, *pictures, likeness[best].abs().item()))
    return sorted(found, key=lambda match: -match.likeness)


def _by_hand(size: int) -> dict[str, Kernel]:
    if size == 3:
        return {
            "Sobel x": sobel_x(),
            "Sobel y": sobel_y(),
            "Laplacian": laplacian(),
            "Gaussian": gaussian(0.8, size=3),
            "line across": line_horizontal(),
            "line down": line_vertical(),
            "line falling": line_diagonal_down(),
            "line rising": line_diagonal_up(),
        }
    waves = {
        f"Gabor {angle}°": gabor(size / 5, angle, 0.7 * size, phase=90, size=size)
        for angle in (0, 45, 90, 135)
    }
    return {"Gaussian": gaussian(size / 5, size), "LoG": log(size / 6, size), **waves}
