"""A labelled set of pictures: where they are, what they show, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor

from striate.errors import ArgumentError, printable

_TOLD = 3


@dataclass(frozen=True, slots=True)
class Files:
    """Picture files under one folder, by their names inside it.

    Names that are no UTF-8 hold surrogate escapes, as Python's file functions take them.
    """

    root: Path
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def path(self, index: int) -> Path:
        """Where the picture with this index lies."""
        return self.root / self.names[index]

    def subset(self, indices: Tensor) -> Files:
        """The files at `indices`, in that order."""
        return Files(self.root, tuple(self.names[index] for index in indices.tolist()))


@dataclass(frozen=True, slots=True)
class Excluded:
    """A file that was found and is not among the samples, and why."""

    path: str
    kind: str
    reason: str


def some_of(excluded: Sequence[Excluded]) -> str:
    """How many files were left out, and the first of them: "(12): a.jpg (truncated), ..."."""
    first = ", ".join(printable(f"{one.path} ({one.kind})") for one in excluded[:_TOLD])
    return f"({len(excluded):,}): {first}{', ...' if len(excluded) > _TOLD else ''}"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a data set comes from: what was asked for, its layout, its terms where known."""

    source: str
    layout: str
    licence: str = ""

    def __post_init__(self) -> None:
        # What a run folder stores must be readable later, whatever bytes a path holds.
        object.__setattr__(self, "source", printable(self.source))


@dataclass(frozen=True, slots=True)
class Dataset:
    """Pictures, either uint8 `(N, C, H, W)` or files, and labels `(N,)` int64.

    A label is an index into `classes`, or -1 where none is known. `parts` are the indices of an
    official division (`train`, `val`, `test`), and empty where the source makes none.
    """

    name: str
    pictures: Tensor | Files
    labels: Tensor
    classes: tuple[str, ...]
    provenance: Provenance
    parts: Mapping[str, Tensor] = field(default_factory=dict)
    excluded: tuple[Excluded, ...] = ()

    def __post_init__(self) -> None:
        if len(self.pictures) != len(self.labels):
            raise ArgumentError("labels", len(self.labels), f"{len(self.pictures)}, one a picture")

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Tensor) -> Dataset:
        """The samples at `indices`, in that order; an official division does not survive it."""
        pictures = self.pictures
        chosen = pictures.subset(indices) if isinstance(pictures, Files) else pictures[indices]
        return replace(self, pictures=chosen, labels=self.labels[indices], parts={})


@dataclass(frozen=True, slots=True)
class Split:
    """Indices into one data set; no index is in two parts."""

    train: Tensor
    val: Tensor
    test: Tensor
