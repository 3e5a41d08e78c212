"""Is this the same picture? Two thumbnails laid on each other as well as a crop allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.data.check.fingerprints import SIDE
from striate.data.check.orient import Floats

_STEPS = 5
_EVERY = 2  # blurred thumbnails need no more points than this to be laid on each other
_SCALES = (0.84, 1.19)  # how much of a side a crop may take
_SHIFT = 0.16  # how far its middle may lie off, in half sides
_CELLS: Floats = np.arange(SIDE, dtype=np.float32)
_GRID: Floats = ((2 * np.arange(SIDE) + 1) / SIDE - 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Likeness:
    """Correlation `(P,)` of the aligned thumbnails, and of their fine details alone."""

    whole: Floats
    fine: Floats


def roughly(ours: Floats, theirs: Floats) -> Floats:
    """Correlation `(P,)` of thumbnails `(P, 32, 32)` after two steps, for half of their lines."""
    ours, theirs = _plain(ours), _plain(theirs)
    every = _GRID[::_EVERY]
    laid, inside = _laid(theirs, _place(ours, theirs, 2), every)
    return _correlation(ours[:, ::_EVERY, ::_EVERY], laid, inside)


def likeness(ours: Floats, theirs: Floats, keep: NDArray[np.int64]) -> Likeness:
    """Align thumbnails `theirs` with `ours` `(P, 32, 32)` by scale and shift, and compare.

    `keep` (P,), 32 or fewer, is the number of frequencies a side that both pictures can hold.
    """
    ours, theirs = _plain(_limited(ours, keep)), _plain(_limited(theirs, keep))
    laid, inside = _laid(theirs, _place(ours, theirs, _STEPS), _GRID)
    return Likeness(
        _correlation(ours, laid, inside),
        _correlation(_fine(ours), _fine(laid), inside),
    )


def _place(ours: Floats, theirs: Floats, steps: int) -> Floats:
    """Where `theirs` lies best on `ours`: x scale, x shift, y scale, y shift `(P, 4)`.

    Steps of Lucas and Kanade, free in brightness and contrast.
    """
    num = len(ours)
    down, across = np.gradient(ours, 2 / SIDE, axis=(1, 2))
    slopes = np.stack(
        [across * _GRID, across, down * _GRID[:, None], down, ours, np.ones_like(ours)], 1
    )
    aim = ours[:, ::_EVERY, ::_EVERY]
    points = aim[0].size if num else 0  # of no pair no size can be told
    slopes = slopes[:, :, ::_EVERY, ::_EVERY].reshape(num, 6, points)
    place = np.tile(np.array([1, 0, 1, 0], np.float32), (num, 1))
    ridge = np.eye(6, dtype=np.float32)
    for _ in range(steps):
        laid, inside = _laid(theirs, place, _GRID[::_EVERY])
        masked = slopes * inside.reshape(num, 1, points)
        normal = masked @ slopes.transpose(0, 2, 1)
        normal += ridge * (1e-4 * normal + 1e-3)  # stays solvable where a picture has no slope
        off = masked @ (laid - aim).reshape(num, points, 1)
        move = np.linalg.solve(normal, off)[:, :4, 0]
        place -= move
        place[:, 0::2] = place[:, 0::2].clip(*_SCALES)
        place[:, 1::2] = place[:, 1::2].clip(-_SHIFT, _SHIFT)
    return place


def _laid(images: Floats, place: Floats, grid: Floats) -> tuple[Floats, Floats]:
    """Images `(P, 32, 32)` as they are at the points of a grid `(G,)` a side, moved by `place`.

    `place` (P, 4) is x scale, x shift, y scale, y shift. They treat the axes apart, so linear
    interpolation is two products of matrices. Also returned: where there are pixels, `(P, G, G)`.
    """
    columns, across = _taps(place[:, 0], place[:, 1], grid)
    rows, down = _taps(place[:, 2], place[:, 3], grid)
    laid = rows @ images @ columns.transpose(0, 2, 1)
    return np.asarray(laid), (down[:, :, None] & across[:, None, :]).astype(np.float32)


def _taps(scale: Floats, shift: Floats, grid: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Weights `(P, G, 32)` of linear interpolation along an axis, and `(P, G)` what is inside."""
    at = (grid * scale[:, None] + shift[:, None] + 1) * (SIDE / 2) - 0.5
    inside = (at >= -0.25) & (at <= SIDE - 0.75)
    at = at.clip(0, SIDE - 1)
    return np.maximum(0, 1 - np.abs(at.reshape(*at.shape, 1) - _CELLS)), inside


def _limited(images: Floats, keep: NDArray[np.int64]) -> Floats:
    """Only the lowest `keep` (P,) cosine frequencies a side."""
    images = images.copy()
    waves = np.cos(np.pi * np.outer(np.arange(SIDE), 2 * np.arange(SIDE) + 1) / (2 * SIDE))
    waves *= np.sqrt(2 / SIDE)
    waves[0] *= np.sqrt(0.5)
    for limit in np.unique(keep[keep < SIDE]):
        low = (waves[:limit].T @ waves[:limit]).astype(np.float32)
        chosen = keep == limit
        images[chosen] = low @ images[chosen] @ low
    return images


def _plain(images: Floats) -> Floats:
    """Blurred, of mean 0 and variance 1, so that brightness and contrast do not matter."""
    images = _blurred(images)
    images = images - images.mean(axis=(1, 2), keepdims=True)
    return np.asarray(images / (images.std(axis=(1, 2), keepdims=True) + 1e-3))


def _blurred(images: Floats) -> Floats:
    """Binomial 3x3: interpolation then costs both pictures the same."""
    wide = np.pad(images, ((0, 0), (1, 1), (1, 1)), "edge")
    tall = (wide[:, :-2] + wide[:, 2:]) / 4 + wide[:, 1:-1] / 2
    return np.asarray((tall[:, :, :-2] + tall[:, :, 2:]) / 4 + tall[:, :, 1:-1] / 2)


def _fine(images: Floats) -> Floats:
    return images - _blurred(_blurred(_blurred(images)))


def _correlation(ours: Floats, theirs: Floats, inside: Floats) -> Floats:
    count = inside.sum((1, 2), keepdims=True) + 1e-6
    ours = (ours - (ours * inside).sum((1, 2), keepdims=True) / count) * inside
    theirs = (theirs - (theirs * inside).sum((1, 2), keepdims=True) / count) * inside
    power = (ours * ours).sum((1, 2)) * (theirs * theirs).sum((1, 2))
    return np.asarray((ours * theirs).sum((1, 2)) / np.sqrt(power + 1e-6))
