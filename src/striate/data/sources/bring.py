"""Published data sets on this disk: found, checked, downloaded. Imports no torch.

A set lies where `striate datasets get` puts it, or in `$STRIATE_DATA/NAME`, for copies brought by
hand. A name stands for the published files, bit for bit: others are refused under it.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path

from striate.data.sources.known import File, Known
from striate.errors import WRONG_INPUT, StriateError
from striate.fetch import DownloadError, Report, fetch, sha256_of
from striate.files import cache_folder


def folders(entry: Known) -> list[Path]:
    """Where a set is looked for, first come first; the last is where a download goes."""
    name = entry.folder or entry.name
    by_hand = os.environ.get("STRIATE_DATA")
    ours = cache_folder("datasets") / name
    return [Path(by_hand) / name, ours] if by_hand else [ours]


def at_hand(entry: Known) -> Path | None:
    """The folder that holds all files of a set, by their names; None if none does."""
    if not entry.files:
        return None
    complete = (
        folder
        for folder in folders(entry)
        if all(located(folder, file) is not None for file in entry.files)
    )
    return next(complete, None)


def located(folder: Path, file: File) -> Path | None:
    """Where a published file lies in a folder, as it is or unpacked."""
    names = (file.name, file.name.removesuffix(".gz")) if file.unpacked else (file.name,)
    return next((folder / name for name in names if (folder / name).is_file()), None)


def require(entry: Known) -> Path:
    """The folder of a set whose files are at hand and are the published ones."""
    folder = at_hand(entry)
    if folder is None:
        looked = " and ".join(str(folder) for folder in folders(entry))
        raise StriateError(
            f"is not on this disk (looked in {looked})",
            where=entry.name,
            remedy=f"`striate datasets get {entry.name}` downloads {entry.size / 1e6:.0f} MB",
            exit_code=WRONG_INPUT,
        )
    for file in entry.files:
        path = located(folder, file)
        if path is None or not is_published(path, file):
            raise StriateError(
                f"is not the published file {file.name} of {entry.name}",
                where=str(path),
                remedy=f"Delete it and `striate datasets get {entry.name}`, or name the folder "
                "by its path to use it as it is",
                exit_code=WRONG_INPUT,
            )
    return folder


def is_published(path: Path, file: File) -> bool:
    """Whether a file is the published one; gzip may have packed it anew, if `unpacked` is known."""
    try:
        if path.stat().st_size == file.size and sha256_of(path) == file.sha256:
            return True
        return bool(file.unpacked) and _sha256_unpacked(path) == file.unpacked
    except (OSError, EOFError, zlib.error):
        return False


def _sha256_unpacked(path: Path) -> str:
    if path.suffix != ".gz":
        return sha256_of(path)
    digest = hashlib.sha256()
    with gzip.open(path) as unpacked:
        while block := unpacked.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def get(
    entry: Known, out: Path | None = None, *, progress: Callable[[str], Report]
) -> tuple[Path, list[Path]]:
    """Download what is missing of a set, into `out` or its own place; the folder and its files.

    `progress` makes a report for each file. A file that is there and right is not fetched again.
    """
    folder = out if out is not None else folders(entry)[-1]
    paths = []
    for number, file in enumerate(entry.files):
        path = located(folder, file)
        if path is not None and not is_published(path, file):
            if out is not None:
                raise StriateError(
                    f"is there already, and is not the published file of {entry.name}",
                    where=str(path),
                    remedy="Delete it, or choose another --out",
                    exit_code=WRONG_INPUT,
                )
            path = None  # in the cache, a damaged file is ours to replace
        paths.append(path or _fetch(entry, number, folder, progress))
    return folder, paths


def _fetch(entry: Known, number: int, folder: Path, progress: Callable[[str], Report]) -> Path:
    file = entry.files[number]
    urls, path = [mirror + file.name for mirror in entry.mirrors], folder / file.name
    try:
        return fetch(urls, path, sha256=file.sha256, size=file.size, report=progress(file.name))
    except DownloadError as error:
        names = ", ".join(missing.name for missing in entry.files[number:])
        raise StriateError(
            error.what,
            where=error.where,
            remedy=f"Try again later, or bring {names} yourself and put it in {folder}",
        ) from error
