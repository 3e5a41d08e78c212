"""Tar archives, plain or compressed, read as one stream in constant memory.

A reader of our own, because the standard library's keeps every member in memory, reads headers of
any size, and in versions still in use loops or backtracks without end on crafted ones.

A member is a 512-byte header and its data, padded to 512; a block of zeros ends the archive.
Before a member may come a pax header ("x", records `length key=value`) or a GNU one ("L") with a
name that is too long for the 100 bytes of the plain header.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from striate.archives.member import CHUNK, Member, RefusedError, damage

BLOCK = 512
_LONGEST_EXTRA = 64 << 10  # a name is at most 1 KiB, but Macs add attributes
_LONGEST_PADDING = 16 << 20
_XZ_MEMORY = 256 << 20  # xz -9 wants 65 MiB, a crafted header 4 GiB
_OCTAL_LIMIT = 8**11
_SPECIAL = {
    b"1": "is a hard link",
    b"2": "is a symbolic link",
    b"3": "is a device, pipe or socket",
    b"4": "is a device, pipe or socket",
    b"6": "is a device, pipe or socket",
    b"S": "is a sparse file",
}


def tar_members(path: Path) -> Iterator[Member]:
    """Give the members of a tar in their order."""
    with path.open("rb") as file:
        stream = _Stream(_decompressed(file))
        extra = _Extra()
        while (header := stream.exactly(BLOCK)).count(0) < BLOCK:
            kind, size, name = _kind(header), _size(header), _name(header)
            if kind in (b"x", b"g", b"L", b"K"):
                extra.take(kind, stream.exactly(_extra_size(size, name)))
                stream.skip_padding(size)
                continue
            name, size = extra.applied(name, size)
            yield _member(stream, kind, name, size)
            extra = _Extra()
        extra.refuse_leftover()
        stream.refuse_rest()


def _member(stream: _Stream, kind: bytes, name: str, size: int) -> Member:
    # Old archives mark folders by the slash alone.
    folder = kind == b"5" or (kind in (b"0", b"\0") and name.endswith("/"))
    if not folder and kind not in (b"0", b"\0", b"7"):
        raise RefusedError(_SPECIAL.get(kind, f"is of the special kind {kind!r}"), name)
    if folder and size:
        raise RefusedError("is a folder with content", name)
    return Member(name, folder, stream.data(size, name))


class _Extra:
    """What the extra headers before a member say about it."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.size: int | None = None
        self.taken: set[bytes] = set()

    def take(self, kind: bytes, body: bytes) -> None:
        if kind in self.taken:
            raise RefusedError("has two extra headers of one kind for one member")
        self.taken.add(kind)
        if kind == b"L":
            self._set_name(body.rstrip(b"\0"))
        elif kind != b"K":  # K: the target of a link, which is refused anyway
            self._take_records(kind, dict(_records(body)))

    def _take_records(self, kind: bytes, records: dict[bytes, bytes]) -> None:
        if any(key.startswith(b"GNU.sparse") for key in records):
            raise RefusedError("holds a sparse file")
        if kind == b"g" and records.keys() & {b"path", b"size"}:
            raise RefusedError("has a global header that renames or resizes every member")
        if b"path" in records:
            self._set_name(records[b"path"])
        if b"size" in records:
            if not re.fullmatch(rb"[0-9]{1,19}", records[b"size"]):
                raise RefusedError("has a pax header with a damaged size")
            self.size = int(records[b"size"])

    def _set_name(self, name: bytes) -> None:
        if self.name is not None:
            raise RefusedError("has two extra headers that name one member")
        self.name = _decoded(name)

    def applied(self, name: str, size: int) -> tuple[str, int]:
        name = name if self.name is None else self.name
        # Where the two differ, two readers see two archives; only a huge size has to.
        if self.size is not None and self.size not in (size, max(self.size, _OCTAL_LIMIT)):
            raise RefusedError(f"has two sizes, {size:,} and {self.size:,}", name)
        return name, size if self.size is None else self.size

    def refuse_leftover(self) -> None:
        if self.taken - {b"g"}:
            raise RefusedError("ends with an extra header for no member")


def _records(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The `length key=value` records of a pax header; the length counts the whole record."""
    seen = set()
    while body.strip(b"\0"):
        head = re.match(rb"([0-9]{1,8}) ([^=\n]{1,1024})=", body)
        length = int(head[1]) if head else 0
        if not head or not head.end() < length <= len(body) or body[length - 1] != ord("\n"):
            raise RefusedError("has a damaged pax header")
        if head[2] in seen:
            raise RefusedError("has a pax header with one key twice")
        seen.add(head[2])
        yield head[2], body[head.end() : length - 1]
        body = body[length:]


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Stream:
    """Bytes in order; whatever ends too early is refused."""

    def __init__(self, file: _Readable) -> None:
        self._file = file

    def exactly(self, size: int) -> bytes:
        with damage():
            data = self._file.read(size)
        if len(data) != size:
            raise RefusedError("is cut short")
        return data

    def data(self, size: int, name: str) -> Iterator[bytes]:
        left = size
        while left:
            with damage(name):
                chunk = self._file.read(min(left, CHUNK))
            if not chunk:
                raise RefusedError("is cut short", name)
            left -= len(chunk)
            yield chunk
        self.skip_padding(size)

    def skip_padding(self, size: int) -> None:
        self.exactly(-size % BLOCK)

    def refuse_rest(self) -> None:
        """Read to the end, which also proves the checksum; only zeros may follow the members."""
        for _ in range(_LONGEST_PADDING // CHUNK):
            with damage():
                rest = self._file.read(CHUNK)
            if rest.strip(b"\0"):
                raise RefusedError("has data after its end mark")
            if not rest:
                return
        raise RefusedError("has too much padding after its end mark")


def _kind(header: bytes) -> bytes:
    """The type byte of a header whose checksum holds."""
    said = re.fullmatch(rb"[ \0]*([0-7]+)[ \0]*", header[148:156])
    real = sum(header) - sum(header[148:156]) + 8 * ord(" ")
    if not said or int(said[1], 8) != real:
        raise RefusedError("is damaged, or no archive: a tar header has a wrong checksum")
    return header[156:157]


def _size(header: bytes) -> int:
    field = header[124:136]
    if field[0] == 0x80:  # GNU: the number itself, for sizes that octal cannot hold
        return int.from_bytes(field[1:], "big")
    number = re.fullmatch(rb"[ \0]*([0-7]*)[ \0]*", field)
    if not number:
        raise RefusedError("has a negative or damaged size", _name(header))
    return int(number[1] or b"0", 8)


def _name(header: bytes) -> str:
    name = header[:100].split(b"\0")[0]
    prefix = header[345:500].split(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return _decoded(prefix + b"/" + name if prefix else name)


def _extra_size(size: int, name: str) -> int:
    if size > _LONGEST_EXTRA:
        raise RefusedError(f"has an extra header of {size:,} bytes", name)
    return size


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _decompressed(file: BinaryIO) -> _Readable:
    magic = file.read(6)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if magic == b"\xfd7zXZ\0":
        return io.BufferedReader(_Xz(file), CHUNK)
    return file


class _Xz(io.RawIOBase):
    """Xz streams, one after the other, within a memory limit (which `lzma.open` cannot set)."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            pending = self._file.read(CHUNK) if self._stream.needs_input else b""
            if self._stream.eof:
                pending = (self._stream.unused_data or self._file.read(CHUNK)).lstrip(b"\0")
                if not pending:
                    return 0
                self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
            elif self._stream.needs_input and not pending:
                raise EOFError("the xz data end too early")
            data = self._stream.decompress(pending, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
