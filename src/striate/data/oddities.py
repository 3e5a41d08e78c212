"""What is odd about a picture that is usable all the same."""

from __future__ import annotations

from pathlib import Path, PurePath

from PIL import Image

from striate.data.decode import opened, orientation_of
from striate.data.formats import EXTENSIONS, format_of
from striate.data.quiet import quiet
from striate.data.reading import read
from striate.data.structure import end_of

_MODES = {
    "1": "grey",
    "L": "grey",
    "LA": "grey",
    "P": "palette",
    "PA": "palette",
    "CMYK": "cmyk",
    "F": "float",
}

_PNG_METADATA = (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp")


def oddities_of(source: Path | bytes, *, name: str = "") -> tuple[str, ...]:
    """The words of `ODDITIES` that hold for a file, from its header; no pixels are decoded.

    `name` is what bytes are called, for the words about the extension. Raises `Unreadable` where
    the header is unusable.
    """
    content = source if isinstance(source, bytes) else read(source)
    name = name or ("" if isinstance(source, bytes) else source.name)
    with quiet():
        image = opened(content)
        found = [*_of_name(name, content), *_of_pixels(image, content), *_of_frames(image)]
        # Pillow decodes a whole PNG to look for metadata behind its pixels: only where there are.
        plain = image.format == "PNG" and not any(sign in content for sign in _PNG_METADATA)
        turn = 1 if plain else orientation_of(image)
    found += ["broken-metadata"] if turn == 0 else ["exif-rotated"] if turn > 1 else []
    end = end_of(format_of(content), content) or len(content)
    # What follows the first picture of several is the second; padding is nothing.
    if "several-pictures" not in found and content[end:].strip(b"\0\r\n"):
        found.append("trailing-data")
    return tuple(found)


def _of_name(name: str, content: bytes) -> list[str]:
    if not name:
        return []
    suffix = PurePath(name).suffix.lower()
    if not suffix:
        return ["no-extension"]
    return [] if suffix in EXTENSIONS[format_of(content)] else ["wrong-extension"]


def _of_pixels(image: Image.Image, content: bytes) -> list[str]:
    found = [_MODES[image.mode]] if image.mode in _MODES else []
    if image.mode.startswith("I;16"):
        found += ["grey", "16-bit"]
    elif _depth(image, content) == 16:
        found.append("16-bit")
    return found + (["alpha"] if image.has_transparency_data else [])


def _depth(image: Image.Image, content: bytes) -> int:
    """Bits a band, where Pillow's mode hides it."""
    if image.format == "PNG":
        return content[24]
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(258, (8,))
        return int(bits[0]) if isinstance(bits, tuple) and bits else 8
    return 8


def _of_frames(image: Image.Image) -> list[str]:
    if not getattr(image, "is_animated", False):
        return []
    return ["several-pictures" if image.format in ("TIFF", "MPO") else "animated"]
