"""Check a data set: look at every picture once, then at what they have in common."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.data.check import balance
from striate.data.check.fingerprints import (
    Fingerprint,
    Fingerprints,
    fingerprint,
    fingerprint_pixels,
)
from striate.data.check.near import near_duplicates
from striate.data.check.quality import MESSAGES, quality, sizes
from striate.data.check.report import Class, Fault, Finding, Group, Report
from striate.data.dataset import Dataset, Files
from striate.data.kinds import ODDITIES, Unreadable
from striate.data.split import roots_of
from striate.data.workers import Workers
from striate.errors import printable

Step = Callable[[int, int], None]

# Of what a source leaves out, what was meant to be data.
_LOST = ("missing-file", "conflicting-rows", "broken-link", "unreadable-folder", "unreadable-file")


@dataclass(frozen=True, slots=True)
class _Seen:
    """The readable pictures: their fingerprints, a row each, and the samples they are of (R,)."""

    prints: Fingerprints
    samples: NDArray[np.int64]
    unreadable: dict[int, Unreadable]
    oddities: dict[str, list[int]]


def check(dataset: Dataset, *, step: Step = lambda done, of: None) -> Report:
    """What is wrong or odd in a data set. Nothing is written anywhere.

    `step` is called with the number of pictures seen and of all. Files are read by as many worker
    processes as there are cores: a picture that crashes a decoder is reported like any other.
    """
    start = time.perf_counter()
    seen = _look(dataset, step)
    found = near_duplicates(seen.prints)
    pairs = [(a, b) for a, b in seen.samples[found.indices].tolist()]
    groups = _groups(dataset, pairs, found.kinds)
    classes = _classes(dataset, set(seen.unreadable))
    return Report(
        source=dataset.provenance.source,
        files=len(dataset),
        classes=classes,
        sizes=sizes(seen.prints),
        unreadable=tuple(
            Fault(path_of(dataset, index), error.kind, error.reason)
            for index, error in seen.unreadable.items()
        ),
        excluded=tuple(Fault(printable(e.path), e.kind, e.reason) for e in dataset.excluded),
        converted=tuple(
            _about(dataset, kind, ODDITIES[kind], seen.oddities[kind])
            for kind in ODDITIES
            if kind in seen.oddities
        ),
        duplicates=groups,
        problems=(*_problems(dataset, seen, groups), *balance.problems(classes)),
        warnings=(
            *balance.warnings(classes),
            *_unlabelled(dataset, seen),
            *_duplicates(groups),
            *_odd(dataset, seen),
        ),
        pairs=tuple(pairs),
        seconds=time.perf_counter() - start,
    )


def path_of(dataset: Dataset, index: int) -> str:
    """What a sample is called: its file's name in the data set's folder, or its number."""
    pictures = dataset.pictures
    return printable(pictures.names[index]) if isinstance(pictures, Files) else f"#{index}"


def _look(dataset: Dataset, step: Step) -> _Seen:
    prints = Fingerprints.room_for(len(dataset))
    unreadable: dict[int, Unreadable] = {}
    oddities: dict[str, list[int]] = defaultdict(list)
    for index, result in enumerate(_fingerprints(dataset)):
        if isinstance(result, Unreadable):
            unreadable[index] = result
        else:
            prints.put(index, result)
            for kind in result.oddities:
                oddities[kind].append(index)
        step(index + 1, len(dataset))
    readable = np.delete(np.arange(len(dataset)), list(unreadable))
    return _Seen(prints.take(readable), readable, unreadable, oddities)


def _fingerprints(dataset: Dataset) -> Iterator[Fingerprint | Unreadable]:
    pictures = dataset.pictures
    if not isinstance(pictures, Files):
        yield from map(fingerprint_pixels, pictures.numpy())
        return
    count = min(os.cpu_count() or 1, len(pictures))
    with Workers(fingerprint, count=count) as workers:
        yield from workers.map(pictures.path(index) for index in range(len(pictures)))


def _about(dataset: Dataset, kind: str, message: str, indices: list[int]) -> Finding:
    return Finding(kind, message, tuple(indices), tuple(path_of(dataset, i) for i in indices))


def _classes(dataset: Dataset, unreadable: set[int]) -> tuple[Class, ...]:
    """Usable pictures of every class, in all and in each part."""
    labels = dataset.labels.numpy().copy()
    labels[list(unreadable)] = -1
    num = len(dataset.classes)

    def count(chosen: NDArray[np.int64]) -> list[int]:
        return [int(n) for n in np.bincount(chosen[chosen >= 0], minlength=num)]

    parts = {part: count(labels[indices.numpy()]) for part, indices in dataset.parts.items()}
    return tuple(
        Class(name, total, {part: counts[number] for part, counts in parts.items()})
        for number, (name, total) in enumerate(zip(dataset.classes, count(labels), strict=True))
    )


def _groups(
    dataset: Dataset, pairs: list[tuple[int, int]], kinds: tuple[str, ...]
) -> tuple[Group, ...]:
    """What pairs connect, each group sorted, and the groups by their first picture."""
    roots = roots_of(len(dataset), pairs).tolist()
    members: dict[int, list[int]] = defaultdict(list)
    for index in sorted({index for pair in pairs for index in pair}):
        members[roots[index]].append(index)
    near = {roots[one] for (one, _), kind in zip(pairs, kinds, strict=True) if kind == "near"}
    part_of = {i: part for part, indices in dataset.parts.items() for i in indices.tolist()}
    labels = dataset.labels.tolist()
    return tuple(
        Group(
            kind="near" if top in near else "exact",
            indices=tuple(group),
            paths=tuple(path_of(dataset, index) for index in group),
            classes=tuple(dataset.classes[c] for c in sorted({labels[i] for i in group} - {-1})),
            parts=tuple(sorted({part_of[index] for index in group if index in part_of})),
        )
        for top, group in members.items()
    )


def _problems(dataset: Dataset, seen: _Seen, groups: tuple[Group, ...]) -> Iterator[Finding]:
    if seen.unreadable:
        count = f"{len(seen.unreadable):,} without a usable picture"
        yield Finding("unreadable", count)
    for kind, chosen, message in (
        ("leakage", [g for g in groups if g.leak], "the same picture in more than one part"),
        (
            "two-labels",
            [g for g in groups if g.conflict],
            "the same picture in more than one class",
        ),
    ):
        if chosen:
            yield _joined(kind, message, chosen)
    for kind in _LOST:
        if lost := [one for one in dataset.excluded if one.kind == kind]:
            yield Finding(kind, lost[0].reason, paths=tuple(printable(one.path) for one in lost))


def _unlabelled(dataset: Dataset, seen: _Seen) -> Iterator[Finding]:
    """Pictures without a class beside others that have one."""
    without = seen.samples[dataset.labels.numpy()[seen.samples] < 0].tolist()
    if without and dataset.classes:
        yield _about(dataset, "unlabelled", "in no class, so nothing is learnt of it", without)


def _odd(dataset: Dataset, seen: _Seen) -> Iterator[Finding]:
    """Pictures that are hardly worth having."""
    if len(seen.prints):
        for kind, rows in quality(seen.prints).items():
            if len(rows):
                yield _about(dataset, kind, MESSAGES[kind], seen.samples[rows].tolist())


def _duplicates(groups: tuple[Group, ...]) -> Iterator[Finding]:
    """Copies within one class and part: harmless to labels, but they count twice."""
    if plain := [group for group in groups if not group.leak and not group.conflict]:
        yield _joined("duplicates", "the same picture more than once", plain)


def _joined(kind: str, message: str, groups: list[Group]) -> Finding:
    return Finding(
        kind,
        message,
        tuple(index for group in groups for index in group.indices),
        tuple(path for group in groups for path in group.paths),
    )
