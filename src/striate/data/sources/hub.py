"""Data sets that Hugging Face's `datasets` has saved to disk; needs that package.

The pictures inside its tables are written out once, byte for byte, as files in the cache: from
there on they are files like any others.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from striate.data.dataset import Dataset, Excluded, Files, Provenance
from striate.data.sources.folder import PART_NAMES
from striate.errors import WRONG_INPUT, StriateError
from striate.files import cache_folder, unwritable


def is_saved(root: Path) -> bool:
    """Whether a folder is what `save_to_disk` writes: one data set, or a dict of parts."""
    one = (root / "dataset_info.json").is_file() and (root / "state.json").is_file()
    return one or (root / "dataset_dict.json").is_file()


def load_saved(root: Path, *, trusted: bool = True) -> Dataset:
    """A saved data set with a column of images and one of classes; `train`, `test` as parts.

    A row may hold the path of a picture in place of the picture. Where `trusted` is False, as for
    a set that came in an archive, no such file is read: a stranger could name any on this disk.
    """
    if importlib.util.find_spec("datasets") is None:
        raise _unusable(
            root,
            "is a data set saved by Hugging Face's `datasets`, which is not installed",
            "pip install 'striate[hub]'",
        )
    library: Any = importlib.import_module("datasets")
    try:
        saved = library.load_from_disk(str(root))
    except Exception as error:  # of whatever kind the library and its tables raise
        raise _unusable(root, f"cannot be read by `datasets` ({error})") from error
    tables = {
        part: _Table.of(root, table, library)
        for part, table in sorted((saved if isinstance(saved, dict) else {"": saved}).items())
    }
    if odd := [part for part in tables if not re.fullmatch(r"\w*(\w[.-]\w+)*", part)]:
        raise _unusable(root, f"has a part with the name {odd[0]!r:.80}")
    folder = cache_folder("hub") / (_key(root) + ("" if trusted else "-inside"))
    if not folder.is_dir():
        _write(tables, folder, trusted=trusted)
    return _dataset(root, tables, folder)


@dataclass(frozen=True, slots=True)
class _Table:
    """One part: its rows, its column of encoded images, its classes by row."""

    rows: Any
    image: str
    labels: list[str]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, root: Path, table: Any, library: Any) -> _Table:
        images = [name for name, kind in table.features.items() if isinstance(kind, library.Image)]
        if len(images) != 1:
            found = f"{len(images)} columns of images, not 1"
            raise _unusable(root, f"has {found} (columns: {', '.join(table.features)})")
        rows = table.cast_column(images[0], library.Image(decode=False))
        for name, kind in table.features.items():
            if isinstance(kind, library.ClassLabel):
                numbers = rows[name][:]
                named = ["" if n is None or n < 0 else kind.names[n] for n in numbers]
                return cls(rows, images[0], named, tuple(kind.names))
        for name in ("label", "class"):
            if name in table.features:
                named = ["" if value is None else str(value) for value in rows[name][:]]
                return cls(rows, images[0], named, tuple(sorted({*named} - {""})))
        return cls(rows, images[0], [""] * len(rows), ())

    def names(self, part: str) -> list[str]:
        """The names of the files that its pictures become."""
        return [f"{part or 'all'}/{index:09d}" for index in range(len(self.labels))]


def _dataset(root: Path, tables: dict[str, _Table], folder: Path) -> Dataset:
    # The official order where there is one; parts may know different classes all the same.
    classes = tuple(dict.fromkeys(name for table in tables.values() for name in table.classes))
    number = {name: index for index, name in enumerate(classes)} | {"": -1}
    names: list[str] = []
    labels: list[int] = []
    excluded: list[Excluded] = []
    parts: dict[str, list[int]] = {}
    for part, table in tables.items():
        for name, label in zip(table.names(part), table.labels, strict=True):
            if not (folder / name).is_file():
                excluded.append(Excluded(name, "missing-file", "the row holds no picture"))
                continue
            if part.lower() in PART_NAMES:
                parts.setdefault(PART_NAMES[part.lower()], []).append(len(names))
            names.append(name)
            labels.append(number[label])
    return Dataset(
        root.resolve().name,
        Files(folder, tuple(names)),
        torch.tensor(labels, dtype=torch.int64),
        classes,
        Provenance(str(root), "saved by Hugging Face datasets"),
        {part: torch.tensor(indices) for part, indices in parts.items()},
        tuple(excluded),
    )


def _write(tables: dict[str, _Table], folder: Path, *, trusted: bool) -> None:
    """Write the pictures as files; the folder appears whole, in one rename, or not at all."""
    temporary = folder.parent / f".striate-{secrets.token_hex(8)}.tmp"
    try:
        for part, table in tables.items():
            (temporary / (part or "all")).mkdir(parents=True)
            for name, row in zip(table.names(part), table.rows, strict=True):
                if (content := _content(row[table.image], trusted=trusted)) is not None:
                    (temporary / name).write_bytes(content)
        if not folder.is_dir():
            temporary.rename(folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _content(picture: Any, *, trusted: bool) -> bytes | None:
    """The picture in a row, or in the file that the row names; None if there is none."""
    if picture is None:
        return None
    content: bytes | None = picture["bytes"]
    if content is None and picture["path"] and trusted:
        return Path(picture["path"]).read_bytes()
    return content


def _key(root: Path) -> str:
    """A name for what a saved data set holds: its records, and its tables' sizes and times."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix in (".json", ".arrow"):
            facts = path.stat()
            of = f"{path.relative_to(root)} {facts.st_size} {facts.st_mtime_ns}\n"
            digest.update(os.fsencode(of))
            digest.update(path.read_bytes() if path.suffix == ".json" else b"")
    return digest.hexdigest()


def _unusable(root: Path, what: str, remedy: str = "Save it again") -> StriateError:
    return StriateError(what, where=str(root), remedy=remedy, exit_code=WRONG_INPUT)
