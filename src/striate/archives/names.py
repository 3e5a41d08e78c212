"""Which member names are safe to make, on any disk."""

from __future__ import annotations

import re
import unicodedata

from striate.archives.member import RefusedError

LONGEST_PART = 255  # bytes, the limit of the usual disks
LONGEST_PATH = 1024  # a quarter of PATH_MAX: the rest is for the folder it goes into
DEEPEST = 100
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


def safe_parts(name: str) -> tuple[str, ...]:
    """The folders and the file of a member name; () is the archive's own root.

    Raises `RefusedError` for every name that could mean a place outside, or another file elsewhere.
    """
    if not name.isprintable() and any(unicodedata.category(c) in _UNPRINTABLE for c in name):
        raise RefusedError("has control characters or bytes that are not UTF-8 in its name", name)
    if "\\" in name:
        raise RefusedError("has a backslash in its name", name)
    if name.startswith("/"):
        raise RefusedError("has an absolute path", name)
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise RefusedError("leads out of the folder with '..'", name)
    if any(re.match(r"[A-Za-z]:", part) for part in parts):
        raise RefusedError("has a drive letter", name)
    if not name:
        raise RefusedError("has an empty name", name)
    _refuse_long(name, parts)
    return parts


def _refuse_long(name: str, parts: tuple[str, ...]) -> None:
    sizes = [len(part.encode()) for part in parts]
    if max(sizes, default=0) > LONGEST_PART or sum(sizes) + len(sizes) > LONGEST_PATH:
        raise RefusedError(
            f"has a path of over {LONGEST_PART} bytes a part or {LONGEST_PATH}", name
        )
    if len(parts) > DEEPEST:
        raise RefusedError(f"lies over {DEEPEST} folders deep", name)


class Names:
    """The names met so far; two that a disk could take for one another are refused.

    Disks fold case (Windows, macOS) and Unicode forms (macOS), so `A.png` and `a.png` are one name
    here. Folders may come again, files may not, and nothing may be both.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._is_folder: dict[str, bool] = {}

    def add(self, name: str, parts: tuple[str, ...], *, folder: bool) -> None:
        """Take up a member and the folders above it."""
        path = _folded("/".join(parts))
        cut = path.find("/")
        while cut >= 0:
            if not self._is_folder.setdefault(path[:cut], True):
                raise RefusedError("lies in a folder that is also a file", name)
            cut = path.find("/", cut + 1)
        if path in self._is_folder and not (folder and self._is_folder[path]):
            raise RefusedError("comes twice (upper and lower case count as one)", name)
        self._is_folder[path] = folder
        if len(self._is_folder) > self.most:
            raise RefusedError(f"holds over {self.most:,} files and folders")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
