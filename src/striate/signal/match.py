"""Template matching: where in an image does a small pattern occur?

score[r, c] = sum (P - mean P)(W - mean W) / (|P - mean P| |W - mean W|),   W = image[r:r+h, c:c+w]

the correlation coefficient of pattern and window: 1 is the same picture up to brightness and
contrast, 0 is unrelated, -1 its negative. It is `cv2.matchTemplate(..., TM_CCOEFF_NORMED)`. A
window without any contrast scores 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from striate.errors import ArgumentError
from striate.signal.kinds import Signal, compute_dtype, read, spatial_axes

# Scores closer than this are equal: rounding alone sets the same window that far apart.
TIE = 1e-6
# Pixels transformed at once, so that memory stays flat as the image grows. Twice as many took
# nearly twice the time on 12 megapixels (medians on two cores).
_SLAB = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """The best place of a pattern: its top left corner, its score, and the whole score map.

    `scores` is (H - h + 1, W - w + 1), an array or, for a torch image, a tensor on its device.
    Where several places score the same, `row` and `column` are the first in reading order and
    `ties` counts the others.
    """

    scores: Any
    row: int
    column: int
    score: float
    ties: int

    def places(self, limit: int = 10) -> list[tuple[int, int]]:
        """The corners of the first `limit` places that score as well as the best one."""
        found = torch.nonzero(torch.as_tensor(self.scores) >= self.score - TIE)[:limit]
        return [(int(row), int(column)) for row, column in found]


def match(image: Signal, pattern: Signal, *, axes: Sequence[int] | None = None) -> Match:
    """Where `pattern` (..., h, w) fits best into `image` (..., H, W), at any brightness.

    Everything before the two spatial axes is channels, compared together; `axes=(0, 1)` is for
    (H, W, C) arrays. Fourier transforms and running sums: time hardly grows with the pattern.
    """
    whole, part = _planes("image", image, axes), _planes("pattern", pattern, axes)
    _check_fit(whole, part)
    part = part.to(whole.device, torch.float64)
    part = part - part.mean((1, 2), keepdim=True)
    part = part / part.norm()
    height, width = part.shape[1:]
    rows, columns = whole.shape[1] - height + 1, whole.shape[2] - width + 1
    scores = torch.empty((rows, columns), dtype=compute_dtype(whole.dtype), device=whole.device)
    thickness = max(4 * height, _SLAB // whole.shape[2])
    for first in range(0, rows, thickness):
        slab = whole[:, first : first + thickness + height - 1].to(torch.float64)
        scores[first : first + thickness] = _coefficients(slab, part)
    return _best(scores, as_array=not isinstance(image, torch.Tensor))


def _planes(name: str, picture: Signal, axes: Sequence[int] | None) -> torch.Tensor:
    """The picture as (channels, rows, columns)."""
    tensor = read(picture).detach()
    at = spatial_axes(tensor, 2, axes, picture)
    planes: torch.Tensor = tensor.movedim(at, (-2, -1))
    planes = planes.reshape(-1, *planes.shape[-2:])
    if planes.is_floating_point() and not bool(torch.isfinite(planes).all()):
        raise ArgumentError(name, "NaN or infinity in it", "finite numbers")
    return planes


def _check_fit(whole: torch.Tensor, part: torch.Tensor) -> None:
    if whole.shape[0] != part.shape[0]:
        raise ArgumentError(
            "pattern",
            f"{part.shape[0]} channels",
            f"{whole.shape[0]}, as the image has",
            remedy="Convert both to grey or both to colour",
        )
    (height, width), (rows, columns) = part.shape[1:], whole.shape[1:]
    if height > rows or width > columns:
        raise ArgumentError(
            "pattern",
            f"{width} x {height} pixels",
            f"at most the image's {columns} x {rows}",
            remedy="Crop the pattern, or swap the two",
        )
    planes = part.to(torch.float64).flatten(1)
    if bool((planes.amax(1) == planes.amin(1)).all()):
        raise ArgumentError(
            "pattern", "the same value everywhere", "some contrast: a flat patch fits nowhere"
        )


def _coefficients(slab: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
    """(channels, H, W) and a pattern of mean 0 and norm 1: scores (H - h + 1, W - w + 1)."""
    height, width = part.shape[1:]
    # Changes no score, and keeps a big offset from drowning the contrast in the sums below.
    slab = slab - slab.mean((1, 2), keepdim=True)
    squares = slab.square()
    energy = _window_sums(squares.sum(0), height, width)
    for plane in slab:
        energy -= _window_sums(plane, height, width).square_() / (height * width)
    # What the running sums lose to rounding: a window with less contrast than that has none.
    floor = 16 * torch.finfo(torch.float64).eps * float(squares.sum())
    shape = (_smooth(slab.shape[1]), _smooth(slab.shape[2]))
    spectrum = torch.fft.rfft2(slab, s=shape)
    spectrum *= torch.fft.rfft2(part, s=shape).conj()
    # Circular: the windows that wrap round are the ones that are cut away here.
    products = torch.fft.irfft2(spectrum.sum(0), s=shape)[: energy.shape[0], : energy.shape[1]]
    scores: torch.Tensor = products / energy.clamp(min=max(floor, 1e-300)).sqrt_()
    return scores.masked_fill_(energy <= floor, 0).clamp_(-1, 1)


def _window_sums(plane: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """(H, W) to (H - h + 1, W - w + 1): the sum under every window, by running sums."""
    for axis, length in ((0, height), (1, width)):
        running = plane.cumsum(axis)
        sums = running.narrow(axis, length - 1, plane.shape[axis] - length + 1).clone()
        sums.narrow(axis, 1, sums.shape[axis] - 1).sub_(
            running.narrow(axis, 0, sums.shape[axis] - 1)
        )
        plane = sums
    return plane


def _smooth(size: int) -> int:
    """The next number without a prime factor over 5: such Fourier transforms are fast."""
    while True:
        rest = size
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return size
        size += 1


def _best(scores: torch.Tensor, *, as_array: bool) -> Match:
    score = float(scores.max())
    equal = torch.nonzero(scores.flatten() >= score - TIE).flatten()
    row, column = divmod(int(equal[0]), scores.shape[1])
    return Match(scores.numpy() if as_array else scores, row, column, score, len(equal) - 1)
