"""One door for every source: a name, a folder, a manifest, an archive."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from striate.data.dataset import Dataset, Provenance
from striate.data.sources.bring import located, require
from striate.data.sources.cifar import cifar_folder, load_cifar
from striate.data.sources.folder import from_tree
from striate.data.sources.hub import is_saved, load_saved
from striate.data.sources.known import KNOWN, Known
from striate.data.sources.manifest import SUFFIXES, labels_pictures, load_listed, load_manifest
from striate.data.sources.mnist import idx_sets, load_idx, sets_of
from striate.data.sources.packed import is_archive, stem, unpacked
from striate.data.sources.sample import sample
from striate.data.sources.tree import Tree, walk
from striate.errors import WRONG_INPUT, StriateError

_MOST_WRAPPERS = 8
_MANIFESTS = ("metadata.csv", "metadata.jsonl")


def load_source(source: str | Path) -> Dataset:
    """The data set behind a name or a path; what lies there is recognised, and never written to.

    A name of `striate datasets` comes first; write `./mnist` for a folder of that name. Known by
    what lies there: IDX files, CIFAR's batches, a folder of pictures with or without classes and
    parts (see `folder`), a manifest, or a folder with `metadata.csv` that has classes in it; an
    archive of any of these; a data set that Hugging Face's `datasets` has saved.
    """
    if source in KNOWN:
        return _load_known(KNOWN[str(source)])
    path = Path(source).expanduser()
    if path.is_dir():
        return _load_folder(path)
    if is_archive(path):
        return _load_archive(path)
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        return load_manifest(path)
    what = "is no data set that Striate reads" if path.exists() else "no such file or folder"
    raise StriateError(
        what,
        where=str(source),
        remedy="Name a folder of pictures, a manifest (.csv, .jsonl), an archive (.zip, .tar.gz), "
        "or a set of `striate datasets`",
        exit_code=WRONG_INPUT,
    )


def _load_known(entry: Known) -> Dataset:
    """A set by its name: the published files, checked."""
    if not entry.files:
        return sample()
    root = require(entry)
    if not entry.classes:
        data = _load_archive(root / entry.files[0].name)
    else:
        if entry.folder:  # one archive for several sets
            root = unpacked(root / entry.files[0].name)
            sets = idx_sets(root)
        else:  # the files that were checked, and no others beside them
            sets = sets_of(path for file in entry.files if (path := located(root, file)))
        data = load_idx(root, sets, entry)
    origin = Provenance(entry.name, data.provenance.layout, entry.licence)
    return replace(data, name=entry.name, provenance=origin)


def _load_archive(path: Path) -> Dataset:
    data = _load_folder(unpacked(path), trusted=False)
    origin = data.provenance
    named = replace(origin, source=str(path), layout=f"archive of {origin.layout}")
    return replace(data, name=stem(path), provenance=named)


def _load_folder(root: Path, *, trusted: bool = True) -> Dataset:
    """What a folder holds; `trusted` is False for what came in an archive."""
    if is_saved(root):
        return load_saved(root, trusted=trusted)
    if sets := idx_sets(root):
        return load_idx(root, sets)
    if found := cifar_folder(root):
        return load_cifar(root, *found)
    for name in _MANIFESTS:
        if (root / name).is_file() and labels_pictures(root / name):
            return load_listed(root / name, trusted=trusted)
    tree = walk(root)
    if not tree.pictures and (inside := _wrapped(tree)):
        return _load_folder(root / inside, trusted=trusted)
    archives = [root / one.path for one in tree.excluded if is_archive(root / one.path)]
    if not tree.pictures and len(archives) == 1 and trusted:
        return _load_archive(archives[0])
    return from_tree(tree)


def _wrapped(tree: Tree) -> str:
    """The folder inside the folders that hold nothing but one folder; "" if there is none."""
    inside = ""
    for _ in range(_MOST_WRAPPERS):
        inner = [name for name in tree.folders if os.path.dirname(name) == inside]
        if len(inner) != 1:
            break
        inside = inner[0]
    return inside
