"""A picture's low frequencies, turned to one of its eight orientations, packed into 128 bits.

The 8x8 lowest cosine frequencies of the thumbnail hold what survives re-encoding and resizing. A
mirrored or turned picture has the same numbers with other signs and places, so every picture is
first turned so that it grows brighter to the right and to the bottom, and more so to the right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from striate.data.check.fingerprints import SIDE

Floats = NDArray[np.float32]

FREQUENCIES = 8
BITS = 128
# Below this share of its norm a gradient does not say which way a picture lies: try both.
# Wide enough for re-encoding; a crop that moves more is found with the pictures as they lie.
_UNSURE = 0.03

_FREQUENCY = np.arange(FREQUENCIES)
_COSINES: Floats = np.cos(
    np.pi * np.outer(_FREQUENCY, 2 * np.arange(SIDE) + 1) / (2 * SIDE)
).astype(np.float32)
# Photographs have amplitudes of about 1/f: this makes every frequency count alike.
_WEIGHTS: Floats = np.hypot(1, np.hypot(_FREQUENCY[:, None], _FREQUENCY)).astype(np.float32)
_PLANES: Floats = (
    np.random.default_rng(0).standard_normal((FREQUENCIES**2 - 1, BITS)).astype(np.float32)
)


def frequencies(thumbs: NDArray[np.uint8] | Floats) -> Floats:
    """Thumbnails `(N, 32, 32)` to their low frequencies `(N, 8, 8)`, the mean among them."""
    return np.asarray(_COSINES @ thumbs.astype(np.float32) @ _COSINES.T)


def unit(spectra: Floats) -> Floats:
    """Frequencies `(N, 8, 8)` to weighted directions `(N, 63)` of length 1, free of the mean."""
    flat = (spectra * _WEIGHTS).reshape(len(spectra), -1)[:, 1:]
    return np.asarray(flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-6))


def turned_spectra(spectra: Floats, turns: NDArray[np.int64]) -> Floats:
    """Frequencies `(N, 8, 8)` of the pictures turned by `turns` (N,), see `turned`."""
    if not turns.any():
        return spectra
    odd = np.where(_FREQUENCY % 2, np.float32(-1), np.float32(1))
    flat = np.where((turns & 4)[:, None, None] > 0, spectra.transpose(0, 2, 1), spectra)
    flat = np.where((turns & 1)[:, None, None] > 0, flat * odd, flat)
    return np.asarray(np.where((turns & 2)[:, None, None] > 0, flat * odd[:, None], flat))


def turned(images: Floats, turns: NDArray[np.int64]) -> Floats:
    """Square images `(N, S, S)` turned: 4 swaps the axes, then 1 mirrors x, then 2 mirrors y."""
    if not turns.any():
        return images
    out = np.where((turns & 4)[:, None, None] > 0, images.transpose(0, 2, 1), images)
    out = np.where((turns & 1)[:, None, None] > 0, out[:, :, ::-1], out)
    return np.asarray(np.where((turns & 2)[:, None, None] > 0, out[:, ::-1], out))


def _between() -> NDArray[np.int64]:
    """`(8, 8)`: the one turn of b that makes it lie to a as b turned by j lies to a turned by i."""
    corner = np.arange(4, dtype=np.float32).reshape(1, 2, 2)
    every = {turned(corner, np.array([turn])).tobytes(): turn for turn in range(8)}
    table = np.zeros((8, 8), np.int64)
    for ours in range(8):
        for turn in range(8):
            # `ours` after `turn` is what `theirs` is: so `turn` undoes `ours` after `theirs`.
            both = turned(turned(corner, np.array([turn])), np.array([ours]))
            table[ours, every[both.tobytes()]] = turn
    return table


BETWEEN = _between()


def orientations(spectra: Floats) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The turn that brings each picture to its one orientation `(N,)`, and `(N, 8)` all the
    turns that might, where its gradients are too weak to tell.
    """
    flat = spectra.reshape(len(spectra), -1)[:, 1:]
    norm = np.linalg.norm(flat, axis=1) + 1e-6
    across, down = spectra[:, 0, 1] / norm, spectra[:, 1, 0] / norm
    # Brightness growing to the right has a negative first cosine coefficient.
    swap = np.abs(down) > np.abs(across)
    first, second = np.where(swap, down, across), np.where(swap, across, down)
    best = swap * 4 + (first > 0) * 1 + (second > 0) * 2
    unsure_swap = np.abs(np.abs(across) - np.abs(down)) < _UNSURE
    possible = np.zeros((len(spectra), 8), bool)
    for turn in range(8):
        swapped = bool(turn & 4)
        x, y = (down, across) if swapped else (across, down)
        possible[:, turn] = (
            ((swap == swapped) | unsure_swap)
            & (((x > 0) == bool(turn & 1)) | (np.abs(x) < _UNSURE))
            & (((y > 0) == bool(turn & 2)) | (np.abs(y) < _UNSURE))
        )
    return best, possible


def packed_bits(directions: Floats) -> NDArray[np.uint64]:
    """Directions `(N, 63)` to 128 bits each, `(2, N)` words: the sides of 128 random planes.

    The share of bits in which two hashes differ is the angle between them over 180 degrees.
    """
    bits = np.packbits(directions @ _PLANES > 0, axis=1)
    return np.ascontiguousarray(bits.view(np.uint64).T)
