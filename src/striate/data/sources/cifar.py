"""CIFAR-10 and CIFAR-100 as their authors publish them: the python and the binary version.

Binary: a record a picture, one byte for the class (CIFAR-100: two, the coarse one first), then
3,072 bytes: red, green and blue planes of 32x32. Python: a pickled dict a file; see `pickled`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data.dataset import Dataset, Provenance
from striate.data.sources.known import KNOWN, unusable
from striate.data.sources.pickled import read_pickle

_PIXELS = 3 * 32 * 32

Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Pictures `(N, 3072)` and labels `(N,)`."""


@dataclass(frozen=True, slots=True)
class _Version:
    """One of the four ways in which the sets are published."""

    name: str
    folder: str
    train: tuple[str, ...]
    test: str
    names: str
    read: Callable[[Path], Batch]
    read_names: Callable[[Path], list[Any]]


def cifar_folder(root: Path) -> tuple[Path, _Version] | None:
    """Where a folder holds a published version, and which; None if it holds none."""
    for version in _VERSIONS:
        for folder in (root, root / version.folder):
            if (folder / version.test).is_file() and (folder / version.names).is_file():
                return folder, version
    return None


def load_cifar(root: Path, folder: Path, version: _Version) -> Dataset:
    """Pictures `(60000, 3, 32, 32)`, training pictures first, with the official test part."""
    batches = [version.read(folder / name) for name in (*version.train, version.test)]
    pictures = np.concatenate([pictures for pictures, _ in batches])
    labels = np.concatenate([labels for _, labels in batches])
    names_file = folder / version.names
    classes = [name for name in version.read_names(names_file) if name]
    if not (classes and all(isinstance(name, str) for name in classes)):
        raise unusable(names_file, "holds no names of classes")
    if labels.size and not 0 <= labels.min() <= labels.max() < len(classes):
        raise unusable(folder, f"has labels outside 0 to {len(classes) - 1}")
    end, first_test = len(labels), len(labels) - len(batches[-1][1])
    return Dataset(
        version.name,
        torch.from_numpy(pictures).view(-1, 3, 32, 32),
        torch.from_numpy(labels),
        tuple(classes),
        Provenance(str(root), f"{version.folder} files", KNOWN[version.name].licence),
        {"train": torch.arange(first_test), "test": torch.arange(first_test, end)},
    )


def _read_python(path: Path) -> Batch:
    batch = read_pickle(path)
    pictures = batch.get("data")
    labels = batch.get("fine_labels", batch.get("labels"))
    if not (isinstance(pictures, np.ndarray) and pictures.shape[1:] == (_PIXELS,)):
        raise unusable(path, f"has no pictures of {_PIXELS:,} bytes")
    if not (isinstance(labels, list) and all(type(label) is int for label in labels)):
        raise unusable(path, "has no list of labels")
    if len(labels) != len(pictures) or not all(0 <= label < 256 for label in labels):
        raise unusable(path, f"has {len(pictures):,} pictures, and other labels")
    return pictures, np.array(labels, dtype=np.int64)


def _read_binary(path: Path, label_bytes: int) -> Batch:
    try:
        raw = np.fromfile(path, np.uint8)
    except OSError as error:
        raise unusable(path, f"cannot be read ({error.strerror})") from error
    record = label_bytes + _PIXELS
    if raw.size == 0 or raw.size % record:
        raise unusable(path, f"has {raw.size:,} bytes, no whole number of {record:,}-byte records")
    table = raw.reshape(-1, record)
    return table[:, label_bytes:], table[:, label_bytes - 1].astype(np.int64)


def _read_lines(path: Path) -> list[Any]:
    try:
        return path.read_text("ascii").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise unusable(path, f"cannot be read ({error})") from error


def _read_pickled_names(path: Path) -> list[Any]:
    meta = read_pickle(path)
    names = meta.get("fine_label_names", meta.get("label_names"))
    return names if isinstance(names, list) else []


_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_VERSIONS = (
    _Version(
        "cifar10",
        "cifar-10-batches-bin",
        tuple(f"{name}.bin" for name in _TRAIN),
        "test_batch.bin",
        "batches.meta.txt",
        lambda path: _read_binary(path, 1),
        _read_lines,
    ),
    _Version(
        "cifar10",
        "cifar-10-batches-py",
        _TRAIN,
        "test_batch",
        "batches.meta",
        _read_python,
        _read_pickled_names,
    ),
    _Version(
        "cifar100",
        "cifar-100-binary",
        ("train.bin",),
        "test.bin",
        "fine_label_names.txt",
        lambda path: _read_binary(path, 2),
        _read_lines,
    ),
    _Version(
        "cifar100",
        "cifar-100-python",
        ("train",),
        "test",
        "meta",
        _read_python,
        _read_pickled_names,
    ),
)
