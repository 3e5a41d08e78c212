"""How a data set is cut into train, validation and test.

An official division is kept as it is. A part that it lacks is cut out of `train`; a sample in no
official part counts as `train`. Samples without a class are in no part.

Pictures that belong together (bursts, one patient, near duplicates) come as pairs of samples; what
pairs connect is one group, and a cut never divides a group. Every cut is stratified: the same share
of every class, rounded to whole samples, as near as the groups allow; every class that there is
keeps a sample in `train`. All is a pure function of the labels, the groups and the seed.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from striate.data.dataset import Dataset, Split
from striate.errors import WRONG_INPUT, ArgumentError, StriateError

Pairs = Iterable[tuple[int, int]]


def split(
    dataset: Dataset, *, val: float = 0.1, test: float = 0.2, seed: int = 0, groups: Pairs = ()
) -> Split:
    """Cut a data set; `val` and `test` are shares of what the cut is made from.

    Without an official division that is every labelled sample; with one it is the train part, and a
    share counts only if its part has to be cut. `groups` are pairs of indices that belong together.
    """
    _check_shares(val, test)
    parts = labelled_parts(dataset)
    pool = _train_pool(dataset, parts)
    of_pool = dataset.labels[pool]
    roots = roots_of(len(dataset), groups)[pool]
    wanted = {part: 0 if part in parts else share for part, share in (("val", val), ("test", test))}
    cut = _cut(of_pool, roots, **wanted, seed=seed)
    return Split(
        train=pool[cut.train],
        val=parts.get("val", pool[cut.val]),
        test=parts.get("test", pool[cut.test]),
    )


def sampled(part: Tensor, most: int) -> Tensor:
    """At most so many samples of a part, each once, evenly spread."""
    count = min(most, len(part))
    return part[torch.arange(count) * len(part) // max(count, 1)]


def stratified_split(
    labels: Tensor, *, val: float = 0.1, test: float = 0.2, seed: int = 0
) -> Split:
    """Cut every class by the same shares, without groups.

    The test part is drawn first and does not depend on the size of the validation part.
    """
    _check_shares(val, test)
    return _cut(labels, torch.arange(len(labels)), val=val, test=test, seed=seed)


def groups_by(names: Sequence[str], pattern: str) -> list[tuple[int, int]]:
    """Pairs of indices whose names match `pattern` alike: by its groups, or by the whole match.

    `(patient\\d+)_` makes a group of every patient. A name that does not match stands alone.
    """
    try:
        search = re.compile(pattern).search
    except re.error as error:
        expected = f"a regular expression ({error})"
        raise ArgumentError("group-by", pattern, expected) from error
    pairs, last = [], dict[object, int]()
    for index, name in enumerate(names):
        if match := search(name):
            key = match.groups() or match[0]
            if key in last:
                pairs.append((last[key], index))
            last[key] = index
    if not last:
        first = f"; the first is {names[0]!r}" if names else ""
        expected = f"a regular expression that matches names of pictures{first}"
        raise ArgumentError("group-by", pattern, expected)
    return pairs


def _check_shares(val: float, test: float) -> None:
    if not (val >= 0 and test >= 0 and val + test < 1):
        raise ArgumentError("val and test", (val, test), "shares of 0 or more, together below 1")


def labelled_parts(dataset: Dataset) -> dict[str, Tensor]:
    """The official parts, without the samples that have no class, and without empty ones."""
    labelled = {part: of[dataset.labels[of] >= 0] for part, of in dataset.parts.items()}
    return {part: indices.sort().values for part, indices in labelled.items() if len(indices)}


def _train_pool(dataset: Dataset, parts: dict[str, Tensor]) -> Tensor:
    """What may be trained on, or cut: every labelled sample outside official `val` and `test`."""
    free = dataset.labels >= 0
    if not free.any():
        raise StriateError(
            f"none of its {len(dataset):,} pictures has a class",
            where=dataset.name,
            remedy="Put the pictures of each class in a folder with its name",
            exit_code=WRONG_INPUT,
        )
    for part in ("val", "test"):
        free[parts.get(part, [])] = False
    if not free.any():
        raise StriateError(
            f"every labelled picture is in {' or '.join(sorted(parts))}, and none is left to train",
            where=dataset.name,
            remedy="Name the folder above, which holds train, or a part alone as a plain folder",
            exit_code=WRONG_INPUT,
        )
    return free.nonzero().flatten()


def roots_of(count: int, pairs: Pairs) -> Tensor:
    """For every sample the number of its group: two are equal where pairs connect them, `(N,)`."""
    above = list(range(count))
    pairs = list(pairs)
    if not pairs:
        return torch.arange(count)

    def root(index: int) -> int:
        while above[index] != index:
            above[index] = above[above[index]]  # halves the path for the next one
            index = above[index]
        return index

    for one, other in pairs:
        if not (0 <= one < count and 0 <= other < count):
            raise ArgumentError("groups", (one, other), f"indices from 0 to {count - 1}")
        above[root(one)] = root(other)
    return torch.tensor([root(index) for index in range(count)], dtype=torch.int64)


def _cut(labels: Tensor, roots: Tensor, *, val: float, test: float, seed: int) -> Split:
    """Cut samples `(N,)` with these classes and groups; the test part is drawn first."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    if len(roots.unique()) == len(roots):
        return _cut_singles(labels, order, val=val, test=test)
    return _cut_groups(labels, order, roots, val=val, test=test)


