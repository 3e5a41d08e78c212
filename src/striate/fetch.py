"""A named file from the network: several mirrors, a checksum, and whole or absent on the disk."""

from __future__ import annotations

import hashlib
import http.client
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from striate.errors import StriateError
from striate.files import atomic_path, unwritable

Report = Callable[[int, int], None]
"""Called with the bytes that have come, and the bytes there will be."""

_BLOCK = 1 << 20
_TIMEOUT = 30  # seconds without a byte, not for the whole file


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
    for url in urls:
        try:
            with atomic_path(path) as temporary:
                _download(url, temporary, sha256=sha256, size=size, report=report)
            return path
        except _MirrorError as error:
            failures.append(f"{url}: {error}")
    raise StriateError(
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
    """A mirror does not answer, or serves something else than the file that was asked for."""


def _download(url: str, path: Path, *, sha256: str, size: int, report: Report) -> None:
    digest, done = hashlib.sha256(), 0
    with path.open("wb") as file:
        for block in _blocks(url):
            done += len(block)
            if done > size:
                raise _MirrorError(f"serves more than the file's {size:,} bytes")
            digest.update(block)
            file.write(block)
            report(done, size)
    if digest.hexdigest() != sha256:
        raise _MirrorError(f"serves another file: its SHA-256 begins {digest.hexdigest()[:16]}")


def _blocks(url: str) -> Iterator[bytes]:
    """What a mirror sends. Its failures are told apart from those of our own disk."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:
            while block := answer.read(_BLOCK):
                yield block
    except urllib.error.URLError as error:
        raise _MirrorError(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _MirrorError(str(error) or type(error).__name__) from error
