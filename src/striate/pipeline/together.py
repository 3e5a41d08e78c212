"""Which pictures a cut must not part: those that their names group, and copies of each other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from striate.data import Dataset, Files
from striate.data.check import Report, check
from striate.data.split import groups_by, labelled_parts
from striate.errors import ArgumentError

_MOST = 100_000  # files; among more, a search takes longer than training on them

Step = Callable[[int, int], None]


def by_name(data: Dataset, pattern: str) -> list[tuple[int, int]]:
    """Pairs of pictures whose file names match `pattern` alike; none without a pattern."""
    if not pattern:
        return []
    if not isinstance(data.pictures, Files):
        expected = f"nothing: the pictures of {data.name} have no names"
        raise ArgumentError("group-by", pattern, expected)
    return groups_by(data.pictures.names, pattern)


def kept_together(plan: Mapping[str, Any], data: Dataset) -> list[tuple[int, int]]:
    """The pairs that the cut of a run did not part, from its config."""
    kept = plan["together"]
    return [*by_name(data, kept["group_by"]), *map(tuple, kept["copies"])]


def copies(
    data: Dataset, step: Step, say: Callable[[str], None]
) -> tuple[list[tuple[int, int]], Report | None]:
    """Pairs of pictures that are one and the same, and the check that found them, if one was made.

    Files are checked as `striate check` does it. Sets that come as pixels are searched for equal
    ones only, where a part is yet to be cut: among 60,000 digits near ones would take a minute.
    """
    report = None
    to_be_cut = not {"val", "test"} <= labelled_parts(data).keys()
    if isinstance(data.pictures, Tensor):
        pairs = _equal(data.pictures) if to_be_cut else []
    elif len(data) > _MOST:
        say(f"Copies are not looked for among more than {_MOST:,} files; --group-by can name them")
        return [], None
    else:
        report = check(data, step=step)
        pairs = [(int(one), int(other)) for one, other in report.pairs]
        for finding in (*report.problems, *report.warnings):
            say(f"data check: {finding.message} (`striate check` names them)")
    if pairs and to_be_cut:
        num = len({index for pair in pairs for index in pair})
        say(f"{num:,} pictures have copies or near copies, which stay together in one part")
    return pairs, report


def _equal(pictures: Tensor) -> list[tuple[int, int]]:
    """Each picture that is equal to an earlier one, with the first such."""
    first: dict[bytes, int] = {}
    pairs = []
    for index, picture in enumerate(pictures):
        digest = hashlib.blake2b(picture.numpy().tobytes(), digest_size=16).digest()
        if (earlier := first.setdefault(digest, index)) != index:
            pairs.append((earlier, index))
    return pairs
