"""A folder of pictures: a folder a class, with or without official parts, or no classes at all.

What the folders mean is decided by their names and places alone:

1. Parts, if every folder is called `train`, `val` (`valid`, `validation`) or `test`, or if one is
   `train`, holds folders itself, and stands beside another part. A picture's class is the folder
   below its part; the classes are those of all parts together. A part without class folders
   beside others that have some holds unlabelled pictures.
2. The inside of a wrapper, if there is one folder, no picture beside it, and it holds parts or
   classes.
3. Classes, if there are folders; pictures deeper inside count for the class. Pictures beside the
   class folders are excluded, by name.
4. No classes, if there are only pictures, or pictures beside fewer than two folders with pictures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from striate.data.dataset import Dataset, Excluded, Files, Provenance
from striate.data.sources.tree import Tree
from striate.errors import WRONG_INPUT, StriateError, printable

PART_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
_REASONS = {
    "outside-classes": "lies beside the class folders, so it has no class",
    "outside-parts": "lies beside the folders of the parts, so it belongs to none",
}


def from_tree(tree: Tree) -> Dataset:
    """What a walked tree means, by the rules above: a `Dataset` of files."""
    if not tree.pictures:
        raise no_pictures(tree)
    layout = _layout(tree, "")
    number = {name: index for index, name in enumerate(layout.classes)}
    names: list[str] = []
    labels: list[int] = []
    excluded = list(tree.excluded)
    parts: dict[str, list[int]] = {part: [] for part in layout.parts.values()}
    for name in tree.pictures:
        part, steps = layout.inside(name)
        if part is None or (len(steps) == 1 and part not in layout.flat):
            kind = "outside-parts" if part is None else "outside-classes"
            excluded.append(Excluded(name, kind, _REASONS[kind]))
            continue
        if part:
            parts[layout.parts[part]].append(len(names))
        labels.append(-1 if part in layout.flat else number[steps[0]])
        names.append(name)
    return Dataset(
        tree.root.resolve().name,
        Files(tree.root, tuple(names)),
        torch.tensor(labels, dtype=torch.int64),
        tuple(printable(name) for name in layout.classes),
        Provenance(str(tree.root), layout.name),
        {part: torch.tensor(indices, dtype=torch.int64) for part, indices in parts.items()},
        tuple(sorted(excluded, key=lambda one: one.path)),
    )


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the folders at one level mean.

    `parts` maps folders to the parts they are. The pictures of the folders in `flat` have no class;
    "" stands there for the level itself.
    """

    prefix: str
    classes: tuple[str, ...]
    parts: Mapping[str, str]
    flat: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """In words, for provenance."""
        classes = "class folders" if self.classes else "pictures without classes"
        return f"parts with {classes}" if self.parts else classes

    def inside(self, name: str) -> tuple[str | None, list[str]]:
        """A picture's part folder, "" where there are none, None if it lies beside; the rest."""
        steps = name[len(self.prefix) :].split("/")
        if not self.parts:
            return "", steps
        return (steps[0], steps[1:]) if len(steps) > 1 and steps[0] in self.parts else (None, steps)


def _layout(tree: Tree, prefix: str) -> _Layout:
    """What the folder at `prefix` ("" or "name/") means."""
    folders = _folders_in(tree, prefix)
    loose = any(len(steps) == 1 for steps in _steps(tree, prefix))
    if parts := _parts(tree, prefix, folders):
        inner = {folder: _folders_in(tree, f"{prefix}{folder}/") for folder in parts}
        classes = sorted({name for names in inner.values() for name in names})
        flat = frozenset(folder for folder in parts if not inner[folder])
        return _Layout(prefix, tuple(classes), parts, flat)
    if len(folders) == 1 and not loose:
        inside = _layout(tree, f"{prefix}{folders[0]}/")
        if inside.classes or inside.parts:
            return inside
    if loose and len({top for top, *rest in _steps(tree, prefix) if rest}) < 2:
        return _Layout(prefix, (), {}, frozenset({""}))
    return _Layout(prefix, tuple(folders), {})


def _parts(tree: Tree, prefix: str, folders: list[str]) -> dict[str, str]:
    """The part that each folder stands for; empty if these folders are no parts."""
    parts = {name: PART_NAMES[name.lower()] for name in folders if name.lower() in PART_NAMES}
    train_has_classes = any(
        _folders_in(tree, f"{prefix}{name}/") for name, part in parts.items() if part == "train"
    )
    if len(parts) < len(folders) and not (train_has_classes and len(parts) > 1):
        return {}
    for part, count in Counter(parts.values()).items():
        if count > 1:
            twice = ", ".join(f"{name}/" for name in parts if parts[name] == part)
            raise StriateError(
                f"{twice} stand for the same part",
                where=str(tree.root / prefix),
                remedy="Keep one of them",
                exit_code=WRONG_INPUT,
            )
    return parts


def _folders_in(tree: Tree, prefix: str) -> list[str]:
    inner = (name[len(prefix) :] for name in tree.folders if name.startswith(prefix))
    return [name for name in inner if "/" not in name]


def _steps(tree: Tree, prefix: str) -> Iterator[list[str]]:
    """The pictures at `prefix`: the folder below it, and the rest of the name if there is one."""
    return (name[len(prefix) :].split("/", 1) for name in tree.pictures if name.startswith(prefix))


def no_pictures(tree: Tree) -> StriateError:
    """What to tell a person whose folder holds nothing that could be a picture."""
    kinds = Counter(excluded.kind for excluded in tree.excluded)
    found = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return StriateError(
        "holds no pictures" + (f" (left out: {found})" if found else ""),
        where=str(tree.root),
        remedy="Name a folder of pictures, best with a folder for each class",
        exit_code=WRONG_INPUT,
    )
