"""What a walk finds and leaves out: junk, traps, odd names. The tree itself is never touched."""

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.data.sources.names import HEAD, is_picture, look_alikes
from striate.data.sources.tree import REASONS, walk
from striate.errors import StriateError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


def kinds(root: Path) -> dict[str, str]:
    return {one.path: one.kind for one in walk(root).excluded}


def write(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_junk_hidden_and_other_files_are_named(tmp_path: Path) -> None:
    for name in (
        *("a/1.jpg", "a/Thumbs.db", "a/.DS_Store", "a/._1.jpg", "a/notes.txt", "a/1.xml"),
        *("__MACOSX/a/1.jpg", ".ipynb_checkpoints/1.jpg", "a/@eaDir/1.jpg"),
    ):
        write(tmp_path / name)
    assert walk(tmp_path).pictures == ["a/1.jpg"]
    assert kinds(tmp_path) == {
        "a/Thumbs.db": "junk",
        "__MACOSX/": "junk",
        "a/@eaDir/": "junk",
        "a/.DS_Store": "hidden",
        "a/._1.jpg": "hidden",
        ".ipynb_checkpoints/": "hidden",
        "a/notes.txt": "other-file",
        "a/1.xml": "other-file",
    }
    assert all(one.reason == REASONS[one.kind] for one in walk(tmp_path).excluded)


@pytest.mark.parametrize(
    "head",
    [
        *(b"\xff\xd8\xff\xe0", PNG, b"GIF89a", b"RIFF\0\0\0\0WEBPVP8 ", b"II*\0", b"MM\0*"),
        *(b"BM\x36\0\0\0\0\0\0\0", b"\0\0\0\x18ftypheic"),
    ],
)
def test_a_picture_without_its_ending_is_known_by_its_bytes(tmp_path: Path, head: bytes) -> None:
    write(tmp_path / "a" / "picture", head)
    write(tmp_path / "a" / "picture.jpg_large", head)
    write(tmp_path / "a" / "other", b"text" + head)
    tree = walk(tmp_path)
    assert tree.pictures == ["a/picture", "a/picture.jpg_large"]
    assert kinds(tmp_path) == {"a/other": "other-file"}


@given(st.binary(max_size=HEAD))
def test_any_bytes_can_be_asked(head: bytes) -> None:
    assert is_picture(head) in (True, False)


def test_linked_folders_end_safely(tmp_path: Path) -> None:
    root = tmp_path / "set"
    write(root / "a" / "1.jpg")
    write(tmp_path / "store" / "b" / "2.jpg")
    for name, target in {
        "a/loop": ".",
        "a/up": "..",
        "above": "../..",
        "again": "a",
        "b": "../store/b",
        "b2": "../store/b",
        "slash": "/",
    }.items():
        (root / name).symlink_to(target)
    start = time.monotonic()
    assert walk(root).pictures == ["a/1.jpg", "b/2.jpg"]
    assert time.monotonic() - start < 2
    assert kinds(root) == {
        name: "repeated-folder"
        for name in ("a/loop/", "a/up/", "above/", "again/", "b2/", "slash/")
    }


def test_thousands_of_linked_folders_cost_nothing(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / "store" / str(number)).mkdir(parents=True)
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / str(number)).symlink_to(f"../store/{number}")
    start = time.monotonic()
    assert len(walk(tmp_path / "set").folders) == 2000
    assert time.monotonic() - start < 2


def test_linked_files(tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    write(tmp_path / "store.jpg")
    for name, target in {
        "good.jpg": "../store.jpg",
        "nowhere.jpg": "gone.jpg",
        "self.jpg": "self.jpg",
        "zero.jpg": "/dev/zero",
    }.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "pipe.jpg")
    assert walk(root).pictures == ["good.jpg"]
    assert kinds(root) == {
        "nowhere.jpg": "broken-link",
        "self.jpg": "broken-link",
        "zero.jpg": "not-a-file",
        "pipe.jpg": "not-a-file",
    }


def test_any_name_is_kept(tmp_path: Path) -> None:
    raw = [
        *(b"\xff\xfe.jpg", "e\u0301.jpg".encode(), "\u202egpj.jpg".encode(), "😀.jpg".encode()),
        *(b"new\nline.jpg", b"\x1b[31m.jpg", b"n" * 251 + b".jpg", b"jpg.JPG", b"folder.jpg/1.jpg"),
    ]
    for name in raw:
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        write(path)
    tree = walk(tmp_path)
    assert sorted(raw) == sorted(os.fsencode(name) for name in tree.pictures)
    assert tree.pictures == sorted(tree.pictures)


def test_order_is_that_of_code_points(tmp_path: Path) -> None:
    for name in ("b/1.jpg", "a/10.jpg", "a/2.jpg", "a-b/1.jpg", "Z/1.jpg"):
        write(tmp_path / name)
    assert walk(tmp_path).pictures == ["Z/1.jpg", "a-b/1.jpg", "a/10.jpg", "a/2.jpg", "b/1.jpg"]


def test_a_very_deep_tree_is_walked(tmp_path: Path) -> None:
    """Deeper than a recursion could go, and than a path may be long."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("abc", dir_fd=here)
        below = os.open("abc", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    try:
        assert set(kinds(tmp_path).values()) == {"unreadable-folder"}
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "abc")], check=True)


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Root may read everything; nobody may not."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    yield
    os.seteuid(was)


def test_what_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    tmp_path.chmod(0o755)
    write(tmp_path / "a" / "1.jpg")
    write(tmp_path / "locked" / "2.jpg")
    write(tmp_path / "a" / "odd")
    for name in ("locked", "a/odd"):
        (tmp_path / name).chmod(0)
    monkeypatch.chdir(tmp_path)  # the folders above are root's own
    request.getfixturevalue("unprivileged")
    assert walk(Path()).pictures == ["a/1.jpg"]
    assert kinds(Path()) == {"a/odd": "unreadable-file", "locked/": "unreadable-folder"}


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StriateError, match="the folder cannot be listed: Not a directory"):
        walk(write(tmp_path / "file"))


def test_nothing_is_written(tmp_path: Path) -> None:
    write(tmp_path / "a" / "1.jpg", PNG)
    write(tmp_path / "a" / "picture", PNG)

    def facts() -> list[tuple[str, int, str]]:
        return [
            (
                str(p),
                p.stat().st_mtime_ns,
                hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "",
            )
            for p in sorted(tmp_path.rglob("*"))
        ]

    before = facts()
    walk(tmp_path)
    assert facts() == before


def test_names_that_look_alike() -> None:
    classes = ["cat", "Cat ", "dog", "e\u0301clair", "\u00e9clair", "red_fox", "Red Fox", "redfox2"]
    assert look_alikes(classes) == (
        ("Cat ", "cat"),
        ("Red Fox", "red_fox"),
        ("e\u0301clair", "\u00e9clair"),
    )
