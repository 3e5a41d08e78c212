"""What lies under a folder: pictures, folders, and what is neither, each with its reason.

Nothing is written, no picture is decoded. A folder behind a symbolic link is followed, unless it
lies in the tree already, above it, or behind another link: so every folder is listed once, and a
loop ends. A link to a file counts as the file it leads to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from striate.data.dataset import Excluded
from striate.data.sources.names import HEAD, JUNK, OTHERS, PICTURES, is_picture
from striate.errors import WRONG_INPUT, StriateError

# Every kind of `Excluded` that a walk makes, and what it says of the file.
REASONS = {
    "hidden": "its name begins with a dot",
    "junk": "systems and tools leave it behind; it is no data",
    "other-file": "not a picture, by its name and its first bytes",
    "not-a-file": "a pipe, socket or device, not a file",
    "broken-link": "a link that leads nowhere, or in circles",
    "repeated-folder": "a link to a folder that is counted elsewhere, or that holds this one",
    "unreadable-folder": "the folder cannot be listed",
    "unreadable-file": "the file cannot be opened",
}

_BROKEN = ("broken-link", "unreadable-folder", "unreadable-file")


@dataclass(slots=True)
class Tree:
    """Names inside `root`, with `/` between folders, in code-point order once walked."""

    root: Path
    pictures: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)

    def exclude(self, name: str, kind: str) -> None:
        """Leave a file or folder out, by a kind of `REASONS`."""
        self.excluded.append(Excluded(name, kind, REASONS[kind]))


def walk(root: Path) -> Tree:
    """List everything under `root`.

    Code-point order is Python's order of the whole name, so `a-b/1` comes before `a/1`, and
    `10` before `2`; it depends on no locale and no file system.
    """
    tree, seen = Tree(root), _Seen(root)
    try:
        with os.scandir(root):
            pass
    except OSError as error:
        raise StriateError(
            f"the folder cannot be listed: {error.strerror}",
            where=str(root),
            remedy="Check the path and that you may read it",
            exit_code=WRONG_INPUT,
        ) from error
    pending = [""]
    while pending:
        # Appended while the list is worked off: no recursion, however deep the tree.
        pending.extend(_list(tree, seen, pending.pop()))
    tree.pictures.sort()
    tree.folders.sort()
    tree.excluded.sort(key=lambda excluded: excluded.path)
    return tree


def pictures_under(root: Path) -> Iterator[str]:
    """The names that `walk` would list, folder by folder, without keeping them.

    Files and folders that cannot be opened are among them: whoever reads them learns why.
    """
    tree, seen = Tree(root), _Seen(root)
    pending = [""]
    while pending:
        pending.extend(_list(tree, seen, pending.pop()))
        broken = [one.path for one in tree.excluded if one.kind in _BROKEN]
        yield from sorted([*tree.pictures, *broken])
        for kept in (tree.pictures, tree.folders, tree.excluded):
            kept.clear()


class _Seen:
    """Which folders have been reached from outside, so that each is listed once."""

    def __init__(self, root: Path) -> None:
        self._tops: set[str] = set()
        self._above: set[str] = set()
        self._take(os.path.realpath(root))

    def repeats(self, path: str) -> bool:
        """Whether a linked folder lies in, above or behind what is listed; takes it up if not."""
        real = os.path.realpath(path)
        if real in self._above or not self._tops.isdisjoint((real, *_parents(real))):
            return True
        self._take(real)
        return False

    def _take(self, real: str) -> None:
        self._tops.add(real)
        self._above.update(_parents(real))


def _parents(path: str) -> Iterator[str]:
    """The folders above an absolute path, up to the root."""
    while (above := os.path.dirname(path)) != path:
        yield above
        path = above


def _list(tree: Tree, seen: _Seen, folder: str) -> list[str]:
    """Sort the entries of one folder into the tree; gives the folders to list next, in order."""
    prefix = f"{folder}/" if folder else ""
    inner = []
    try:
        with os.scandir(tree.root / folder) as entries:
            # In order, so that of two links to one folder always the same one counts.
            for entry in sorted(entries, key=lambda entry: entry.name):
                if _sort_in(tree, seen, entry, prefix + entry.name):
                    inner.append(prefix + entry.name)
    except OSError:
        tree.exclude(folder + "/", "unreadable-folder")
    tree.folders.extend(inner)
    inner.reverse()  # the last of `pending` is the next one
    return inner


def _sort_in(tree: Tree, seen: _Seen, entry: os.DirEntry[str], name: str) -> bool:
    """Put a file where it belongs; True for a folder that is to be listed."""
    try:
        is_folder, is_file = entry.is_dir(), entry.is_file()
        if not is_folder and not is_file and entry.is_symlink() and not os.path.exists(entry.path):
            tree.exclude(name, "broken-link")
            return False
    except OSError:  # a link in circles
        tree.exclude(name, "broken-link")
        return False
    slash = "/" if is_folder else ""
    if entry.name.lower() in JUNK:
        tree.exclude(name + slash, "junk")
    elif entry.name.startswith("."):
        tree.exclude(name + slash, "hidden")
    elif is_folder:
        if not entry.is_symlink() or not seen.repeats(entry.path):
            return True
        tree.exclude(name + slash, "repeated-folder")
    elif not is_file:
        tree.exclude(name, "not-a-file")
    else:
        _sort_in_file(tree, entry, name)
    return False


def _sort_in_file(tree: Tree, entry: os.DirEntry[str], name: str) -> None:
    suffix = os.path.splitext(entry.name)[1].lower()
    if suffix in PICTURES:
        tree.pictures.append(name)
        return
    if suffix in OTHERS:
        tree.exclude(name, "other-file")
        return
    try:
        with open(entry.path, "rb") as file:
            head = file.read(HEAD)
    except OSError:
        tree.exclude(name, "unreadable-file")
        return
    if is_picture(head):
        tree.pictures.append(name)
    else:
        tree.exclude(name, "other-file")
