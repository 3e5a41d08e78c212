"""The ten kinds that are a matter of a file's name or nature, not of its content."""

import contextlib
import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from picture_table import Decode, Rng, Skip, jpeg, picture
from PIL import Image

from striate.data.pixels import raw_of
from striate.preprocess import Preprocess

NOBODY = 65_534
Case = tuple[Path, Decode | Skip]


def let_in(folder: Path) -> None:
    """Give the folder to nobody; root's own temporary folders are closed to others."""
    for parent in (folder, *folder.parents):
        if parent.name.startswith(("pytest-", "popen-")):  # the second are those of pytest-xdist
            parent.chmod(0o755)
    os.chown(folder, NOBODY, NOBODY)


@contextlib.contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """Root may read what nobody may, so root steps down for the while."""
    root = os.geteuid() == 0
    if root:
        Image.init()  # nobody may not even read root's Python
        let_in(folder)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def raw_unprivileged(path: Path, preprocess: Preprocess) -> bytes:
    """The task of a worker that has stepped down."""
    if os.geteuid() == 0:
        Image.init()  # while the plugins may be read
        os.seteuid(NOBODY)
    return raw_of(path, preprocess)


def good(path: Path, rng: Rng, odd: str = "") -> Case:
    pixels = picture(rng)
    path.write_bytes(jpeg(pixels))
    return path, Decode(pixels, within=8, odd=odd)


def names(folder: Path, rng: Rng, *words: str, odd: str = "") -> list[Case]:
    return [good(folder / word, rng, odd) for word in words]


def links(folder: Path, rng: Rng) -> list[Case]:
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "dangling.jpg").symlink_to("nothing.jpg")
    outside = folder.parent / f"{folder.name}-outside.jpg"
    (folder / "escape.jpg").symlink_to(outside)
    (folder / "zero.jpg").symlink_to("/dev/zero")
    _, want = good(folder / "target.jpg", rng)
    (folder / "target.jpg").rename(outside)
    # Whether a link may lead out of the folder is for the source to say that lists the folder.
    return [
        (folder / "loop.jpg", Skip("broken-link")),
        (folder / "dangling.jpg", Skip("broken-link")),
        (folder / "escape.jpg", want),
        (folder / "zero.jpg", Skip("not-a-file")),
    ]


def pipe(folder: Path, rng: Rng) -> list[Case]:
    os.mkfifo(folder / "pipe.jpg")
    (folder / "folder.jpg").mkdir()
    return [(folder / "pipe.jpg", Skip("not-a-file")), (folder / "folder.jpg", Skip("folder"))]


def unreadable(folder: Path, rng: Rng) -> list[Case]:
    path, _ = good(folder / "secret.jpg", rng)
    path.chmod(0)
    return [(path, Skip("no-permission"))]


def vanished(folder: Path, rng: Rng) -> list[Case]:
    path, _ = good(folder / "gone.jpg", rng)
    path.unlink()
    return [
        (path, Skip("missing")),
        (folder / "no folder" / "a.jpg", Skip("missing")),
        (folder / ("x" * 4_096), Skip("read-error")),
    ]


NAMES: dict[str, Callable[[Path, Rng], list[Case]]] = {
    "wrong extension": lambda folder, rng: names(folder, rng, "a.png", odd="wrong-extension"),
    "no extension": lambda folder, rng: names(folder, rng, "a", odd="no-extension"),
    "255 bytes": lambda folder, rng: names(folder, rng, "n" * 251 + ".jpg"),
    "nfd, emoji, right to left": lambda folder, rng: names(
        folder, rng, unicodedata.normalize("NFD", "é.jpg"), "🐜.jpg", "\u202eנמלה.jpg"
    ),
    "not utf-8": lambda folder, rng: names(folder, rng, os.fsdecode(b"\xff\xfe.jpg")),
    "newline and escape codes": lambda folder, rng: names(folder, rng, "a\nb.jpg", "\x1b[31m.jpg"),
    "links": links,
    "pipe, folder": pipe,
    "unreadable": unreadable,
    "vanished": vanished,
}
