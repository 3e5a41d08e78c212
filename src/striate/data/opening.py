"""Which store for which pictures: memory if they are few, else the cache, else as it comes."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from striate.data.cache import Say, cached
from striate.data.caching.build import NoRoomError
from striate.data.caching.entry import Bad
from striate.data.dataset import Files
from striate.data.rows import decoded, excluded
from striate.data.stores import MappedStore, MemoryStore, ResizingStore, Store, StreamingStore
from striate.preprocess import Preprocess

Report = Callable[[int, int], None]
"""Called with the pictures that are decoded, and the pictures there will be."""

FEW = 2_000  # pictures; decoded in seconds, which is no work worth keeping on the disk
_CROWD = 4  # processes that decode faster than most networks learn
_FEW_BYTES = 512 << 20
# Where Linux says what a container may take and takes, by version 2 and version 1 of its groups.
_CONTAINER_FACTS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file "),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file ",
    ),
)
_SHARE_OF_MEMORY = 4  # the pixels may take the fourth part of what is free


def open_store(
    pictures: Tensor | Files,
    preprocess: Preprocess,
    *,
    workers: int | None = None,
    report: Report,
    say: Say,
) -> Store:
    """The pixels of all pictures, ready to be asked for by index.

    Few pictures are decoded once into memory. More go through the cache on the disk, so that
    another run finds them there; the system keeps in memory what fits. Where the cache cannot be
    used, `say` is told why, and they are kept in memory if they fit, else decoded every epoch.
    `workers` processes decode: one a core unless told otherwise, and four at most; 0 needs none.
    """
    size = len(pictures) * math.prod((*preprocess.size, preprocess.channels))
    if isinstance(pictures, Tensor):
        as_wanted = pictures.shape[1:] == (preprocess.channels, *preprocess.size)
        if as_wanted and preprocess.fit != "crop":
            return MemoryStore(pictures)
        resized = ResizingStore(pictures, preprocess)
        return resized.kept() if size <= _free_memory() // _SHARE_OF_MEMORY else resized
    count = min(_CROWD, os.cpu_count() or 1) if workers is None else workers

    def rows(start: int) -> Iterator[bytes | Bad]:
        indices = range(start, len(pictures))
        with closing(decoded(pictures, indices, preprocess, count)) as found:
            for index, row in zip(indices, found, strict=True):
                report(index + 1, len(pictures))
                yield row

    if len(pictures) <= FEW and size <= min(_FEW_BYTES, _free_memory() // _SHARE_OF_MEMORY):
        return in_memory(pictures, preprocess, rows(0))
    try:
        return MappedStore(cached(pictures, preprocess, rows, say), pictures)
    except NoRoomError as error:
        if size <= _free_memory() // _SHARE_OF_MEMORY:
            say(f"{error}. The pictures are kept in memory, for this run")
            return in_memory(pictures, preprocess, rows(0))
        say(f"{error}. The pictures are decoded anew in every epoch")
        return StreamingStore(pictures, preprocess, count)


def in_memory(files: Files, preprocess: Preprocess, rows: Iterator[bytes | Bad]) -> MemoryStore:
    """All pictures decoded into one tensor."""
    shape = (len(files), *preprocess.size, preprocess.channels)
    pixels, unreadable = np.zeros(shape, dtype=np.uint8), {}
    for index, row in enumerate(itertools.islice(rows, len(files))):
        if isinstance(row, Bad):
            unreadable[index] = excluded(files, row)
        else:
            pixels[index] = np.frombuffer(row, np.uint8).reshape(shape[1:])
    return MemoryStore(torch.from_numpy(pixels).permute(0, 3, 1, 2), unreadable)


def _free_memory() -> int:
    """Bytes of memory that a process may still take without pressing others to the disk."""
    return int(min(_free_of_machine(), left_in_container(Path("/sys/fs/cgroup"))))


def left_in_container(root: Path) -> float:
    """Bytes until a container's limit, which kills; without one, infinity.

    Files that the system keeps in memory count as used there, and go when others need the room.
    """
    for limit, used, stat, cached_files in _CONTAINER_FACTS:
        try:
            most, taken = (root / limit).read_text().strip(), int((root / used).read_text())
            lines = (root / stat).read_text().splitlines() if (root / stat).exists() else []
        except (OSError, ValueError):
            continue
        if most == "max":
            continue
        reclaimed = sum(int(line.split()[1]) for line in lines if line.startswith(cached_files))
        return max(0, int(most) - taken + reclaimed)
    return math.inf


def _free_of_machine() -> int:
    info = Path("/proc/meminfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    if os.name == "posix":
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 4 << 30  # a modest machine
