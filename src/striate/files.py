"""Files that are whole or absent: every write lands in one rename.

A write goes to a temporary file in the same folder, is flushed to the disk, takes the place of the
old file in one step, and then the folder is flushed too. A process killed at any moment leaves
either the old file or the new one, never a mixture; at worst a `.striate-*.tmp` stays behind.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from striate.errors import FAILED, WRONG_INPUT, StriateError

_REMEDIES = {
    errno.EACCES: "Choose a folder you may write to",
    errno.EPERM: "Choose a folder you may write to",
    errno.EROFS: "The disk is read-only: choose a folder on another one",
    errno.ENOSPC: "Free some space, or choose a folder on another disk",
    errno.EDQUOT: "Free some of your quota, or choose a folder on another disk",
    errno.EFBIG: "The file is over the size limit of this process or disk: raise it (ulimit -f)",
    errno.ENOENT: "The folder does not exist: create it first",
    errno.ENOTDIR: "A part of the path is a file: choose another path",
    errno.EINVAL: "Name an ordinary file",
    errno.EISDIR: "This is a folder: name a file",
    errno.ENAMETOOLONG: "Choose a shorter name",
}
_WRONG_PATH = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.ENAMETOOLONG}


def cache_folder(room: str) -> Path:
    """Where a room keeps what it can make again: `$XDG_CACHE_HOME/striate/ROOM`, or the system's.

    Deleting any of it costs time, and nothing else.
    """
    base = os.environ.get("XDG_CACHE_HOME") or platformdirs.user_cache_dir()
    return Path(base) / "striate" / room


def write_atomic(path: Path, data: bytes) -> None:
    """Make `data` the whole content of `path`; on any failure the old file stays as it was."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(data)


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a writer a temporary path whose file replaces `path` when the block ends well.

    For writers that want a path, not bytes. If the block raises, the temporary file is removed and
    `path` is untouched; an `OSError` from it is reported as a failed write of `path`.

    The file keeps the permissions of the one it replaces; a new one gets the usual ones (umask).
    A symbolic link at `path` is followed: the file it points to is replaced, the link stays.
    """
    # realpath, so that the temporary file lies on the disk of the link's target.
    target = Path(os.path.realpath(path))
    temporary = target.parent / f".striate-{secrets.token_hex(8)}.tmp"
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if target.exists() and not target.is_file():  # a rename would put a file over /dev/null
            raise OSError(errno.EINVAL, "not a regular file")
        with temporary.open("xb"):
            mode = _permissions(target if target.exists() else temporary)
        yield temporary
        _replace(temporary, target, mode)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        # The error that brought us here says more than a failed clean-up would.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def publish_folder(making: Path, target: Path) -> None:
    """Give a finished folder its name, in one step and for good; `target` must not be there."""
    try:
        making.rename(target)
        if os.name != "nt":  # Windows opens no folders, and its rename is journalled
            flush_folder(target.parent)
    except OSError as error:
        raise unwritable(target, error) from error


def flush_folder(folder: Path) -> None:
    """Bring a folder's list of names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _permissions(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _replace(temporary: Path, target: Path, mode: int) -> None:
    with temporary.open("rb+") as file:
        # Only where it differs: disks without permissions refuse even an idle chmod.
        if _permissions(temporary) != mode:
            temporary.chmod(mode)
        os.fsync(file.fileno())
    if os.name == "nt":  # Windows opens no folders, and its rename is journalled
        temporary.replace(target)
        return
    # Opened before the rename: a folder that cannot be flushed must fail while the old file stands.
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        temporary.replace(target)
        os.fsync(folder)
    finally:
        os.close(folder)


def unwritable(path: Path, error: OSError) -> StriateError:
    """What to tell a person whose file or folder at `path` could not be written."""
    code = error.errno or 0
    return StriateError(
        f"cannot write: {error.strerror or error}",
        where=str(path),
        remedy=_REMEDIES.get(code, "Check the disk and the path"),
        exit_code=WRONG_INPUT if code in _WRONG_PATH else FAILED,
    )
