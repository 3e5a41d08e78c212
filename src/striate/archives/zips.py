"""Zip archives, read member by member with nothing taken on trust."""

from __future__ import annotations

import contextlib
import io
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from striate.archives.member import CHUNK, Member, RefusedError, damage

_DIRECTORY_ENTRY = b"PK\x01\x02"
_LARGEST_DIRECTORY = 64 << 20
_LOCAL_HEADER = 30  # bytes before the name
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # the data, "strongly", or the directory
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class _CarefulFile(io.FileIO):
    """A file that refuses the one huge read by which a directory would fill the memory."""

    def read(self, size: int | None = -1) -> bytes:
        room = _LARGEST_DIRECTORY + 1
        data = super().read(room if size is None or size < 0 else min(size, room))
        if len(data) == room:
            raise RefusedError(f"has a directory of over {_LARGEST_DIRECTORY >> 20} MiB")
        return data


def zip_members(path: Path, most: int) -> Iterator[Member]:
    """Give the members of a zip in the directory's order; `most` bounds their number."""
    _refuse_many(path, most)
    with contextlib.ExitStack() as open_files:
        with damage():
            file = open_files.enter_context(_CarefulFile(path))
            archive = open_files.enter_context(zipfile.ZipFile(file))
        infos = archive.infolist()
        for info in infos:
            _refuse_special(info)
        _refuse_overlaps(infos, archive.start_dir)
        for info in infos:
            yield Member(info.filename, info.is_dir(), _chunks(archive, info))


def _refuse_many(path: Path, most: int) -> None:
    """Count the directory's entries before `zipfile` makes an object of a kilobyte for each."""
    count, tail = 0, b""
    with damage(), path.open("rb") as file:
        while chunk := file.read(CHUNK):
            window = tail + chunk
            count += window.count(_DIRECTORY_ENTRY)
            tail = window[1 - len(_DIRECTORY_ENTRY) :]
            if count > most:
                raise RefusedError(f"holds over {most:,} files and folders")


def _refuse_special(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise RefusedError("is a symbolic link", info.filename)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise RefusedError("is a device, pipe or socket", info.filename)
    if "\0" in info.orig_filename:  # zipfile cuts the name there
        raise RefusedError("has control characters in its name", info.orig_filename)
    if info.flag_bits & _ENCRYPTED:
        raise RefusedError("is encrypted", info.filename)
    if info.compress_type not in _METHODS:
        raise RefusedError(f"is compressed by method {info.compress_type}", info.filename)
    if info.is_dir() and info.file_size:
        raise RefusedError("is a folder with content", info.filename)


def _refuse_overlaps(infos: list[zipfile.ZipInfo], directory: int) -> None:
    """Refuse members that share bytes: the way to pack petabytes into megabytes."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise RefusedError("overlaps another member", info.filename)
        end = info.header_offset + _LOCAL_HEADER + len(info.filename) + info.compress_size
        if end > directory:
            raise RefusedError("overlaps the archive's directory", info.filename)


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    declared, real = info.file_size, 0
    # zipfile stops at the declared size; one byte of room shows whether there is more.
    info.file_size = declared + 1
    with damage(info.filename):
        file = archive.open(info)
    with file:
        while True:
            with damage(info.filename):
                chunk = file.read(CHUNK)
            if not chunk:
                break
            real += len(chunk)
            yield chunk
    if real != declared:
        raise RefusedError(f"says {declared:,} bytes and holds {real:,}", info.filename)
