"""Which pictures are the same one: copies, re-encoded, resized, slightly cropped, mirrored, turned.

Four sieves, each slower and finer: 128-bit hashes of all pairs; the hashes' own frequencies, free
to move as a small crop moves them; the thumbnails laid on each other; their colours.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.data.check.align import likeness, roughly
from striate.data.check.fingerprints import SIDE, Fingerprints
from striate.data.check.hamming import close_pairs
from striate.data.check.orient import (
    BETWEEN,
    FREQUENCIES,
    Floats,
    frequencies,
    orientations,
    packed_bits,
    turned,
    turned_spectra,
    unit,
)

Indices = NDArray[np.int64]

_FLAT = 1.5  # grey levels of deviation below which a thumbnail shows nothing to compare
_BITS = 44  # a 10 % crop of a photograph seldom moves more of the 128
_CANDIDATES = 20  # pairs a picture that may pass the first sieve, on average
_BATCH = 256
_TINT = 12.0  # levels by which the colours of one picture may differ, root mean square


@dataclass(frozen=True, slots=True)
class Pairs:
    """Duplicates: `indices` (P, 2) int64, the smaller first, sorted; `kinds` (P,) exact or near."""

    indices: Indices
    kinds: tuple[str, ...]


def near_duplicates(fingerprints: Fingerprints) -> Pairs:
    """All pairs of pictures that are one and the same, each picture of a group at least once.

    Of several byte-equal pictures the first stands for all: the others are paired with it only.
    """
    firsts, exact = _exact(fingerprints.digests)
    near = firsts[_near(fingerprints, firsts)]
    near = np.sort(near, axis=1)
    indices = np.concatenate([exact, near])
    kinds = np.array(["exact"] * len(exact) + ["near"] * len(near), dtype=object)
    order = np.lexsort((indices[:, 1], indices[:, 0]))
    return Pairs(indices[order], tuple(kinds[order].tolist()))


def _exact(digests: NDArray[np.uint8]) -> tuple[Indices, Indices]:
    """The first picture of every digest, sorted, and pairs of it with each of its copies."""
    keys = np.ascontiguousarray(digests).view("V16").ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    representative = first[inverse]
    copies = np.flatnonzero(representative != np.arange(len(keys)))
    pairs = np.stack([representative[copies], copies], 1).astype(np.int64)
    return np.sort(first).astype(np.int64), pairs


def _near(fingerprints: Fingerprints, chosen: Indices) -> Indices:
    """Pairs `(P, 2)` of positions in `chosen` that show the same picture."""
    thumbs = fingerprints.thumbs[chosen]
    spectra = np.zeros((len(thumbs), FREQUENCIES, FREQUENCIES), np.float32)
    flat = np.zeros(len(thumbs), bool)
    for start in range(0, len(thumbs), _BATCH):  # all at once they would take gigabytes
        batch = thumbs[start : start + _BATCH]
        spectra[start : start + _BATCH] = frequencies(batch)
        flat[start : start + _BATCH] = batch.std(axis=(1, 2)) < _FLAT
    showing = np.flatnonzero(~flat)
    if len(showing) < 2:
        return np.empty((0, 2), np.int64)
    crowd = np.ones(len(thumbs), np.float32)
    crowd[showing] = _crowd(unit(spectra[showing]))
    found = [
        _moved(thumbs, spectra, _search(spectra, showing, turn=turn), crowd)
        for turn in (False, True)
    ]
    candidates = np.unique(np.concatenate(found), axis=0)
    batches = [candidates[start : start + _BATCH] for start in range(0, len(candidates), _BATCH)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(lambda batch: _same(fingerprints, chosen, batch, crowd), batches))
    pairs = np.concatenate([np.empty((0, 2), np.int64), *parts])
    return np.unique(pairs, axis=0)


def _crowd(directions: Floats) -> Floats:
    """How far each picture is from the most alike of unrelated ones (N,): 0 equal, 0.6 a photo.

    That is 1 minus the cosine to the nearest 1 % of 1,000 others drawn at random, and to the third
    nearest at least, for a copy or two may be among them. A handwritten 1 has 0.05 and an 8 has
    0.26: what two photographs never have in common two digits may, so they are compared strictly.
    """
    num = min(len(directions), 1000)
    drawn = np.random.default_rng(0).permutation(len(directions))[:num]
    rank = num - max(3, num // 100)
    crowd = np.ones(len(directions), np.float32)
    if rank < 1:
        return crowd
    for start in range(0, len(directions), _BATCH):
        cosines = directions[start : start + _BATCH] @ directions[drawn].T
        cosines[np.arange(start, start + len(cosines))[:, None] == drawn] = -1  # the picture itself
        crowd[start : start + _BATCH] = 1 - np.partition(cosines, rank, axis=1)[:, rank]
    return crowd


def _random_pairs(num: int) -> tuple[Indices, Indices]:
    generator = np.random.default_rng(0)
    some = generator.integers(0, num, 100_000)
    return some, (some + generator.integers(1, num, 100_000)) % num


def _search(spectra: Floats, showing: Indices, *, turn: bool) -> Indices:
    """Candidates `(P, 3)`: two pictures whose hashes are close, and how the second is turned."""
    best, possible = orientations(spectra[showing])
    if not turn:
        best, possible = np.zeros_like(best), np.eye(8, dtype=bool)[np.zeros_like(best)]
    owners, turns = np.nonzero(possible)
    hashes = packed_bits(unit(turned_spectra(spectra[showing], best)))
    queries = packed_bits(unit(turned_spectra(spectra[showing[owners]], turns)))
    pairs = close_pairs(queries, owners, hashes, _limit(hashes))
    query, other = pairs[:, 0], pairs[:, 1]
    return np.stack([showing[owners[query]], showing[other], BETWEEN[turns[query], best[other]]], 1)


def _limit(hashes: NDArray[np.uint64]) -> int:
    """How many bits may differ, so that the pairs to be looked at grow only as the pictures do."""
    num = hashes.shape[1]
    some, other = _random_pairs(num)
    differing = np.bitwise_count(hashes[:, some] ^ hashes[:, other]).sum(axis=0)
    share = max(_CANDIDATES * num, 500_000) / (num * (num - 1) / 2)
    return _BITS if share >= 1 else min(_BITS, int(np.quantile(differing, share)))


def _moved(
    thumbs: NDArray[np.uint8], spectra: Floats, candidates: Indices, crowd: Floats
) -> Indices:
    """The candidates that differ by little but a small scale and shift (tangent distance)."""
    candidates = candidates[np.argsort(candidates[:, 0], kind="stable")]
    kept = []
    for start in range(0, len(candidates), 32 * _BATCH):
        batch = candidates[start : start + 32 * _BATCH]
        pictures, rows = np.unique(batch[:, 0], return_inverse=True)
        spaces = _tangent_spaces(thumbs[pictures])[rows]
        theirs = unit(turned_spectra(spectra[batch[:, 1]], batch[:, 2]))
        shares = np.matmul(spaces, theirs[:, :, None])[:, :, 0]
        slack = np.minimum(0.14, 0.006 + 0.5 * _pair_crowd(crowd, batch) ** 2)
        kept.append(batch[np.sqrt((shares**2).sum(1)) >= 1 - slack])
    return np.concatenate(kept) if kept else candidates


def _tangent_spaces(thumbs: NDArray[np.uint8]) -> Floats:
    """Orthonormal weighted frequencies `(N, 5, 63)` of pictures and of their small movements.

    The movements are the derivatives by scale and shift along x and y.
    """
    images = thumbs.astype(np.float32)
    grid = ((2 * np.arange(SIDE) + 1) / SIDE - 1).astype(np.float32)
    down, across = np.gradient(images, axis=(1, 2))
    moves = np.stack([images, across, across * grid, down, down * grid[:, None]], 1)
    directions = unit(frequencies(moves.reshape(-1, SIDE, SIDE))).reshape(len(thumbs), 5, -1)
    spaces, _ = np.linalg.qr(directions.transpose(0, 2, 1))
    return np.ascontiguousarray(spaces.transpose(0, 2, 1))


def _same(fingerprints: Fingerprints, chosen: Indices, batch: Indices, crowd: Floats) -> Indices:
    """The pairs `(P, 2)` of a batch of candidates that are one picture, seen closely."""
    near = _pair_crowd(crowd, batch)
    promising = roughly(*_thumbs(fingerprints, chosen, batch)) >= 0.94 - 0.1 * near
    batch, near = batch[promising], near[promising]
    left, right = chosen[batch[:, 0]], chosen[batch[:, 1]]
    sizes = _resolution(fingerprints.sizes, left, right)
    alike = likeness(*_thumbs(fingerprints, chosen, batch), sizes)
    tints = _tints(fingerprints.colours[right], batch[:, 2])
    off = tints - _tints(fingerprints.colours[left], np.zeros_like(left))
    same = (
        (alike.whole >= 1 - np.minimum(0.02, 0.023 * near))
        & (alike.fine >= 1 - np.minimum(0.2, 0.005 + 0.45 * near**2))
        & (np.sqrt((off**2).mean(axis=(1, 2, 3))) < _TINT)
    )
    return np.asarray(batch[same, :2])


def _pair_crowd(crowd: Floats, candidates: Indices) -> Floats:
    """The stricter of the two pictures of each pair `(P,)`."""
    return np.minimum(crowd[candidates[:, 0]], crowd[candidates[:, 1]])


def _thumbs(
    fingerprints: Fingerprints, chosen: Indices, candidates: Indices
) -> tuple[Floats, Floats]:
    """The thumbnails of each pair, the second turned to lie as the first."""
    ours, theirs = (fingerprints.thumbs[chosen[candidates[:, side]]] for side in (0, 1))
    return ours.astype(np.float32), turned(theirs.astype(np.float32), candidates[:, 2])


def _resolution(sizes: NDArray[np.int32], left: Indices, right: Indices) -> Indices:
    """How many frequencies a side two pictures share (P,): all, unless one is a small shrunk one.

    Half of its pixels is what is left of a tiny picture after somebody's resizing filter.
    """
    sides = sizes.min(axis=1).astype(np.int64)
    small, large = np.minimum(sides[left], sides[right]), np.maximum(sides[left], sides[right])
    return np.where(large > 1.25 * small, (small // 2).clip(4, SIDE), SIDE)


def _tints(colours: NDArray[np.uint8], turns: Indices) -> Floats:
    """Colour thumbnails less their grey, turned: `(P, 3, 4, 4)`."""
    bands = np.moveaxis(colours.astype(np.float32), 3, 0)
    return np.stack([turned(band - bands.mean(axis=0), turns) for band in bands], 1)
