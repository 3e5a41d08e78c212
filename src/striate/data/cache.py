"""Pictures decoded once: the cache of pixels, found again by what they were made from.

`key.py` says when cached pixels are still right, `shards.py` how they lie on the disk, `build.py`
why a killed build leaves nothing that looks whole, `evict.py` what goes when the cache is full.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from striate.data.caching.build import ChangedError, NoRoomError, Plan, Rows, build
from striate.data.caching.entry import Entry, Seal, open_entry
from striate.data.caching.evict import lock_of, make_room, pixel_folder, size_limit
from striate.data.caching.key import entry_key
from striate.data.caching.shards import SEAL
from striate.data.dataset import Files
from striate.files import unwritable
from striate.locks import exclusive
from striate.preprocess import Preprocess

# What may have come of a busy machine or a disk's bad day, and not of the file.
_PASSING = ("decoder-crashed", "decoder-stalled", "read-error")
_TRIES = 8

Say = Callable[[str], None]
"""Takes a line for the person who waits."""


def cached(files: Files, preprocess: Preprocess, rows: Rows, say: Say) -> Entry:
    """The entry of these files, built from `rows` first where there is none.

    Two processes that want the same entry build it once: the second waits for the first. If the
    cache cannot be used, `NoRoomError` says why, and nothing stays behind.
    """
    if size_limit() == 0:
        raise NoRoomError("the cache of pixels is turned off")
    folder = pixel_folder() / entry_key(files, preprocess)
    if entry := open_entry(folder):
        if not _passed(entry.seal, rows):
            return entry
        (folder / SEAL).unlink(missing_ok=True)  # who has it open goes on reading
        entry.close()
    with _alone(folder, say):
        if entry := open_entry(folder):
            return entry
        (height, width), bands = preprocess.size, preprocess.channels
        shape = (height, width, bands)
        make_room(folder.parent, len(files) * (math.prod(shape) + 4), keep=folder)
        confirm = partial(_confirm, files, preprocess, folder.name)
        build(folder, Plan(str(files.root), shape, len(files), rows, confirm))
        return Entry(folder)


@contextlib.contextmanager
def _alone(folder: Path, say: Say) -> Iterator[None]:
    """Hold the lock of an entry's building, waiting for it if need be."""

    def waiting() -> None:
        say("another process decodes the same pictures: waiting for it")

    with contextlib.ExitStack() as stack:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(exclusive(lock_of(folder), waiting))
        except OSError as error:  # not writable, or a network disk without locks
            raise NoRoomError(str(unwritable(folder.parent, error))) from error
        yield


def _passed(seal: Seal, rows: Rows) -> bool:
    """Whether pictures could not be had when the entry was built, and one of them can be by now.

    A few are tried again: a decoder that stalls takes its time.
    """
    passing = [bad.index for bad in seal.bad if bad.kind in _PASSING]
    return any(isinstance(next(rows(index)), bytes) for index in passing[:_TRIES])


def _confirm(files: Files, preprocess: Preprocess, key: str) -> None:
    """Raise if the files are no longer in the state that gave them their key."""
    if entry_key(files, preprocess) != key:
        raise ChangedError(
            "the pictures changed while they were read",
            where=str(files.root),
            remedy="Let the program that writes them end, then start again",
        )
