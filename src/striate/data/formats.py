"""What a file is, by its first bytes: never by its name."""

from __future__ import annotations

import re

READ = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "HEIC")
"""The formats that reach a decoder; HEIC only where its extra is installed."""

EXTENSIONS = {
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"},
    "PNG": {".png", ".apng"},
    "WEBP": {".webp"},
    "BMP": {".bmp", ".dib"},
    "GIF": {".gif"},
    "TIFF": {".tif", ".tiff"},
    "HEIC": {".heic", ".heif", ".hif"},
}

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0\x10\0\0\0CR", "Canon raw"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"8BPS", "Photoshop"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\2\0", "CUR"),
    (b"icns", "ICNS"),
    (b"SIMPLE  =", "FITS"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"DDS ", "DDS"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\xd8", "JPEG"),
    (b"qoif", "QOI"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"\x59\xa6\x6a\x95", "Sun raster"),
    (b"\x01\xda", "SGI"),
    (b"/* XPM", "XPM"),
    (b"gimp xcf", "GIMP"),
    (b"AT&TFORM", "DjVu"),
    (b"{\\rtf", "RTF"),
    (b"PK\3\4", "ZIP"),
    (b"PK\5\6", "ZIP"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x93NUMPY", "NumPy array"),
    (b"\x89HDF", "HDF5"),
    (b"SQLite format 3", "SQLite"),
    (b"\x7fELF", "ELF program"),
    (b"MZ", "Windows program"),
    (b"OggS", "Ogg"),
    (b"ID3", "MP3"),
    (b"\x1aE\xdf\xa3", "Matroska"),
)
# Two letters prove little: nothing in the reserved bytes, or a header of a known length.
_BMP_HEADERS = {bytes([size, 0, 0, 0]) for size in (12, 16, 40, 52, 56, 64, 108, 124)}
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    b"crx ": "Canon raw",
    b"qt  ": "QuickTime",
}
_MARKUP = (
    (re.compile(rb"<svg[\s>]", re.I), "SVG"),
    (re.compile(rb"<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]", re.I), "HTML"),
    (re.compile(rb"\A<\?xml", re.I), "XML"),
)


def format_of(content: bytes) -> str:
    """The format's name, or "" where none is known."""
    if content[:4] == b"RIFF":
        return {b"WEBP": "WEBP", b"AVI ": "AVI", b"WAVE": "WAV"}.get(content[8:12], "RIFF")
    if content[4:8] == b"ftyp":
        return _BRANDS.get(_brand(content), "MP4")
    if content[:2] == b"BM" and (content[6:10] == bytes(4) or content[14:18] in _BMP_HEADERS):
        return "BMP"
    for start, name in _STARTS:
        if content.startswith(start):
            return name
    return _by_inner_signs(content)


def _brand(content: bytes) -> bytes:
    """An AVIF may call itself `mif1` first, and name what it is among its compatible brands."""
    compatible = content[8:64]
    return b"avif" if b"avif" in compatible or b"avis" in compatible else content[8:12]


def _by_inner_signs(content: bytes) -> str:
    """Formats whose sign does not stand first, or is a word."""
    if content[40:44] == b" EMF":
        return "EMF"
    if content[128:132] == b"DICM":
        return "DICOM"
    if content[257:262] == b"ustar":
        return "tar"
    if re.match(rb"P[1-7fF][\s#]", content):
        return "Netpbm"
    if re.match(rb"\x0a[\x00\x02-\x05]\x01", content):
        return "PCX"
    text = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        return next((name for pattern, name in _MARKUP if pattern.search(text)), "")
    return ""
