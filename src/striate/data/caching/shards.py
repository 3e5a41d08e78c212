"""Pixels on the disk: rows of equal length in shard files, so that an offset is arithmetic.

A row is one picture, `H x W x C` bytes. A shard holds as many whole rows as fit into 256 MiB (at
least one), and row `i` begins `(i mod p) * H * W * C` bytes into shard `i div p`, `p` rows a shard:

    picture          bytes a row    rows a shard    10 pictures    1,000,000 pictures
    28 x 28 x 1              784         342,392         7.8 kB      784 MB in   3 shards
    32 x 32 x 3            3,072          87,381        30.7 kB     3.07 GB in  12 shards
    224 x 224 x 3        150,528           1,783        1.51 MB      151 GB in 561 shards

The index is the entry's description (`entry.json`, see `entry.py`) and a CRC-32 a row: 4 bytes a
picture, 4 MB for a million. Nothing else is held in memory; what has been read lies in the page
cache of the system, which gives it back when memory is short. A million rows take 561 of the 65,530
maps that Linux allows a process.

A row is compared with its CRC the first time a process reads it (0.02 ms for 150 kB), so that a
disk's bit error is found before it is learnt from, and later epochs do not pay for it.
"""

from __future__ import annotations

import math
import mmap
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError

SHARD_BYTES = 256 << 20
SEAL = "entry.json"

Pixels = NDArray[np.uint8]
"""One picture, `(H, W, C)`."""


def rows_per_shard(shape: tuple[int, int, int], shard_bytes: int) -> int:
    """How many pictures of this `(H, W, C)` a shard holds."""
    return max(1, shard_bytes // math.prod(shape))


def shard_path(folder: Path, shard: int) -> Path:
    """Where the shard with this number lies."""
    return folder / f"{shard:05d}.pixels"


class Shards:
    """The rows of an entry, mapped: reading takes no memory but the pictures asked for."""

    def __init__(
        self, folder: Path, shape: tuple[int, int, int], per_shard: int, checks: NDArray[np.uint32]
    ) -> None:
        self.shape = shape
        self.per_shard = per_shard
        self._folder = folder
        self._checks = checks
        self._verified = np.zeros(len(checks), dtype=bool)
        # All at once: an entry that is removed later stays readable for those who have it open.
        num_shards = -(-len(checks) // per_shard)
        self._maps = [self._map(shard) for shard in range(num_shards)]

    def read(self, ids: NDArray[np.int64]) -> Pixels:
        """The pictures with these indices, `(B, H, W, C)`; read in the order they lie in."""
        self._verify(np.unique(ids[~self._verified[ids]]))
        out = np.empty((len(ids), *self.shape), dtype=np.uint8)
        shards, rows = np.divmod(ids, self.per_shard)
        for shard in np.unique(shards):
            wanted = np.flatnonzero(shards == shard)
            wanted = wanted[np.argsort(rows[wanted], kind="stable")]
            out[wanted] = self._maps[shard][rows[wanted]]
        return out

    def _map(self, shard: int) -> Pixels:
        path = shard_path(self._folder, shard)
        num_rows = min(self.per_shard, len(self._checks) - shard * self.per_shard)
        expected = num_rows * math.prod(self.shape)
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size != expected:  # a map that reaches past the end kills the process
                raise DamagedError(path, f"holds {size:,} bytes, not {expected:,}")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, np.uint8).reshape(num_rows, *self.shape)

    def _verify(self, ids: NDArray[np.int64]) -> None:
        for index in ids.tolist():
            shard, row = divmod(index, self.per_shard)
            if zlib.crc32(self._maps[shard][row]) != self._checks[index]:
                (self._folder / SEAL).unlink(missing_ok=True)  # nobody shall open it again
                raise DamagedError(
                    shard_path(self._folder, shard), f"picture {index:,} fails its CRC"
                )
        self._verified[ids] = True


class DamagedError(StriateError):
    """The cache is not what was written into it."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"the cache of pixels is damaged: {what}",
            where=str(path),
            remedy="Check the disk and start again: the pictures are decoded anew",
        )
