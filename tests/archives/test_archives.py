"""Archives: the good ones come out byte for byte, the hostile ones leave no trace."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import io
import os
import random
import resource
import subprocess
import sys
import tarfile
import textwrap
import time
import zipfile
from pathlib import Path

import hostile_archives as hostile
import pytest

from striate.archives import extract
from striate.errors import StriateError

CASES = hostile.cases()
KINDS = {"tar": "w:", "tar.gz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz", "zip": ""}
Tree = dict[str, bytes | None]  # None is a folder


def snapshot(folder: Path) -> dict[str, str]:
    """Every path under a folder with its kind, mode and content's hash."""
    found = {}
    for path in sorted(folder.rglob("*")):
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = f"{path.lstat().st_mode:o} {content}"
    return found


def files_of(tree: Tree) -> list[str]:
    return [name for name, data in tree.items() if data is not None]


def pack(path: Path, tree: Tree, kind: str, tar_format: int = tarfile.PAX_FORMAT) -> Path:
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in tree.items():
                archive.writestr(name + ("/" if data is None else ""), data or b"")
        return path
    with tarfile.open(path, KINDS[kind], format=tar_format) as tar:
        for name, data in tree.items():
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
            info.size = len(data or b"")
            tar.addfile(info, io.BytesIO(data or b""))
    return path


def unpacked(folder: Path) -> Tree:
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


def with_parents(tree: Tree) -> Tree:
    full = dict(tree)
    for name in tree:
        for parent in Path(name).parents:
            full.setdefault(str(parent), None)
    full.pop(".", None)
    return full


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder full of things that must not change, with the place to unpack into beside them."""
    for name in ("canary", "folder-evil", "in"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "c.txt").write_text(name)
    (tmp_path / "evil.txt").write_text("mine")
    return tmp_path


def test_there_are_at_least_a_hundred_hostile_archives() -> None:
    assert len(CASES) >= 100


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_archive_is_refused_by_name_and_leaves_no_trace(house: Path, case: str) -> None:
    maker, reason = CASES[case]
    archive = house / "in" / "photos.bin"
    archive.write_bytes(maker())
    before = snapshot(house)
    written = write_counter()
    with pytest.raises(StriateError, match=reason) as caught:
        extract(archive, house / "folder")
    assert caught.value.exit_code == 2
    assert caught.value.where == str(archive)
    assert "\n" not in str(caught.value)
    assert snapshot(house) == before
    assert write_counter() - written == 0


def write_counter() -> int:
    """Bytes this thread has written to anything, as the kernel counts them: the runner has more."""
    lines = Path("/proc/thread-self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("wchar")).split()[1])


@pytest.mark.parametrize("case", ["tar: 210,000 members", "zip: 1,000,000 members"])
def test_a_crowd_is_refused_quickly_in_little_memory(tmp_path: Path, case: str) -> None:
    archive = tmp_path / "crowd"
    archive.write_bytes(CASES[case][0]())
    code = f"""
        import resource, sys, time
        from pathlib import Path
        from striate.archives import extract
        from striate.errors import StriateError
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.process_time()
        try:
            extract(Path({str(archive)!r}), Path({str(tmp_path / "out")!r}))
        except StriateError:
            print(time.process_time() - start)
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True, text=True
    )
    seconds, kibibytes = map(float, done.stdout.split())
    assert seconds < 30
    assert kibibytes < 200 * 1024


TREES: dict[str, Tree] = {
    "plain": {"a.txt": b"hello", "b/c.bin": random.Random(0).randbytes(3_000_000)},
    "unicode": {"żółw/猫 🐈.png": b"cat", "Ümläut.txt": b"x", "a b (1).jpg": b"y"},
    "empty": {"nothing.txt": b"", "hollow": None, "a/b/hollow": None},
    "deep": {"/".join(["deep"] * 90) + "/f.txt": b"deep"},
    "long names": {"n" * 255: b"1", "d" * 200 + "/" + "e" * 200 + "/" + "f" * 200: b"2"},
    "odd names": {"...": b"", "~": b"1", "-rf": b"2", "ab:c": b"3", "..x/.hidden": b"4"},
    "nested": {"inner.zip": hostile.zip_bomb(50 << 20), "inner.tar": hostile.path_max()},
    "block edges": {str(size): b"x" * size for size in (511, 512, 513, 1 << 20, (1 << 20) + 1)},
    "hollow archive": {},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tree", TREES)
def test_a_good_archive_comes_out_byte_for_byte(tmp_path: Path, kind: str, tree: str) -> None:
    archive = pack(tmp_path / "archive", TREES[tree], kind)
    out = tmp_path / "out"
    files = extract(archive, out)
    assert unpacked(out) == with_parents(TREES[tree])
    assert files == [out / name for name in files_of(TREES[tree])]
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "out"}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_tar_dialect_is_read(tmp_path: Path, form: int) -> None:
    tree = {"d" * 90 + "/" + "f" * 90: b"long", "short": b"s", "folder": None}
    extract(pack(tmp_path / "archive", tree, "tar", form), tmp_path / "out")
    assert unpacked(tmp_path / "out") == with_parents(tree)


