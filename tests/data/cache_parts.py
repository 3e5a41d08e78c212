"""What the tests of the cache share: tiny pictures, and a source that counts what it makes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from striate.data.cache import cached
from striate.data.caching import build as building
from striate.data.caching.entry import Bad, Entry
from striate.data.caching.evict import pixel_folder
from striate.data.dataset import Files
from striate.preprocess import Preprocess

TINY = Preprocess((4, 4), 3, (0.5,) * 3, (0.5,) * 3)
ROW = 4 * 4 * 3
Pixels = NDArray[np.uint8]


def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own, with four rows a shard."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STRIATE_CACHE_GB", raising=False)
    monkeypatch.setattr(building, "SHARD_BYTES", 4 * ROW)


def make_files(root: Path, count: int = 10) -> Files:
    root.mkdir(parents=True, exist_ok=True)
    names = tuple(f"{index:04d}.bin" for index in range(count))
    for index, name in enumerate(names):
        (root / name).write_bytes(bytes([index % 256]) * 20)
    return Files(root, names)


def picture(index: int) -> Pixels:
    return np.random.default_rng(index).integers(0, 256, (4, 4, 3), dtype=np.uint8)


class Source:
    """Rows that count how often they are made; some may be bad, or end in an interruption."""

    def __init__(self, count: int, *, bad: tuple[int, ...] = (), stop: int | None = None) -> None:
        self.count, self.bad, self.stop = count, bad, stop
        self.made: list[int] = []

    def __call__(self, start: int) -> Iterator[bytes | Bad]:
        for index in range(start, self.count):
            if index == self.stop:
                raise KeyboardInterrupt
            self.made.append(index)
            bad = index in self.bad
            yield Bad(index, "truncated", "the end is missing") if bad else picture(index).tobytes()


def silent(line: str) -> None:
    raise AssertionError(line)


def get(files: Files, source: Source | None = None, preprocess: Preprocess = TINY) -> Entry:
    return cached(files, preprocess, source or Source(len(files)), silent)


def all_of(entry: Entry) -> Pixels:
    return entry.read(np.arange(entry.seal.count))


def expected(count: int) -> Pixels:
    return np.stack([picture(index) for index in range(count)])


def left() -> set[str]:
    """The suffixes of what lies in the cache."""
    return {path.suffix for path in pixel_folder().iterdir()}
