"""Into which fold each sample falls when a head is tried on what it was not made from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

from striate.data.split import roots_of
from striate.errors import ArgumentError


def pairs_among(ids: Tensor, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs of samples as pairs of places in `ids` (N,), where both are there."""
    place = {index: number for number, index in enumerate(ids.tolist())}
    return [(place[a], place[b]) for a, b in pairs if a in place and b in place]


def folds_of(
    labels: Tensor, count: int = 5, *, groups: Iterable[tuple[int, int]] = (), seed: int = 0
) -> Tensor:
    """Labels (N,) -> the number of each sample's fold (N,), at most `count` of them.

    Every class is spread evenly. What the pairs `groups` connect falls into one fold: a picture
    must not be judged by a head that was made from its copy. Fewer groups than `count` make fewer
    folds.
    """
    if count < 2:
        raise ArgumentError("folds", count, "at least 2")
    units: dict[int, list[int]] = defaultdict(list)
    for index, root in enumerate(roots_of(len(labels), groups).tolist()):
        units[root].append(index)
    if len(units) < 2:
        raise ArgumentError("labels", len(units), "two samples at least that are no copies")
    count = min(count, len(units))
    draw = torch.randperm(len(units), generator=torch.Generator().manual_seed(seed)).tolist()
    # Large groups first: what comes after them evens out what they left uneven.
    mixed = [members for _, members in sorted(zip(draw, units.values(), strict=True))]
    return _dealt(sorted(mixed, key=len, reverse=True), labels.tolist(), count)


def _dealt(units: list[list[int]], classes: list[int], count: int) -> Tensor:
    """Each unit to the fold that has the fewest of its first member's class, then of all."""
    folds = torch.empty(len(classes), dtype=torch.int64)
    of_class: dict[int, list[int]] = defaultdict(lambda: [0] * count)
    sizes = [0] * count
    for members in units:
        there = of_class[classes[members[0]]]
        fold = min(range(count), key=lambda k: (there[k], sizes[k], k))
        folds[members] = fold
        sizes[fold] += len(members)
        for name, number in Counter(classes[index] for index in members).items():
            of_class[name][fold] += number
    return folds
