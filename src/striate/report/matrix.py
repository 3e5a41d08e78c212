"""The confusion matrix, with the pictures behind each of its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from striate.report.findings import Findings
from striate.report.pictures import Budget, Shown, fetched
from striate.report.words import file_name, percent

_WHOLE = 100  # classes up to which the matrix is shown whole
_WORST = 40  # classes of a larger one that are shown
_RIGHT_ONES = 12  # pictures of a cell on the diagonal
_SIDE = 96
_SHELL = 420  # bytes that an opening cell takes without its pictures
_ENTRY = 60  # bytes around a name and a picture


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture of a cell."""

    name: str
    chance: str
    """Of the class it was taken for."""
    shown: Shown


@dataclass(slots=True)
class Cell:
    """The pictures of one class that were taken for one class."""

    true: int
    said: int
    count: int
    share: float
    """Of the pictures of the true class."""
    entries: list[Entry] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether it lies on the diagonal."""
        return self.true == self.said


@dataclass(frozen=True, slots=True)
class Matrix:
    """Cells by row and column; None where nothing is."""

    classes: Sequence[int]
    rows: Sequence[Sequence[Cell | None]]
    cells: Sequence[Cell]
    """All that open."""
    closed: int
    """How many with errors show their number alone, for want of room."""
    whole: bool


def matrix(found: Findings, budget: Budget) -> Matrix:
    """Errors come first to the budget: one picture of each cell, then the next of each."""
    confusion = found.held.confusion
    classes = _classes(confusion)
    rows: list[list[Cell | None]] = []
    for true in classes:
        there = max(1, int(confusion[true].sum()))
        counts = confusion[true].tolist()
        rows.append(
            [
                Cell(true, said, counts[said], counts[said] / there) if counts[said] else None
                for said in classes
            ]
        )
    cells = [cell for row in rows for cell in row if cell]
    _fill(found, cells, budget)
    closed = sum(not cell.entries and not cell.right for cell in cells)
    opening = [cell for cell in cells if cell.entries]
    return Matrix(classes, rows, opening, closed, len(classes) == len(confusion))


def _classes(confusion: torch.Tensor) -> list[int]:
    if len(confusion) <= _WHOLE:
        return list(range(len(confusion)))
    wrong = confusion.sum(0) + confusion.sum(1) - 2 * confusion.diagonal()
    return sorted(wrong.topk(_WORST).indices.tolist())


def _fill(found: Findings, cells: Sequence[Cell], budget: Budget) -> None:
    """Give the cells their pictures, as far as the budget goes."""
    members = _members(found)
    queue: list[tuple[int, Cell, int]] = []
    for cell in cells:
        inside = members[cell.true, cell.said]
        if cell.right:
            inside = inside[::-1][:_RIGHT_ONES]  # those it was least sure of
        queue += [(rank, cell, row) for rank, row in enumerate(inside)]
    queue.sort(key=lambda item: (item[1].right, item[0], -item[1].count))
    kept = []
    for rank, cell, row in queue:
        size = (0 if rank else _SHELL) + _ENTRY + 2 * len(_name(found, row))
        if not budget.spend(size):
            break
        kept.append((cell, row))
    indices = found.held.indices[[row for _, row in kept]]
    shown = fetched(found.pictures, indices, budget, _SIDE)
    confidence = found.held.chances.amax(1).tolist()
    for (cell, row), one in zip(kept, shown, strict=True):
        cell.entries.append(Entry(_name(found, row), percent(confidence[row], 0), one))


def _name(found: Findings, row: int) -> str:
    return file_name(found.pictures.name(int(found.held.indices[row])))


def _members(found: Findings) -> dict[tuple[int, int], list[int]]:
    """Rows of the held-out pictures by their cell, the surest answer first."""
    members: dict[tuple[int, int], list[int]] = {}
    order = found.held.chances.amax(1).argsort(descending=True)
    labels, said = found.held.labels.tolist(), found.held.predicted.tolist()
    for row in order.tolist():
        members.setdefault((labels[row], said[row]), []).append(row)
    return members
