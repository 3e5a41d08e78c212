"""One entry of the cache: a folder that is whole if it has its seal, and nothing otherwise.

    KEY/00000.pixels ...  the rows, see `shards.py`
    KEY/checks            their CRC-32, little-endian uint32
    KEY/entry.json        the seal: shapes, unusable pictures, and the SHA-256 of the checks

The entry is built as `KEY.part` and renamed when all is on the disk, so a folder of that name is
whole. When the seal was last touched says when the entry was last used.
"""

from __future__ import annotations

import hashlib
import json
import os
import weakref
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.caching.shards import SEAL, DamagedError, Shards
from striate.locks import hold_shared


@dataclass(frozen=True, slots=True)
class Bad:
    """A picture without pixels: its index, and why; its row is zeros."""

    index: int
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Seal:
    """What an entry holds; `source` is for people."""

    source: str
    shape: tuple[int, int, int]  # (H, W, C)
    count: int
    per_shard: int
    bad: tuple[Bad, ...]
    checks_sha256: str

    def to_bytes(self) -> bytes:
        """JSON, and after it the SHA-256 of that line."""
        line = json.dumps(asdict(self)).encode()
        return line + b"\n" + hashlib.sha256(line).hexdigest().encode() + b"\n"

    @classmethod
    def read(cls, path: Path) -> Seal:
        """The seal in a file; `DamagedError` if it is not as it was written."""
        line, _, digest = path.read_bytes().partition(b"\n")
        if hashlib.sha256(line).hexdigest().encode() + b"\n" != digest:
            raise DamagedError(path, "its digest is another")
        record: dict[str, Any] = json.loads(line)
        bad = tuple(Bad(**item) for item in record.pop("bad"))
        height, width, bands = record.pop("shape")
        return cls(shape=(height, width, bands), bad=bad, **record)


class Entry:
    """An open entry: its seal and its rows. Open, it is not evicted."""

    def __init__(self, folder: Path) -> None:
        held = os.open(folder / SEAL, os.O_RDONLY)
        # Also when it is dropped: whoever forgets to close a store shall not block eviction.
        self.close = weakref.finalize(self, os.close, held)
        if not hold_shared(held):
            raise FileNotFoundError(folder)  # being removed at this moment
        self.seal = Seal.read(folder / SEAL)
        checks = _read_checks(folder / "checks", self.seal)
        self._shards = Shards(folder, self.seal.shape, self.seal.per_shard, checks)
        os.utime(folder / SEAL)

    def read(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Pictures `(B, H, W, C)` at these indices."""
        return self._shards.read(ids)


def open_entry(folder: Path) -> Entry | None:
    """The entry, or None if there is none or it is not whole (it is built again then)."""
    try:
        return Entry(folder)
    except (DamagedError, OSError):
        return None


def _read_checks(path: Path, seal: Seal) -> NDArray[np.uint32]:
    raw = path.read_bytes()
    if len(raw) != 4 * seal.count or hashlib.sha256(raw).hexdigest() != seal.checks_sha256:
        raise DamagedError(path, "its digest is another")
    return np.frombuffer(raw, "<u4")
