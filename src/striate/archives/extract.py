"""Unpack an archive whole, inside one folder, or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from striate.archives.member import Member, RefusedError
from striate.archives.names import Names, safe_parts
from striate.archives.tars import tar_members
from striate.archives.zips import zip_members
from striate.errors import WRONG_INPUT, StriateError
from striate.files import unwritable

_HARMLESS = 16 << 20  # below this many bytes no ratio is a bomb


@dataclass(frozen=True, slots=True)
class _Limits:
    bytes: int
    files: int
    ratio: float


def extract(
    archive: Path,
    folder: Path,
    *,
    max_bytes: int = 2 << 30,
    max_files: int = 200_000,
    max_ratio: float = 100,
) -> list[Path]:
    """Unpack a zip or tar (plain, gz, bz2, xz) into `folder`; returns its files, in order.

    `folder` must be absent or empty; it appears complete, in one rename, or it does not appear.
    Only regular files and folders come out, with the usual permissions; archives inside the
    archive stay files. Anything else is refused with the member's name: links, devices, sparse and
    encrypted members, names that lead outside or clash, overlapping or damaged data, more than
    `max_files` names, more than `max_bytes` bytes, or more than `max_ratio` times the archive's
    size (counted as they are unpacked, not as the archive declares them).

    The archive is read through once before a byte is written, so a refused one writes nothing.
    """
    limits = _Limits(max_bytes, max_files, max_ratio)
    try:
        _refuse_taken(folder)
        for member, _ in _checked(archive, limits):
            for _chunk in member.chunks:
                pass
        return _unpack(archive, Path(os.path.realpath(folder)), limits)
    except RefusedError as refused:
        what = (
            f"{ascii(refused.member)[:200]} {refused.reason}"
            if refused.member
            else (f"the archive {refused.reason}")
        )
        remedy = "Nothing was unpacked; if you trust it, unpack it yourself and give the folder"
        raise StriateError(
            what, where=str(archive), remedy=remedy, exit_code=WRONG_INPUT
        ) from refused


def _refuse_taken(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StriateError(
            "exists already, and nothing is overwritten",
            where=str(folder),
            remedy="Name a new folder or an empty one",
            exit_code=WRONG_INPUT,
        )


def _checked(archive: Path, limits: _Limits) -> Iterator[tuple[Member, tuple[str, ...]]]:
    """The members with their safe parts; reading a member's chunks counts against the limits."""
    names, room = Names(limits.files), _Room(limits, _size(archive))
    members = zip_members(archive, limits.files) if _is_zip(archive) else tar_members(archive)
    for member in members:
        parts = safe_parts(member.name)
        if not parts and not member.folder:
            raise RefusedError("has no file name", member.name)
        if parts:
            names.add(member.name, parts, folder=member.folder)
        yield Member(member.name, member.folder, room.counted(member)), parts


class _Room:
    """How many bytes may still come out."""

    def __init__(self, limits: _Limits, archive_size: int) -> None:
        self.limits = limits
        self.most_by_ratio = max(_HARMLESS, limits.ratio * archive_size)
        self.taken = 0

    def counted(self, member: Member) -> Iterator[bytes]:
        for chunk in member.chunks:
            self.taken += len(chunk)
            if self.taken > self.limits.bytes:
                raise RefusedError(
                    f"brings the content over {self.limits.bytes:,} bytes", member.name
                )
            if self.taken > self.most_by_ratio:
                reason = f"brings the content over {self.limits.ratio:g} times the archive's size"
                raise RefusedError(reason, member.name)
            yield chunk


def _size(archive: Path) -> int:
    if archive.is_file():
        return archive.stat().st_size
    what = "is a folder" if archive.is_dir() else "there is no such file"
    raise StriateError(
        what, where=str(archive), remedy="Name a zip or tar file", exit_code=WRONG_INPUT
    )


def _is_zip(archive: Path) -> bool:
    try:
        with archive.open("rb") as file:
            return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except OSError as error:
        raise StriateError(
            f"cannot read: {error.strerror}",
            where=str(archive),
            remedy="Check that you may read it",
            exit_code=WRONG_INPUT,
        ) from error


def _unpack(archive: Path, folder: Path, limits: _Limits) -> list[Path]:
    # Beside the folder, so that the rename stays on one disk.
    temporary = folder.parent / f".striate-{secrets.token_hex(8)}.tmp"
    try:
        temporary.mkdir()
        written = [
            folder.joinpath(*parts)
            for member, parts in _checked(archive, limits)
            if _write(member, temporary.joinpath(*parts))
        ]
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
        return written
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(member: Member, path: Path) -> bool:
    """Make the member's file or folder; True for a file. Nothing here was there before us."""
    if member.folder:
        path.mkdir(parents=True, exist_ok=True)
        for _chunk in member.chunks:  # none, but the reader may have padding to pass
            pass
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        for chunk in member.chunks:
            file.write(chunk)
    return True
