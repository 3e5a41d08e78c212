"""Folders of official IDX files: MNIST and the sets that took over its form."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data.dataset import Dataset, Provenance
from striate.data.sources.idx import read_idx
from striate.data.sources.known import KNOWN, Known, unusable
from striate.errors import WRONG_INPUT, StriateError
from striate.fetch import sha256_of

# `train-images-idx3-ubyte.gz`, `emnist-letters-test-labels-idx1-ubyte`, `t10k-images.idx3-ubyte`
_OFFICIAL = re.compile(
    r"(?:(?P<set>[\w-]+)-)?(?P<part>train|t10k|test)-(?P<what>images|labels)[-.]idx[13]-ubyte"
    r"(?:\.gz)?"
)
_PARTS = {"train": "train", "t10k": "test", "test": "test"}
# Where downloads of other tools put the files: beside their own, or two folders down.
_INSIDE = (".", "raw", "gzip", "*/raw")

Files = dict[str, Path]
"""The files of one set: `train-images`, `train-labels`, `test-images`, `test-labels`."""


def idx_sets(root: Path) -> dict[str, Files]:
    """The sets of IDX files in a folder, by their prefix ("" for MNIST's own names).

    Of a file that lies there both packed and unpacked, the unpacked one counts.
    """
    all_found = (sets_of(sorted(root.glob(f"{inside}/*-ubyte*"))) for inside in _INSIDE)
    return next((found for found in all_found if found), {})


def sets_of(paths: Iterable[Path]) -> dict[str, Files]:
    """The sets of IDX files among these, by their prefix; of two for one purpose the first."""
    found: dict[str, Files] = defaultdict(dict)
    for path in paths:
        match = _OFFICIAL.fullmatch(path.name)
        if match and path.is_file():
            key = f"{_PARTS[match['part']]}-{match['what']}"
            found[match["set"] or ""].setdefault(key, path)
    return dict(found)


def load_idx(root: Path, sets: dict[str, Files], entry: Known | None = None) -> Dataset:
    """One set of IDX files as pictures `(N, 1, H, W)`: that of `entry`, or the only one there.

    The classes have the names of `entry`, or of the known set that the files are; others are named
    by the numbers of the labels.
    """
    prefix = _chosen(root, sets, entry)
    files = sets[prefix]
    entry = entry or _recognised(prefix, files)
    read = {part: _read_part(root, files, part) for part in ("train", "test") if _any(files, part)}
    pictures = np.concatenate([pictures for pictures, _ in read.values()])
    labels = np.concatenate([labels for _, labels in read.values()]).astype(np.int64)
    if prefix.startswith("emnist"):
        pictures = pictures.swapaxes(1, 2)  # published with rows and columns changed
        labels -= 1 if prefix == "emnist-letters" else 0  # whose labels begin at 1
    classes = (
        entry.classes if entry else tuple(str(n) for n in range(int(labels.max(initial=-1)) + 1))
    )
    if labels.size and not 0 <= labels.min() <= labels.max() < len(classes):
        raise unusable(root, f"has labels outside 0 to {len(classes) - 1}")
    ends = np.cumsum([0, *(len(labels) for _, labels in read.values())])
    return Dataset(
        entry.name if entry else root.resolve().name,
        torch.from_numpy(np.ascontiguousarray(pictures)).unsqueeze(1),
        torch.from_numpy(labels),
        classes,
        Provenance(str(root), "IDX files", entry.licence if entry else ""),
        {part: torch.arange(ends[k], ends[k + 1]) for k, part in enumerate(read)},
    )


def _chosen(root: Path, sets: dict[str, Files], entry: Known | None) -> str:
    if entry is not None:
        wanted = entry.name if entry.folder else ""
        if wanted in sets:
            return wanted
        raise unusable(root, f"holds no files of {entry.name}")
    if len(sets) > 1:
        raise StriateError(
            f"holds {len(sets)} sets of IDX files: {', '.join(sorted(sets))}",
            where=str(root),
            remedy="Put those of one set in a folder of its own, or name a set of "
            "`striate datasets`",
            exit_code=WRONG_INPUT,
        )
    return next(iter(sets))


def _recognised(prefix: str, files: Files) -> Known | None:
    """The known set that these files are: by prefix, or by the checksum of the test labels."""
    if prefix:
        return KNOWN.get(prefix)
    if (labels := files.get("test-labels")) is None:
        return None
    digest = sha256_of(labels)
    published = {
        digest: entry
        for entry in KNOWN.values()
        for file in entry.files
        if file.name.startswith("t10k-labels")
        for digest in (file.sha256, file.unpacked)
    }
    return published.get(digest)


def _any(files: Files, part: str) -> bool:
    return f"{part}-images" in files or f"{part}-labels" in files


def _read_part(root: Path, files: Files, part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The pictures `(N, H, W)` and labels `(N,)` of a part."""
    for what in ("images", "labels"):
        if f"{part}-{what}" not in files:
            raise unusable(root, f"has no file of the {part} {what}")
    pictures, labels = read_idx(files[f"{part}-images"]), read_idx(files[f"{part}-labels"])
    if pictures.ndim != 3 or labels.shape != pictures.shape[:1]:
        raise unusable(
            root,
            f"has {part} pictures of shape {pictures.shape} and labels of shape {labels.shape}, "
            "not (N, height, width) and (N,)",
        )
    return pictures, labels
