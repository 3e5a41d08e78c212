"""Names of files and classes: what is a picture, what is junk, what looks alike."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

# Every suffix of a picture format, read or not: the decoder says by name which ones it refuses.
_PICTURES = (
    ".jpg .jpeg .jpe .jfif .jif .mpo .png .apng .webp .bmp .dib .gif .tif .tiff .heic .heif .hif "
    ".avif .jxl .jp2 .j2k .ico .svg .eps .pdf .psd .ppm .pgm .pbm .pnm .tga .pcx .exr .hdr "
    ".dng .cr2 .cr3 .nef .arw .orf .rw2 .raf"
)
PICTURES = frozenset(_PICTURES.split())
# These hold no picture whatever their bytes say, so they are not opened to look.
_OTHERS = (
    ".txt .md .rst .xml .json .jsonl .csv .tsv .yaml .yml .toml .ini .cfg .log .html .htm .css "
    ".js .py .ipynb .sh .m .mat .npy .npz .pkl .pickle .pt .pth .h5 .hdf5 .parquet .arrow .db "
    ".zip .tar .gz .tgz .bz2 .xz .7z .rar .mp4 .avi .mov .mkv .webm .mp3 .wav .doc .docx .xls "
    ".xlsx .ppt .pptx .url .lnk"
)
OTHERS = frozenset(_OTHERS.split())
JUNK = frozenset(
    {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "#recycle", "$recycle.bin"}
    | {"system volume information", "lost+found", "__pycache__", "icon\r"}
)

# How far a file must be read for `is_picture`.
HEAD = 16


def is_picture(head: bytes) -> bool:
    """Whether the first `HEAD` bytes of a file are those of a common picture format."""
    return (
        head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF87a", b"GIF89a"))
        or head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[:2] == b"BM" and head[6:10] == b"\0\0\0\0")
        or (head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif"))
    )


def look_alikes(classes: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Groups of class names that differ only by case, spaces, `_`, `-` or Unicode form.

    Such classes are mostly one class in two folders. Each group is sorted, and so are the groups.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        groups[re.sub(r"[\s_-]+", "", folded)].append(name)
    return tuple(sorted(tuple(sorted(names)) for names in groups.values() if len(names) > 1))
