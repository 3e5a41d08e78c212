"""How a file is built, read from its frame alone: where it ends, what size and depth it claims.

No pixels are decoded here. Pillow says only that it failed; this says why.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

_PNG_START = 8
# In a scan, FF is followed by 0 (a plain FF), by a restart mark, or by the next marker.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_END = 0xD9


def end_of(kind: str, content: bytes) -> int | None:
    """Where the picture ends in its file, or None if the file ends first.

    Formats that say nothing about it end with the file.
    """
    if kind == "JPEG":
        return next((at + 2 for marker, at in _jpeg_markers(content) if marker == _END), None)
    if kind == "PNG":
        return next((end for name, _, end in _png_chunks(content) if name == b"IEND"), None)
    if kind == "WEBP":
        return _end_if_there(content, 8 + int.from_bytes(content[4:8], "little"))
    if kind == "GIF":
        return len(content) if content.rstrip(b"\0").endswith(b";") else None
    if kind == "BMP":
        return _end_if_there(content, int.from_bytes(content[2:6], "little"))
    return len(content)


def size_of(kind: str, content: bytes) -> tuple[int, int] | None:
    """The `(width, height)` that the header claims, or None where it cannot be read."""
    if kind == "JPEG":
        frame = _jpeg_frame(content)
        return None if frame is None else frame[1]
    places = {"PNG": (">II", 16), "GIF": ("<HH", 6), "BMP": ("<ii", 18)}
    if kind not in places or len(content) < 26:
        return None
    width, height = struct.unpack_from(*places[kind][:1], content, places[kind][1])
    return width, height


def jpeg_precision(content: bytes) -> int | None:
    """The bits a sample of a JPEG, or None before its frame header."""
    frame = _jpeg_frame(content)
    return None if frame is None else frame[0]


def has_frame(gif: bytes) -> bool:
    """Whether a GIF holds any picture at all, or nothing between its header and its end."""
    at = 13 + (3 << (gif[10] & 7) + 1 if len(gif) > 12 and gif[10] & 0x80 else 0)
    while gif[at : at + 1] == b"!":  # an extension: its label, then blocks that carry their length
        at += 2
        while at < len(gif) and gif[at]:
            at += 1 + gif[at]
        at += 1
    return gif[at : at + 1] == b","


def broken_chunk(content: bytes) -> str:
    """The first PNG chunk whose checksum is wrong, or ""."""
    for name, start, end in _png_chunks(content):
        if zlib.crc32(content[start - 4 : end - 4]) != int.from_bytes(content[end - 4 : end]):
            return name.decode("ascii", "backslashreplace")
    return ""


def _end_if_there(content: bytes, end: int) -> int | None:
    return end if end <= len(content) else None


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Every whole chunk: its name, where its data start, where its checksum ends."""
    at = _PNG_START
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4])
        end = at + 12 + length
        if end > len(content):
            return
        yield content[at + 4 : at + 8], at + 8, end
        at = end


def _jpeg_markers(content: bytes) -> Iterator[tuple[int, int]]:
    """Every marker up to the end of the picture, and where it stands."""
    at = 2
    while (found := _NEXT_MARKER.search(content, at)) is not None:
        at = found.start()
        marker = content[at + 1]
        yield marker, at
        if marker == _END:
            return
        # Marker 1 stands alone; all others carry their length, and what they hold is skipped.
        at += 2 if marker == 1 else 2 + max(2, int.from_bytes(content[at + 2 : at + 4]))


def _jpeg_frame(content: bytes) -> tuple[int, tuple[int, int]] | None:
    """Precision and `(width, height)` of the first frame header."""
    for marker, at in _jpeg_markers(content):
        if marker in _FRAMES and at + 9 <= len(content):
            precision, height, width = struct.unpack_from(">BHH", content, at + 4)
            return precision, (width, height)
    return None
