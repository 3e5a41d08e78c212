"""The cap on the cache's size: what was used longest ago goes first, and nothing that is in use."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from striate.data.caching.build import NoRoomError, part_of
from striate.data.caching.entry import Seal
from striate.data.caching.shards import SEAL, DamagedError
from striate.errors import ArgumentError
from striate.files import cache_folder
from striate.locks import exclusive, in_use

LIMIT_VARIABLE = "STRIATE_CACHE_GB"
_DEFAULT_LIMIT_GB = 50.0
_SPARE = 1 << 30  # bytes of the disk that stay free for others


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry as `striate cache` shows it; `seal` is None if it was never finished."""

    folder: Path
    seal: Seal | None
    size: int
    used: float  # seconds since the epoch


def pixel_folder() -> Path:
    """Where the pixels are kept: `$XDG_CACHE_HOME/striate/pixels`, or the system's own cache."""
    return cache_folder("pixels")


def size_limit() -> int:
    """The cap in bytes: `STRIATE_CACHE_GB` gigabytes, or 50; 0 turns the cache off."""
    text = os.environ.get(LIMIT_VARIABLE) or str(_DEFAULT_LIMIT_GB)
    try:
        limit = float(text)
        if not 0 <= limit < float("inf"):
            raise ValueError(text)
    except ValueError as error:
        raise ArgumentError(LIMIT_VARIABLE, text, "gigabytes, such as 50 or 0.5") from error
    return int(limit * 1e9)


def entries(cache: Path) -> list[Listed]:
    """Everything in the cache, what was used longest ago first."""
    if not cache.is_dir():
        return []
    found = [_listed(folder) for folder in cache.iterdir() if folder.is_dir()]
    return sorted((item for item in found if item), key=lambda item: (item.used, item.folder))


def make_room(cache: Path, need: int, keep: Path) -> None:
    """Remove entries until `need` more bytes are within the cap and on the disk, or `NoRoomError`.

    `keep` is the entry that is to be built: its own part counts as room that is already taken.
    """
    limit = size_limit()
    if need > limit:
        raise NoRoomError(
            f"the pixels take {need / 1e9:,.1f} GB, more than the cache may hold "
            f"({limit / 1e9:,.1f} GB)",
            remedy=f"Set {LIMIT_VARIABLE} to more gigabytes to keep them",
        )
    cache.mkdir(parents=True, exist_ok=True)
    own = _size(part_of(keep))
    others = [item for item in entries(cache) if item.folder not in (keep, part_of(keep))]
    total = sum(item.size for item in others)
    free = shutil.disk_usage(cache).free - _SPARE + own
    if need <= free + total:  # else nothing need go for it
        for item in others:
            if total + need <= limit and need <= free:
                return
            if remove(item.folder):
                total, free = total - item.size, free + item.size
    if total + need > limit or need > free:
        raise NoRoomError(
            f"the pixels take {need / 1e9:,.1f} GB, and the cache has no such room",
            where=str(cache),
            remedy="Free some space on the disk, or end the runs that use the cache",
        )


def remove(folder: Path) -> bool:
    """Remove an entry, or a part of one, unless a process uses or builds it."""
    key = folder.name.removesuffix(".part")
    with exclusive(lock_of(folder.with_name(key))) as alone:
        if not alone:
            return False
        seal = folder / SEAL
        if seal.exists():
            if in_use(seal):
                return False
            seal.unlink()  # first: from here on it is no entry
        shutil.rmtree(folder, ignore_errors=True)
        return True


def lock_of(folder: Path) -> Path:
    """The lock file of an entry's building and removal."""
    return folder.with_name(folder.name + ".lock")


def _listed(folder: Path) -> Listed | None:
    seal = folder / SEAL
    try:
        used = (seal if seal.exists() else folder).stat().st_mtime
        return Listed(folder, _seal_of(seal), _size(folder), used)
    except FileNotFoundError:  # removed by another process meanwhile
        return None


def _seal_of(path: Path) -> Seal | None:
    try:
        return Seal.read(path)
    except (DamagedError, FileNotFoundError):
        return None


def _size(folder: Path) -> int:
    """Bytes of the files in a folder; 0 if there is none."""
    total = 0
    for path in folder.glob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total
