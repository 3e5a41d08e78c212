"""Answers about many files, in order and in flat memory: decoded beside the network's work."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from striate.data import Unreadable, Workers, pictures_under, raw_of
from striate.errors import StriateError, printable

if TYPE_CHECKING:
    from striate.pipeline.classifier import Classifier, Prediction

BATCH = 32
_ALONE = 8  # files that one process decodes before others have started


@dataclass(frozen=True, slots=True)
class Row:
    """A file and its answer, or what is wrong with it."""

    path: str
    answer: Prediction | None
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: `path` with the answer's, or with `error`."""
        rest = self.answer.to_dict() if self.answer else {"error": self.error}
        return {"path": printable(self.path), **rest}


def files_of(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as they are named, folders as the pictures under them, one folder after another."""
    for path in paths:
        if path.is_dir():
            yield from (path / name for name in pictures_under(path))
        else:
            yield path


def answers(
    classifier: Classifier, files: Iterable[Path], *, top: int, tta: str = ""
) -> Iterator[Row]:
    """A row for every file, in order; a file without a picture in it costs nothing but its row."""
    remaining = iter(files)
    first = list(itertools.islice(remaining, _ALONE + 1))
    count = 0 if len(first) <= _ALONE else os.cpu_count() or 1
    asked, told = itertools.tee(itertools.chain(first, remaining))
    preprocess = classifier.preprocess_for(tta)
    with Workers(partial(raw_of, preprocess=preprocess), count=count) as crowd:
        pairs = zip(told, crowd.map(asked, ahead=2 * BATCH), strict=True)
        while batch := list(itertools.islice(pairs, BATCH)):
            yield from _rows(classifier, batch, top, tta)


def _rows(
    classifier: Classifier, batch: list[tuple[Path, bytes | Unreadable]], top: int, tta: str
) -> Iterator[Row]:
    good = [raw for _, raw in batch if not isinstance(raw, Unreadable)]
    pixels = [classifier.preprocess_for(tta).tensor(raw) for raw in good]
    found = iter(classifier.answer(torch.stack(pixels), top, tta) if pixels else ())
    for path, raw in batch:
        if isinstance(raw, StriateError):
            yield Row(str(path), None, raw.what)
        else:
            yield Row(str(path), next(found))
