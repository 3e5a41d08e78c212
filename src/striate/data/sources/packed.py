"""Archives as sources: unpacked once, safely, into the cache, and found there the next time."""

from __future__ import annotations

import shutil
from pathlib import Path

from striate.archives import extract
from striate.errors import StriateError
from striate.fetch import sha256_of
from striate.files import cache_folder, unwritable

_SUFFIXES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
# Of an archive that its owner named himself; the disk's room is the other limit.
_MOST_BYTES = 256 << 30
_MOST_FILES = 2_000_000


def is_archive(path: Path) -> bool:
    """Whether a file is called like an archive that can be unpacked."""
    return path.name.lower().endswith(_SUFFIXES) and path.is_file()


def stem(path: Path) -> str:
    """The name of an archive without its endings."""
    ending = next(suffix for suffix in reversed(_SUFFIXES) if path.name.lower().endswith(suffix))
    return path.name[: -len(ending)] or path.name


def unpacked(archive: Path) -> Path:
    """The folder with the archive's content: `archives/SHA-256` in the cache, made if need be.

    It appears whole, in one rename, and its name is that of the archive's bytes: what is there can
    be used again, and a changed archive is another folder.
    """
    room = cache_folder("archives")
    folder = room / sha256_of(archive)
    if folder.is_dir():
        return folder
    try:
        room.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(room).free
    except OSError as error:
        raise unwritable(room, error) from error
    try:
        extract(archive, folder, max_bytes=min(_MOST_BYTES, int(free * 0.9)), max_files=_MOST_FILES)
    except StriateError:
        if not folder.is_dir():  # if it is, another process was quicker, with the same bytes
            raise
    return folder
