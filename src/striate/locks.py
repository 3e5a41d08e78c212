"""Locks between processes that the kernel drops when their holder dies, however it dies."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

_POLL = 0.05  # seconds
_ASKED = 4  # polls

if sys.platform == "win32":
    import msvcrt

    def _take(file: int, shared: bool) -> bool:
        """Windows locks no file that is open elsewhere against deletion, so shared is no lock."""
        if shared:
            return True
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(file: int, shared: bool) -> bool:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def hold_shared(file: int) -> bool:
    """Mark an open file (its descriptor) as in use until it is closed; False if it is going."""
    return _take(file, shared=True)


def in_use(path: Path) -> bool:
    """Whether any process holds the file by `hold_shared`."""
    with path.open("rb+") as file:
        return not _take(file.fileno(), shared=False)


def held_alone(path: Path) -> bool:
    """Whether any process holds the lock file by `exclusive`. Those who ask do not see each other.

    A file that is there and held by nobody was left behind by a process that was killed.
    """
    try:
        with path.open("rb") as file:
            return not _take(file.fileno(), shared=sys.platform != "win32")
    except (FileNotFoundError, NotADirectoryError):
        return False


@contextlib.contextmanager
def exclusive(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[bool]:
    """Hold the lock file at `path` alone; the file goes away with the lock.

    With `waiting`, which is called once if another process holds it, this waits its turn; without,
    it gives False, after a moment in which those who only ask whether it is held let go of it.
    """
    file = _held(path)
    for _ in range(_ASKED):
        if file is not None:
            break
        time.sleep(_POLL)
        file = _held(path)
    if file is None and waiting:
        waiting()
        while (file := _held(path)) is None:
            time.sleep(_POLL)
    if file is None:
        yield False
        return
    with file:
        try:
            yield True
        finally:
            # While it is still held: a waiter that gets the old file sees that it is gone.
            with contextlib.suppress(PermissionError):  # Windows deletes no open file: it stays
                path.unlink(missing_ok=True)


def _held(path: Path) -> IO[bytes] | None:
    """The locked file, if it could be had and is still the one at `path`."""
    file = path.open("ab")
    try:
        if _take(file.fileno(), shared=False) and os.path.samestat(
            os.fstat(file.fileno()), path.stat()
        ):
            return file
    except FileNotFoundError:  # its last holder took it away between the open and the lock
        pass
    except BaseException:
        file.close()
        raise
    file.close()
    return None
