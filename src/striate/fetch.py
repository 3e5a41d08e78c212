"""A named file from the network: several mirrors, a checksum, and whole or absent on the disk.

What has come of a file lies beside its place as `.NAME.DIGEST.part` until it is whole. A later
call, from any mirror, goes on from there: if the transfer was cut, the process killed, or Ctrl-C
pressed. Only a file that hashes to its checksum ever gets its name.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from io import BufferedRandom
from pathlib import Path

from striate.errors import StriateError
from striate.files import atomic_path, unwritable

Report = Callable[[int, int], None]
"""Called with the bytes that have come, and the bytes there will be."""

_BLOCK = 1 << 20
_WINDOWS = sys.platform == "win32"
_TIMEOUT = 30  # seconds without a byte, not for the whole file


class DownloadError(StriateError):
    """No mirror serves the file; one that is brought by hand does as well."""


def fetch(urls: Sequence[str], path: Path, *, sha256: str, size: int, report: Report) -> Path:
    """Bring the file to `path` from the first mirror that has it and whose bytes hash to `sha256`.

    Never more than `size` bytes are taken. If no mirror serves, the error says which file to put
    where: a file that was brought by hand does as well.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path.parent, error) from error
    failures = []
    part = path.with_name(f".{path.name}.{sha256[:16]}.part")
    with atomic_path(path) as temporary:
        for url in urls:
            try:
                with part.open("ab+") as file:
                    _refuse_shared(file, part, path)
                    _complete(file, url, sha256=sha256, size=size, report=report)
                    if not _WINDOWS:  # while it is locked: a second process must not find it gone
                        part.replace(temporary)
                if _WINDOWS:  # where an open file cannot be renamed
                    part.replace(temporary)
                return path
            except _MirrorError as error:
                failures.append(f"{url}: {error}")
        if part.stat().st_size == 0:
            part.unlink()
        raise DownloadError(
            f"cannot be downloaded ({'; '.join(failures)})",
            where=path.name,
            remedy=f"Bring the file yourself and put it there: {path}",
        )


def show_progress(name: str) -> Report:
    """A report for stderr: one line that counts on a terminal, a line per tenth in a pipe."""
    shown = -1

    def report(done: int, total: int) -> None:
        nonlocal shown
        share = 100 * done // max(1, total)
        if sys.stderr.isatty():
            end = "\n" if done >= total else "\r"
            print(
                f"{name}: {share} % of {total / 1e6:.0f} MB", end=end, file=sys.stderr, flush=True
            )
        elif share // 10 > shown // 10:
            print(f"{name}: {share} % of {total / 1e6:.0f} MB", file=sys.stderr, flush=True)
        shown = share

    return report


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal, read block by block."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _MirrorError(Exception):
    """A mirror does not answer, or not to the end."""


class _WrongBytesError(_MirrorError):
    """What has come is not the file that was asked for, nor its beginning."""


def _refuse_shared(file: BufferedRandom, part: Path, path: Path) -> None:
    """Lock the part, so that two processes do not write it in turns; closing it unlocks."""
    if sys.platform == "win32":  # there, a file that another process writes cannot be replaced
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StriateError(
            "another process is downloading it", where=str(path), remedy="Wait for that one"
        ) from error
    # Opened before the other process renamed it, locked after: this is the finished file itself.
    if not (part.exists() and os.path.samestat(os.fstat(file.fileno()), part.stat())):
        raise StriateError(
            "another process has just downloaded it", where=str(path), remedy="Start again"
        )


def _complete(file: BufferedRandom, url: str, *, sha256: str, size: int, report: Report) -> None:
    """Bring a part to the end of the file; what turns out to be wrong is emptied again."""
    resumed = file.seek(0, os.SEEK_END) > 0
    try:
        _download(file, url, sha256=sha256, size=size, report=report)
    except _WrongBytesError:
        file.truncate(0)
        if not resumed:
            raise
        # The fault may be in what lay there already: once more, from the beginning.
        _complete(file, url, sha256=sha256, size=size, report=report)


def _download(file: BufferedRandom, url: str, *, sha256: str, size: int, report: Report) -> None:
    file.seek(0)
    digest, done = hashlib.file_digest(file, "sha256"), file.tell()
    if done < size:
        for start, block in _blocks(url, done):
            if start < done:  # the mirror knows no ranges and begins at the beginning
                file.truncate(0)
                digest, done = hashlib.sha256(), 0
            done += len(block)
            if done > size:
                raise _WrongBytesError(f"serves more than the file's {size:,} bytes")
            digest.update(block)
            file.write(block)
            report(done, size)
    file.flush()
    if done < size:
        raise _MirrorError(f"stops after {done:,} of {size:,} bytes")
    if digest.hexdigest() != sha256:
        raise _WrongBytesError(f"serves another file: its SHA-256 begins {digest.hexdigest()[:16]}")


def _blocks(url: str, start: int) -> Iterator[tuple[int, bytes]]:
    """What a mirror sends, each block with its place in the file; asks for the rest from `start`.

    The mirror's failures are told apart from those of our own disk.
    """
    # Some hosts turn away the name that urllib gives itself.
    headers = {"User-Agent": "striate"} | ({"Range": f"bytes={start}-"} if start else {})
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            place = start if answer.status == http.HTTPStatus.PARTIAL_CONTENT else 0
            while block := answer.read(_BLOCK):
                yield place, block
                place += len(block)
    except urllib.error.URLError as error:
        raise _MirrorError(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _MirrorError(str(error) or type(error).__name__) from error
