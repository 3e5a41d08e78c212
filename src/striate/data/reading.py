"""The bytes of a file that a stranger named: ordinary files up to a limit, and nothing else."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from striate.data.kinds import Unreadable

MAX_BYTES = 64_000_000

# A pipe must not be waited for, a terminal not be taken; Windows knows neither flag.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_KINDS = {
    errno.ENOENT: ("missing", "no such file"),
    errno.ENOTDIR: ("missing", "no such file: a part of its path is not a folder"),
    errno.ELOOP: ("broken-link", "is a symbolic link to itself"),
    errno.EACCES: ("no-permission", "may not be read"),
    errno.EPERM: ("no-permission", "may not be read"),
    errno.EISDIR: ("folder", "is a folder, not an image"),
    errno.ENAMETOOLONG: ("read-error", "has a longer name than the disk takes"),
}


def read(path: Path) -> bytes:
    """The content of an ordinary file of at most 64 MB; anything else is `Unreadable`.

    Asked before it is opened: opening a pipe or a device may hang or have effects.
    """
    try:
        _check(path.stat())
        with open(os.open(path, _FLAGS), "rb") as file:
            _check(os.fstat(file.fileno()))  # what was opened, should it have been exchanged
            content = file.read(MAX_BYTES + 1)
    except Unreadable as error:
        raise error.at(str(path)) from None
    except OSError as error:
        raise _unreadable(path, error).at(str(path)) from error
    except ValueError as error:  # a NUL in the path
        raise Unreadable("missing", "is no possible path", where=str(path)) from error
    if len(content) > MAX_BYTES:
        raise _too_long(len(content)).at(str(path))
    return content


def _check(facts: os.stat_result) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise Unreadable("folder", "is a folder, not an image")
    if not stat.S_ISREG(facts.st_mode):
        raise Unreadable("not-a-file", "is a pipe, a socket or a device, not a file")
    if facts.st_size > MAX_BYTES:
        raise _too_long(facts.st_size)


def _too_long(size: int) -> Unreadable:
    limit = MAX_BYTES // 1_000_000
    return Unreadable("too-many-bytes", f"has {size / 1e6:,.1f} MB, over the limit of {limit} MB")


def _unreadable(path: Path, error: OSError) -> Unreadable:
    if error.errno == errno.ENOENT and path.is_symlink():
        return Unreadable("broken-link", "is a symbolic link to nothing")
    fallback = ("read-error", f"cannot be read ({error.strerror or error})")
    return Unreadable(*_KINDS.get(error.errno or 0, fallback))
