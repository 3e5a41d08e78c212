"""One way from a file to an image: known formats only, limits checked before pixels are made."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageFile

from striate.data.formats import READ, format_of
from striate.data.heic import open_heic
from striate.data.kinds import Unreadable
from striate.data.quiet import quiet
from striate.data.reading import MAX_BYTES, read
from striate.data.structure import broken_chunk, end_of, has_frame, jpeg_precision, size_of
from striate.errors import StriateError

MAX_PIXELS = 50_000_000

# fmt: off
_COMPRESSIONS = frozenset({
    "raw", "tiff_ccitt", "group3", "group4", "tiff_lzw", "tiff_jpeg", "jpeg", "tiff_adobe_deflate",
    "tiff_deflate", "tiff_raw_16", "packbits", "lzma", "zstd",
})
# fmt: on
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(source: Path | bytes, *, at_least: tuple[int, int] | None = None) -> Image.Image:
    """The picture in a file (or in its bytes), turned upright by its orientation tag.

    The first one, where a file holds several. It comes in Pillow's own mode for it, so 16 bits stay
    16 bits. With `at_least`, a `(height, width)`, a JPEG may be decoded at 1/2, 1/4 or 1/8 of its
    size, never to less than that: several times faster, and slightly different pixels.

    Whatever is wrong becomes one `Unreadable` that names the file, the kind and the reason.
    """
    content = source if isinstance(source, bytes) else read(source)
    try:
        with quiet():
            return _decoded(content, at_least)
    except Unreadable as error:
        if isinstance(source, bytes):
            raise
        raise error.at(str(source)) from error.__cause__


def opened(content: bytes) -> ImageFile.ImageFile:
    """The file's header as Pillow reads it; size and format are checked, no pixels are made."""
    kind = _kind(content)
    try:
        # Only the decoder of the format that the bytes show is ever asked.
        image = open_heic(content) if kind == "HEIC" else _open(content, kind)
    except Unreadable:
        raise
    except Exception as error:  # whatever a parser stumbles over
        raise explained(error, kind, content) from error
    if min(image.size) < 1:
        raise Unreadable("no-pixels", f"is {image.width}x{image.height} pixels")
    _check_pixels(image.width * image.height, f"{image.width}x{image.height}")
    if kind == "TIFF":
        _check_tiff(image)
    return image


@contextlib.contextmanager
def converting(where: str = "") -> Iterator[None]:
    """Around what makes a decoded image ordinary bands: what cannot be made so is `Unreadable`."""
    try:
        yield
    except StriateError as error:
        raise Unreadable("unknown-scale", error.what, where=where, remedy=error.remedy) from error
    except (ValueError, OSError) as error:  # a mode that Pillow decodes, and cannot convert
        reason = f"has pixels for which no conversion is known ({error})"
        raise Unreadable("unsupported-variant", reason, where=where) from error


def orientation_of(image: Image.Image) -> int:
    """The orientation tag, 1 to 8; 0 where the metadata cannot be read. Either means upright."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # metadata comes from strangers too, and no picture depends on it
        return 0
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright(image: Image.Image) -> Image.Image:
    """The image as its orientation tag wants it to be seen."""
    turn = orientation_of(image)
    return image.transpose(_TURNS[turn]) if turn in _TURNS else image


def explained(error: Exception, kind: str, content: bytes) -> Unreadable:
    """Why Pillow failed, in our words, from its error and the file's own structure."""
    words, size = str(error), size_of(kind, content)
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        large = size is not None and size[0] * size[1] > MAX_PIXELS
        return _too_many(f"{size[0]}x{size[1]}" if size and large else "what it unfolds to")
    if isinstance(error, MemoryError):
        return Unreadable("too-many-pixels", "needs more memory than there is")
    if "Decompressed data too large" in words or "Too much memory used in text" in words:
        return Unreadable("bomb", "holds compressed text or a profile that unfolds beyond limits")
    if size is not None and 0 in size:
        return Unreadable("no-pixels", f"is {size[0]}x{size[1]} pixels")
    if kind == "GIF" and not has_frame(content):
        return Unreadable("no-pixels", "holds no frame")
    if kind == "JPEG" and (bits := jpeg_precision(content)) not in (8, None):
        return Unreadable("unsupported-variant", f"is a JPEG of {bits} bits, of which 8 are read")
    if end_of(kind, content) is None or "truncated" in words.lower():
        return Unreadable("truncated", f"cannot be decoded: the end of the {kind} is missing")
    if isinstance(error, NotImplementedError) or re.search("unknown|unsupported", words, re.I):
        return Unreadable("unsupported-variant", f"is a {kind} in a form that is not read")
    return Unreadable("damaged", f"cannot be decoded: a damaged {kind}, or a rare form of it")


def _decoded(content: bytes, at_least: tuple[int, int] | None) -> Image.Image:
    image = opened(content)
    kind = format_of(content)
    if kind == "PNG" and (chunk := broken_chunk(content)):
        raise Unreadable("damaged", f"has a wrong checksum in its {chunk} chunk")
    try:
        if at_least is not None and kind == "JPEG":
            lying = orientation_of(image) >= 5
            image.draft(None, at_least if lying else at_least[::-1])
        image.load()
    except Exception as error:  # whatever a decoder stumbles over
        raise explained(error, kind, content) from error
    # Not before: a PNG may say it after its pixels, and a TIFF turns itself.
    return upright(image)


def _kind(content: bytes) -> str:
    if not content:
        raise Unreadable("empty", "is empty: 0 bytes")
    if len(content) > MAX_BYTES:
        raise Unreadable("too-many-bytes", f"has over {MAX_BYTES // 1_000_000} MB")
    kind = format_of(content)
    if not kind:
        raise Unreadable("not-an-image", "not an image in a known format")
    if kind not in READ:
        known = "JPEG, PNG, WebP, BMP, GIF or TIFF"
        raise Unreadable("unsupported-format", f"unsupported format {kind}", remedy=f"Use {known}")
    return kind


def _open(content: bytes, kind: str) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(content), formats=(kind,))


def _check_pixels(count: int, size: str) -> None:
    if count > MAX_PIXELS:
        raise _too_many(size)


def _check_tiff(image: ImageFile.ImageFile) -> None:
    """Tiles may be larger than the picture; and of its many compressions the common ones do."""
    tags = image.tag_v2  # type: ignore[attr-defined]  # a TIFF has them
    width, height = (tags.get(tag, 1) for tag in (_TILE_WIDTH, _TILE_HEIGHT))
    if isinstance(width, int) and isinstance(height, int):
        _check_pixels(width * height, f"a tile of {width}x{height}")
    if (compression := image.info.get("compression")) not in _COMPRESSIONS:
        reason = f"is a TIFF with {compression} compression, which is not read"
        raise Unreadable("unsupported-variant", reason)


def _too_many(size: str) -> Unreadable:
    limit = MAX_PIXELS // 1_000_000
    return Unreadable("too-many-pixels", f"{size} is more than {limit} million pixels")