def test_the_system_tar_is_read(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "cats").mkdir(parents=True)
    (source / "cats" / "1.jpg").write_bytes(b"1")
    subprocess.run(["tar", "-C", source, "-czf", tmp_path / "a.tgz", "."], check=True)
    assert extract(tmp_path / "a.tgz", tmp_path / "out") == [tmp_path / "out" / "cats" / "1.jpg"]


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_five_thousand_files(tmp_path: Path, kind: str) -> None:
    rng = random.Random(0)
    tree: Tree = {f"{n % 10}/{n}.jpg": rng.randbytes(rng.randrange(1000)) for n in range(5000)}
    start = time.process_time()
    files = extract(pack(tmp_path / "archive", tree, kind), tmp_path / "out")
    assert time.process_time() - start < 30
    assert len(files) == 5000
    assert unpacked(tmp_path / "out") == with_parents(tree)


def test_streams_one_after_the_other_are_one_archive(tmp_path: Path) -> None:
    """Parallel packers write several gzip, bzip2 or xz streams into one file."""
    whole = hostile.tar(hostile.entry(b"a.bin", random.Random(0).randbytes(1 << 20)))()
    for kind, pack_one in (("gz", gzip.compress), ("bz2", hostile.bz2.compress)):
        parts = [whole[:1000], whole[1000:600_000], whole[600_000:]]
        (tmp_path / kind).write_bytes(b"".join(pack_one(part) for part in parts))
        assert len(extract(tmp_path / kind, tmp_path / f"out-{kind}")) == 1
    streams = hostile.lzma.compress(whole[:1000]) + bytes(8) + hostile.lzma.compress(whole[1000:])
    (tmp_path / "xz").write_bytes(streams)
    (file,) = extract(tmp_path / "xz", tmp_path / "out-xz")
    assert file.read_bytes() == whole[512 : 512 + (1 << 20)]


def test_modes_and_owners_are_not_taken_over(tmp_path: Path) -> None:
    info = tarfile.TarInfo("run.sh")
    info.mode = 0o6777
    (tmp_path / "a.tar").write_bytes(hostile.from_tarfile(info))
    (file,) = extract(tmp_path / "a.tar", tmp_path / "out")
    (tmp_path / "usual").touch()
    assert file.stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"max_bytes": 9_999}, "over 9,999 bytes"),
        ({"max_files": 9}, "over 9 files and folders"),
        ({"max_ratio": 2.0}, "over 2 times the archive's size"),
    ],
)
@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_limits_are_the_callers(
    tmp_path: Path, kind: str, limit: dict[str, float], reason: str
) -> None:
    tree: Tree = {f"{n}.txt": b"0123456789" * 200_000 for n in range(10)}
    archive = pack(tmp_path / "archive", tree, kind)
    with pytest.raises(StriateError, match=reason):
        extract(archive, tmp_path / "out", **({"max_ratio": 1e6} | limit))
    assert not (tmp_path / "out").exists()
    extract(archive, tmp_path / "out", max_bytes=20_000_000, max_files=10, max_ratio=1e6)


def test_an_empty_folder_may_be_there_and_a_full_one_not(tmp_path: Path) -> None:
    archive = pack(tmp_path / "archive", {"a": b"1"}, "zip")
    out = tmp_path / "out"
    out.mkdir()
    extract(archive, out)
    before = snapshot(tmp_path)
    with pytest.raises(StriateError, match="exists already, and nothing is overwritten"):
        extract(archive, out)
    with pytest.raises(StriateError, match="exists already, and nothing is overwritten"):
        extract(archive, archive)
    assert snapshot(tmp_path) == before


def test_the_archive_has_to_be_a_readable_file(tmp_path: Path) -> None:
    with pytest.raises(StriateError, match="there is no such file"):
        extract(tmp_path / "none.zip", tmp_path / "out")
    with pytest.raises(StriateError, match="is a folder"):
        extract(tmp_path, tmp_path / "out")
    with pytest.raises(StriateError, match=r"No such file or directory.*create it first"):
        extract(pack(tmp_path / "a", {"a": b""}, "zip"), tmp_path / "no" / "out")


def test_a_full_disk_leaves_no_trace(tmp_path: Path) -> None:
    archive = pack(tmp_path / "archive", {"a": b"1", "big": bytes(200_000)}, "tar")
    before = snapshot(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StriateError, match=os.strerror(errno.EFBIG)):
            extract(archive, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_archives_are_refused_or_whole(tmp_path: Path, kind: str) -> None:
    """Flip bytes anywhere: either a refusal, or files that sit inside and are readable."""
    rng = random.Random(1)
    tree: Tree = {"a.txt": b"hello" * 100, "b/" + "c" * 120: rng.randbytes(500), "d": None}
    good = pack(tmp_path / "good", tree, kind).read_bytes()
    archive, refused = tmp_path / "bad", 0
    for trial in range(300):
        bad = bytearray(good)
        for _ in range(rng.choice((1, 1, 2, 8))):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        archive.write_bytes(bad[: rng.choice((len(bad), len(bad), rng.randrange(len(bad))))])
        with contextlib.suppress(StriateError):
            extract(archive, tmp_path / f"out{trial}")
        refused += not (tmp_path / f"out{trial}").exists()
    assert refused > 100
    assert {path.name[:3] for path in tmp_path.iterdir()} <= {"goo", "bad", "out"}
