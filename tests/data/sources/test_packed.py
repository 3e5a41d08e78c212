"""Archives are unpacked into the cache, once, whole, and never beside the user's file."""

import io
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from striate.data import Dataset, Files, load_source
from striate.data.sources.packed import is_archive, stem
from striate.errors import StriateError

NAMES = ("flowers/rose/1.jpg", "flowers/daisy/2.jpg", "flowers/readme.txt")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "striate" / "archives"


def pack(path: Path, contents: dict[str, bytes]) -> Path:
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        return path
    mode = {".tar": "w", ".tgz": "w:gz", ".gz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}
    with tarfile.open(path, mode[path.suffix]) as tar:  # type: ignore[call-overload]
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def names(data: Dataset) -> tuple[str, ...]:
    assert isinstance(data.pictures, Files)
    return data.pictures.names


@pytest.mark.parametrize("ending", ["zip", "tar", "tgz", "tar.gz", "tar.bz2", "tar.xz"])
def test_every_kind_of_archive_is_read(tmp_path: Path, cache: Path, ending: str) -> None:
    path = pack(tmp_path / "user" / f"my.photos.{ending}", dict.fromkeys(NAMES, b"x"))
    data = load_source(path)
    assert data.classes == ("daisy", "rose")
    assert data.name == "my.photos"
    assert data.provenance.source == str(path)
    assert data.provenance.layout == "archive of class folders"
    assert [one.path for one in data.excluded] == ["flowers/readme.txt"]
    assert isinstance(data.pictures, Files)
    assert data.pictures.path(0).read_bytes() == b"x"
    assert data.pictures.root.is_relative_to(cache)
    assert list((tmp_path / "user").iterdir()) == [path]


def test_an_archive_is_unpacked_once_and_a_changed_one_anew(tmp_path: Path, cache: Path) -> None:
    path = pack(tmp_path / "user" / "a.zip", dict.fromkeys(NAMES, b"x"))
    first = load_source(path)
    assert isinstance(first.pictures, Files)
    before = first.pictures.path(0).stat().st_mtime_ns
    again = load_source(path)
    assert isinstance(again.pictures, Files)
    assert again.pictures.path(0).stat().st_mtime_ns == before
    pack(path, {"cat/1.jpg": b"y", "dog/2.jpg": b"y"})
    assert load_source(path).classes == ("cat", "dog")
    assert len(list(cache.iterdir())) == 2


def test_an_archive_alone_in_a_folder_is_found(tmp_path: Path) -> None:
    pack(tmp_path / "user" / "a.zip", dict.fromkeys(NAMES, b"x"))
    assert load_source(tmp_path / "user").classes == ("daisy", "rose")


def test_a_hostile_archive_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    path = pack(tmp_path / "user" / "a.tar", {"a/1.jpg": b"x", "../../out.jpg": b"x"})
    with pytest.raises(StriateError, match="leads out of the folder"):
        load_source(path)
    assert list(cache.iterdir()) == []
    assert not list(tmp_path.rglob("out.jpg"))


def test_a_manifest_in_an_archive_may_not_name_files_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.touch()
    text = f"file_name,label\n{secret},x\n".encode()
    path = pack(tmp_path / "user" / "a.zip", {"metadata.csv": text, "1.jpg": b""})
    with pytest.raises(StriateError, match="has an absolute path, and came in an archive"):
        load_source(path)


def test_an_archive_in_an_archive_stays_a_file(tmp_path: Path) -> None:
    inner = pack(tmp_path / "user" / "inner.zip", {"1.jpg": b""}).read_bytes()
    path = pack(tmp_path / "user" / "outer.zip", {"inner.zip": inner})
    with pytest.raises(StriateError, match=r"holds no pictures \(left out: 1 other-file\)"):
        load_source(path)


def test_a_killed_unpacking_leaves_nothing_that_looks_whole(tmp_path: Path, cache: Path) -> None:
    """The process is killed by the kernel in the middle of writing the files."""
    path = pack(tmp_path / "user" / "a.tar", {f"a/{k}.jpg": bytes([k]) * 99 for k in range(50)})
    program = (
        "import os, signal, sys, pathlib\n"
        "from striate.data import load_source\n"
        "load_source('sample')\n"
        "room = sys.modules['striate.archives.extract']\n"
        "write, count = room._write, [0]\n"
        "def killing(*arguments):\n"
        "    count[0] += 1\n"
        "    if count[0] == 25: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return write(*arguments)\n"
        "room._write = killing\n"
        "load_source(sys.argv[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True)
    assert done.returncode == -9, done.stderr
    assert all(entry.name.startswith(".striate-") for entry in cache.iterdir())
    assert len(load_source(path)) == 50


def test_many_at_once_agree(tmp_path: Path, cache: Path) -> None:
    path = pack(tmp_path / "user" / "a.tar", {f"a/{k}.jpg": bytes([k]) * 99 for k in range(50)})
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(len(load_source(path)))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [50] * 8
    assert len(list(cache.iterdir())) == 1


def test_names_of_archives(tmp_path: Path) -> None:
    (tmp_path / "a.ZIP").touch()
    assert is_archive(tmp_path / "a.ZIP")
    assert not is_archive(tmp_path / "none.zip")
    assert not is_archive(tmp_path)
    assert [stem(Path(name)) for name in ("a.b.tar.gz", "x.ZIP", ".zip")] == ["a.b", "x", ".zip"]
