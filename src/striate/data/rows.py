"""Files to rows of pixels, in the order asked for."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable
from functools import partial

from striate.data.caching.entry import Bad
from striate.data.dataset import Excluded, Files
from striate.data.kinds import Unreadable
from striate.data.pixels import raw_of
from striate.data.workers import Workers
from striate.preprocess import Preprocess


def decoded(
    files: Files, indices: Iterable[int], preprocess: Preprocess, workers: int, *, ahead: int = 64
) -> Generator[bytes | Bad, None, None]:
    """The picture at every index as the bytes of `(H, W, C)`, or why it has no pixels.

    `workers` processes decode, `ahead` pictures before they are asked for; 0 does it in the caller.
    """
    asked, told = itertools.tee(indices)
    with Workers(partial(raw_of, preprocess=preprocess), count=workers) as crowd:
        rows = crowd.map((files.path(index) for index in asked), ahead=ahead)
        for index, row in zip(told, rows, strict=True):
            yield Bad(index, row.kind, row.reason) if isinstance(row, Unreadable) else row


def excluded(files: Files, bad: Bad) -> Excluded:
    """How a data set names a file without pixels."""
    return Excluded(files.names[bad.index], bad.kind, bad.reason)
