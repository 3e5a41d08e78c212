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

from striate.data.check.align import likeness
from striate.data.check.fingerprints import SIDE, Fingerprints
from striate.data.check.hamming import close_pairs
from striate.data.check.orient import (
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
    spectra = frequencies(thumbs)
    showing = np.flatnonzero(thumbs.reshape(len(thumbs), -1).std(axis=1) >= _FLAT)
    if len(showing) < 2:
        return np.empty((0, 2), np.int64)
    crowd = _crowd(spectra[showing])
    found = [_search(spectra, showing, turn=turn) for turn in (False, True)]
    candidates = _moved(thumbs, spectra, np.concatenate(found), crowd)
    batches = [candidates[start : start + _BATCH] for start in range(0, len(candidates), _BATCH)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(lambda batch: _same(fingerprints, chosen, batch, crowd), batches))
    pairs = np.concatenate([np.empty((0, 2), np.int64), *parts])
    return np.unique(pairs, axis=0)


def _crowd(spectra: Floats) -> float:
    """How unlike even the most alike of unrelated pictures are: 0 all the same, about 0.4 photos.

    A picture and another one mirrored or turned are unrelated, whatever duplicates there are; the
    1 in 1,000 most alike of them set the measure. Digits come to 0.12, and are then compared more
    strictly: what two photographs never have in common, two handwritten ones may.
    """
    some, other = _random_pairs(len(spectra))
    directions = unit(spectra)
    likest = 0.0
    for turn in range(1, 8):
        changed = unit(turned_spectra(spectra, np.full(len(spectra), turn, np.uint8)))
        cosines = np.einsum("pk,pk->p", directions[some], changed[other])
        likest = max(likest, float(np.quantile(cosines, 0.999)))
    return 1 - likest


def _slack(crowd: float, at_most: float, steepness: float) -> float:
    """How far from equal two pictures may be, of which unrelated ones are `crowd` apart."""
    return min(at_most, steepness * crowd**3)


def _random_pairs(num: int) -> tuple[Indices, Indices]:
    generator = np.random.default_rng(0)
    some = generator.integers(0, num, 100_000)
    return some, (some + generator.integers(1, num, 100_000)) % num


def _search(spectra: Floats, showing: Indices, *, turn: bool) -> Indices:
    """Candidates `(P, 4)`: two pictures whose hashes are close, and how each has to be turned."""
    best, possible = orientations(spectra[showing])
    if not turn:
        best, possible = np.zeros_like(best), np.eye(8, dtype=bool)[np.zeros_like(best)]
    owners, choices = np.nonzero(possible)
    turns = choices.astype(np.uint8)
    hashes = packed_bits(unit(turned_spectra(spectra[showing], best)))
    queries = packed_bits(unit(turned_spectra(spectra[showing[owners]], turns)))
    pairs = close_pairs(queries, owners, hashes, _limit(hashes))
    query, other = pairs[:, 0], pairs[:, 1]
    columns = (showing[owners[query]], showing[other], turns[query], best[other])
    return np.stack([column.astype(np.int64) for column in columns], 1)


def _limit(hashes: NDArray[np.uint64]) -> int:
    """How many bits may differ, so that the pairs to be looked at grow only as the pictures do."""
    num = hashes.shape[1]
    some, other = _random_pairs(num)
    differing = np.bitwise_count(hashes[:, some] ^ hashes[:, other]).sum(axis=0)
    share = max(_CANDIDATES * num, 500_000) / (num * (num - 1) / 2)
    return _BITS if share >= 1 else min(_BITS, int(np.quantile(differing, share)))


def _moved(
    thumbs: NDArray[np.uint8], spectra: Floats, candidates: Indices, crowd: float
) -> Indices:
    """The candidates that differ by little but a small scale and shift (tangent distance)."""
    slack = _slack(crowd, 0.14, 6.6)
    candidates = candidates[np.argsort(candidates[:, 0], kind="stable")]
    kept = []
    for start in range(0, len(candidates), 32 * _BATCH):
        batch = candidates[start : start + 32 * _BATCH]
        pictures, rows = np.unique(batch[:, 0], return_inverse=True)
        spaces = _tangent_spaces(thumbs[pictures])[rows]
        back = turned_spectra(spectra[batch[:, 1]], batch[:, 3].astype(np.uint8))
        turns = np.repeat(batch[:, 2].astype(np.uint8), 5)
        spaces = turned_spectra(spaces.reshape(-1, FREQUENCIES, FREQUENCIES), turns)
        shares = np.einsum("pkf,pf->pk", spaces.reshape(len(batch), 5, -1)[:, :, 1:], unit(back))
        kept.append(batch[np.sqrt((shares**2).sum(1)) >= 1 - slack])
    return np.concatenate(kept) if kept else candidates


def _tangent_spaces(thumbs: NDArray[np.uint8]) -> Floats:
    """Orthonormal weighted frequencies `(N, 5, 8, 8)` of pictures and of their small movements.

    The movements are the derivatives by scale and shift along x and y. Turning a picture turns
    its space, because signs and order of the five do not matter to what they span.
    """
    images = thumbs.astype(np.float32)
    grid = ((2 * np.arange(SIDE) + 1) / SIDE - 1).astype(np.float32)
    down, across = np.gradient(images, axis=(1, 2))
    moves = np.stack([images, across, across * grid, down, down * grid[:, None]], 1)
    spectra = frequencies(moves.reshape(-1, SIDE, SIDE))
    directions = unit(spectra).reshape(len(thumbs), 5, -1).transpose(0, 2, 1)
    spaces, _ = np.linalg.qr(directions)
    whole = np.zeros((len(thumbs), 5, FREQUENCIES**2), np.float32)
    whole[:, :, 1:] = spaces.transpose(0, 2, 1)
    return whole.reshape(len(thumbs), 5, FREQUENCIES, FREQUENCIES)


def _same(fingerprints: Fingerprints, chosen: Indices, batch: Indices, crowd: float) -> Indices:
    """The pairs `(P, 2)` of a batch of candidates that are one picture, seen closely."""
    left, right = chosen[batch[:, 0]], chosen[batch[:, 1]]
    turns = batch[:, 2:].astype(np.uint8)
    ours = turned(fingerprints.thumbs[left].astype(np.float32), turns[:, 0])
    theirs = turned(fingerprints.thumbs[right].astype(np.float32), turns[:, 1])
    alike = likeness(ours, theirs, _resolution(fingerprints.sides, left, right))
    tints = _tints(fingerprints.colours[left], turns[:, 0])
    off = tints - _tints(fingerprints.colours[right], turns[:, 1])
    same = (
        (alike.whole >= 1 - _slack(crowd, 0.02, 1.3))
        & (alike.fine >= 1 - _slack(crowd, 0.2, 4.6))
        & (np.sqrt((off**2).mean(axis=(1, 2, 3))) < _TINT)
    )
    return np.asarray(batch[same, :2])


def _tints(colours: NDArray[np.uint8], turns: NDArray[np.uint8]) -> Floats:
    """Colour thumbnails less their grey, turned: `(P, 3, 4, 4)`."""
    bands = np.moveaxis(colours.astype(np.float32), 3, 0)
    return np.stack([turned(band - bands.mean(axis=0), turns) for band in bands], 1)


def _resolution(sides: Indices, left: Indices, right: Indices) -> Indices:
    """How many frequencies a side two pictures share (P,): all, unless one is a small shrunk one.

    Half of its pixels is what is left of a tiny picture after somebody's resizing filter.
    """
    small, large = np.minimum(sides[left], sides[right]), np.maximum(sides[left], sides[right])
    return np.where(large > 1.25 * small, (small // 2).clip(4, SIDE), SIDE)