def _cut_groups(labels: Tensor, order: Tensor, roots: Tensor, *, val: float, test: float) -> Split:
    """Cut samples group by group.

    A group comes where its first member stands in the random order: where any of its members comes
    first, large groups would be drawn earlier.
    """
    place = order.argsort().tolist()
    units: dict[int, list[int]] = defaultdict(list)
    for index, root in enumerate(roots.tolist()):
        units[root].append(index)
    units = dict(sorted(units.items(), key=lambda unit: place[unit[1][0]]))
    classes = labels.tolist()
    counts = {root: Counter(classes[index] for index in unit) for root, unit in units.items()}
    left = Counter(classes)
    wanted = [Counter({c: round(n * share) for c, n in left.items()}) for share in (test, val)]
    taken = [_take(counts, of, left) for of in wanted]
    parts = [[index for root in roots for index in units[root]] for roots in (*taken, counts)]
    test_part, val_part, train = (torch.tensor(p, dtype=torch.int64).sort().values for p in parts)
    return Split(train, val_part, test_part)


def _take(counts: dict[int, Counter[int]], wanted: Counter[int], left: Counter[int]) -> list[int]:
    """Take groups out of `counts` until each class has about what is wanted.

    First those that fit whole, in their random order, so that large groups are not preferred; then
    those that bring the classes nearer to their numbers although they overshoot. The last sample
    of a class stays: `left` counts what is still there.
    """
    got: Counter[int] = Counter()
    taken = []
    for may_overshoot in (False, True):
        for root, unit in list(counts.items()):
            if any(left[c] <= n for c, n in unit.items()):
                continue
            if may_overshoot:
                # The change of the sum of squared distances from the wanted numbers.
                good = sum(n * (2 * (got[c] - wanted[c]) + n) for c, n in unit.items()) < 0
            else:
                good = all(got[c] + n <= wanted[c] for c, n in unit.items())
            if good:
                taken.append(root)
                got.update(unit)
                left.subtract(unit)
                del counts[root]
    return taken


def _cut_singles(labels: Tensor, order: Tensor, *, val: float, test: float) -> Split:
    """The same cut where every sample is its own group: by slices, for millions of samples."""
    by_class = order[labels[order].argsort(stable=True)]
    sizes = labels.unique(return_counts=True)[1].tolist() if len(labels) else []
    parts: dict[str, list[Tensor]] = {"train": [], "val": [], "test": []}
    for members in by_class.split(sizes):
        num_test = min(round(len(members) * test), len(members) - 1)
        num_val = min(round(len(members) * val), len(members) - 1 - num_test)
        parts["test"].append(members[:num_test])
        parts["val"].append(members[num_test : num_test + num_val])
        parts["train"].append(members[num_test + num_val :])
    none = by_class[:0]
    return Split(**{name: torch.cat([none, *part]).sort().values for name, part in parts.items()})
