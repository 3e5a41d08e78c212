"""Picture files built by hand, byte by byte: what no library would write."""

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.uint8]
PNG_START = b"\x89PNG\r\n\x1a\n"
# Where Adam7 starts, and how far apart its pixels are: x, y, dx, dy.
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2))  # fmt: skip


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    """What Pillow writes."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    rows: list[bytes], size: tuple[int, int], bits: int, colour: int, before: bytes = b""
) -> bytes:
    """A PNG from packed rows `(H)`; `colour` is its type, `before` the chunks before its pixels."""
    header = struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return PNG_START + chunk(b"IHDR", header) + before + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def interlaced_png(pixels: Array) -> bytes:
    """RGB `(H, W, 3)` in the seven passes of Adam7."""
    height, width = pixels.shape[:2]
    passes = [pixels[y::dy, x::dx] for x, y, dx, dy in ADAM7]
    data = b"".join(b"\0" + row.tobytes() for part in passes if part.size for row in part)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data))
    return PNG_START + body + chunk(b"IEND", b"")


def claimed_png(width: int, height: int, before: bytes = b"") -> bytes:
    """A PNG that claims a size and holds almost nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(b"\0"))
    return PNG_START + body + chunk(b"IEND", b"")


def with_segment(jpeg: bytes, marker: int, data: bytes) -> bytes:
    """A JPEG with one more segment, first of all."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data + jpeg[2:]


def with_frame(jpeg: bytes, change: bytes, at: int) -> bytes:
    """A JPEG whose frame header has other bytes: 4 precision, 5 height, 7 width."""
    start = jpeg.index(b"\xff\xc0") + at
    return jpeg[:start] + change + jpeg[start + len(change) :]


def exif(*entries: tuple[int, int, int, bytes], following: int = 0) -> bytes:
    """An EXIF segment: entries `(tag, type, count, value)`; values over 4 bytes lie behind."""
    values_at = 8 + 2 + 12 * len(entries) + 4
    table, values = b"", b""
    for tag, kind, count, value in entries:
        place = value.ljust(4, b"\0")
        if len(value) > 4:
            place = struct.pack("<I", values_at + len(values))
            values += value
        table += struct.pack("<HHI", tag, kind, count) + place
    head = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries))
    return head + table + struct.pack("<I", following) + values


def gif(screen: tuple[int, int], *frames: tuple[int, int, Array]) -> bytes:
    """A GIF of four greys; a frame is `(left, top, indices (H, W))`, stored in codes of 3 bits."""
    table = bytes(shade for grey in (0, 85, 170, 255) for shade in [grey] * 3)
    content = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x81, 0, 0) + table
    for left, top, indices in frames:
        height, width = indices.shape
        content += b"," + struct.pack("<HHHHB", left, top, width, height, 0)
        # A clear code before every other pixel keeps all codes at 3 bits.
        codes = [code for index in indices.flat for code in (4, int(index))] + [5]
        bits = sum(code << 3 * place for place, code in enumerate(codes))
        data = bits.to_bytes((3 * len(codes) + 7) // 8, "little")
        blocks = [data[at : at + 255] for at in range(0, len(data), 255)]
        content += b"\2" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
    return content + b";"


def tiff(
    size: tuple[int, int], data: bytes, *, loop: bool = False, **tags: int | tuple[int, ...]
) -> bytes:
    """A grey TIFF of 8 bits with one directory; `tags` as `t273=...`, on top of the usual ones."""
    width, height = size
    entries: dict[int, int | tuple[int, ...]] = {
        256: width, 257: height, 258: 8, 259: 1, 262: 1, 277: 1
    }  # fmt: skip
    entries |= {int(name[1:]): value for name, value in tags.items()}
    directory = 8 + len(data)
    lists_at = directory + 2 + 12 * len(entries) + 4
    table, lists = b"", b""
    for tag in sorted(entries):
        value = entries[tag]
        values = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"<{len(values)}I", *values)
        if len(packed) > 4:
            packed, lists = struct.pack("<I", lists_at + len(lists)), lists + packed
        table += struct.pack("<HHI", tag, 4, len(values)) + packed
    following = struct.pack("<I", directory if loop else 0)
    return (
        b"II*\0" + struct.pack("<I", directory) + data
        + struct.pack("<H", len(entries)) + table + following + lists
    )  # fmt: skip
