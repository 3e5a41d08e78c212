"""A list of pictures as a source: CSV (`,` `;` or tabs) or JSON lines, with a header or keys.

Columns, by their names in any case: the file (`path`, `file`, `file_name`, `filename`, `image`),
its class (`label`, `class`), its official part (`split`, `part`); the last two may be missing or
empty. Others are ignored. Files are relative to the manifest's folder and may not leave it by `..`;
absolute paths mean what they say, except in a manifest that came in an archive. A row that comes
twice counts once; a file with two classes or parts is left out.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import torch

from striate.data.dataset import Dataset, Excluded, Files, Provenance
from striate.data.sources.folder import PART_NAMES
from striate.data.sources.tree import walk
from striate.errors import WRONG_INPUT, StriateError

SUFFIXES = (".csv", ".tsv", ".jsonl")
_COLUMNS = {
    "path": ("path", "file_name", "filename", "file", "image"),
    "label": ("label", "class"),
    "part": ("split", "part"),
}
_REASONS = {
    "missing-file": "the manifest names it, and it is not there",
    "conflicting-rows": "the manifest gives it more than one class or part",
    "not-listed": "the folder's manifest does not name it",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """What a manifest says of one file; "" where it says nothing."""

    name: str
    label: str
    part: str


def load_manifest(path: Path, *, trusted: bool = True) -> Dataset:
    """The pictures that a manifest lists, in code-point order of their names.

    `trusted` is False for a manifest that came in an archive.
    """
    rows: dict[str, _Row] = {}
    excluded: list[Excluded] = []
    conflicting = set()
    for number, cells in _cells(path):
        row = _row(path, number, cells, trusted=trusted)
        if row == rows.setdefault(row.name, row):
            continue
        conflicting.add(row.name)
    for name in [name for name in rows if not (path.parent / name).is_file()]:
        excluded.append(_excluded(name, "missing-file"))
        del rows[name]
    for name in conflicting & rows.keys():
        excluded.append(_excluded(name, "conflicting-rows"))
        del rows[name]
    if not rows:
        raise _unusable(path, f"names no picture that is there ({len(excluded):,} left out)")
    return _dataset(path, [rows[name] for name in sorted(rows)], excluded)


def load_listed(path: Path, *, trusted: bool) -> Dataset:
    """A folder by the manifest in it, which then stands for the whole folder.

    So pictures that it does not name are excluded, like all else that lies there.
    """
    dataset, tree = load_manifest(path, trusted=trusted), walk(path.parent)
    assert isinstance(dataset.pictures, Files)
    named = {*dataset.pictures.names, *(one.path for one in dataset.excluded), path.name}
    named = {os.path.relpath(n, path.parent) if os.path.isabs(n) else n for n in named}
    folders = {Path(name) for name in map(os.path.dirname, named)}
    above = {f"{one}/" for folder in folders for one in (folder, *folder.parents)}
    unnamed = [_excluded(name, "not-listed") for name in tree.pictures if name not in named]
    beside = [one for one in tree.excluded if one.path not in named | above]
    excluded = (*dataset.excluded, *unnamed, *beside)
    return replace(dataset, excluded=tuple(sorted(excluded, key=lambda one: one.path)))


def labels_pictures(path: Path) -> bool:
    """Whether a file is a manifest with a column of files and one of classes."""
    try:
        first = next(_cells(path), None)
    except StriateError:
        return False
    return first is not None and {"path", "label"} <= first[1].keys()


def _dataset(path: Path, rows: list[_Row], excluded: list[Excluded]) -> Dataset:
    classes = sorted({row.label for row in rows if row.label})
    number = {name: index for index, name in enumerate(classes)} | {"": -1}
    parts: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        if row.part:
            parts.setdefault(row.part, []).append(index)
    return Dataset(
        path.parent.resolve().name,
        Files(path.parent, tuple(row.name for row in rows)),
        torch.tensor([number[row.label] for row in rows], dtype=torch.int64),
        tuple(classes),
        Provenance(str(path), "manifest"),
        {part: torch.tensor(indices) for part, indices in parts.items()},
        tuple(sorted(excluded, key=lambda one: one.path)),
    )


def _row(path: Path, number: int, cells: dict[str, str], *, trusted: bool) -> _Row:
    """One row, checked; the number of its line is for the reader of an error."""
    where = f"line {number}"
    written = cells.get("path", "")
    if not written or "\0" in written:
        raise _unusable(path, f"{where} names no file")
    name = os.path.normpath(written)
    if name == ".." or name.startswith(".." + os.sep):
        raise _unusable(path, f"{where} leads out of the manifest's folder: {written!r:.80}")
    if os.path.isabs(name) and not trusted:
        raise _unusable(path, f"{where} has an absolute path, and came in an archive")
    part = cells.get("part", "")
    if part and part.lower() not in PART_NAMES:
        known = ", ".join(PART_NAMES)
        raise _unusable(path, f"{where} has the part {part!r:.40}, known are {known}")
    return _Row(name, cells.get("label", ""), PART_NAMES.get(part.lower(), ""))


def _cells(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The number of each line and what is in its columns, by our names for them."""
    reader = _json_rows if path.suffix.lower() == ".jsonl" else _csv_rows
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from reader(path, file)
    except UnicodeDecodeError as error:
        raise _unusable(path, "is not UTF-8 text") from error
    except (OSError, csv.Error) as error:
        raise _unusable(path, f"cannot be read ({error})") from error


def _csv_rows(path: Path, file: TextIO) -> Iterator[tuple[int, dict[str, str]]]:
    header = file.readline()
    delimiter = max(",;\t", key=header.count)
    names = next(csv.reader([header], delimiter=delimiter), [])
    places = {ours: names.index(name) for ours, name in _columns(path, names).items()}
    reader = csv.reader(file, delimiter=delimiter)
    for cells in reader:
        if any(cells):
            if len(cells) <= max(places.values()):
                raise _unusable(path, f"line {reader.line_num + 1} has only {len(cells)} columns")
            row = {ours: cells[place].strip() for ours, place in places.items()}
            yield reader.line_num + 1, row


def _json_rows(path: Path, file: TextIO) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _unusable(path, f"line {number} is no JSON ({error})") from error
        if not isinstance(item, dict):
            raise _unusable(path, f"line {number} is no JSON object")
        row = {ours: item[name] for ours, name in _columns(path, list(item)).items()}
        if not all(value is None or isinstance(value, str | int) for value in row.values()):
            raise _unusable(
                path, f"line {number} has a value that is neither text nor a whole number"
            )
        yield number, {ours: "" if v is None else str(v).strip() for ours, v in row.items()}


def _columns(path: Path, names: list[str]) -> dict[str, str]:
    """Our name -> the manifest's, for the columns that are there."""
    by_name = {name.strip().lower(): name for name in names}
    found = {
        ours: by_name[choice]
        for ours, choices in reversed(_COLUMNS.items())
        for choice in reversed(choices)
        if choice in by_name
    }
    if "path" not in found:
        wanted = ", ".join(_COLUMNS["path"])
        raise _unusable(path, f"has no column of files: one is called {wanted}")
    return found


def _excluded(name: str, kind: str) -> Excluded:
    return Excluded(name, kind, _REASONS[kind])


def _unusable(path: Path, what: str) -> StriateError:
    return StriateError(what, where=str(path), remedy="Mend the manifest", exit_code=WRONG_INPUT)
