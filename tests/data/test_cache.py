"""The cache of pixels: found again by content, never stale, never half, never over its cap."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from striate.data.cache import cached
from striate.data.caching import build as building
from striate.data.caching import key
from striate.data.caching.build import ChangedError, NoRoomError, part_of
from striate.data.caching.entry import Bad, Entry
from striate.data.caching.evict import entries, lock_of, make_room, pixel_folder, remove, size_limit
from striate.data.caching.key import entry_key
from striate.data.caching.shards import SEAL, DamagedError, rows_per_shard, shard_path
from striate.data.dataset import Files
from striate.errors import ArgumentError
from striate.preprocess import Preprocess

TINY = Preprocess((4, 4), 3, (0.5,) * 3, (0.5,) * 3)
ROW = 4 * 4 * 3
Pixels = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STRIATE_CACHE_GB", raising=False)


@pytest.fixture(autouse=True)
def four_rows_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "SHARD_BYTES", 4 * ROW)


def make_files(root: Path, count: int = 10) -> Files:
    root.mkdir(parents=True, exist_ok=True)
    names = tuple(f"{index:04d}.bin" for index in range(count))
    for index, name in enumerate(names):
        (root / name).write_bytes(bytes([index % 256]) * 20)
    return Files(root, names)


def picture(index: int) -> Pixels:
    return np.random.default_rng(index).integers(0, 256, (4, 4, 3), dtype=np.uint8)


class Source:
    """Rows that count how often they are made; some may be bad, or end in an interruption."""

    def __init__(self, count: int, *, bad: tuple[int, ...] = (), stop: int | None = None) -> None:
        self.count, self.bad, self.stop = count, bad, stop
        self.made: list[int] = []

    def __call__(self, start: int) -> Iterator[bytes | Bad]:
        for index in range(start, self.count):
            if index == self.stop:
                raise KeyboardInterrupt
            self.made.append(index)
            bad = index in self.bad
            yield Bad(index, "truncated", "the end is missing") if bad else picture(index).tobytes()


def silent(line: str) -> None:
    raise AssertionError(line)


def get(files: Files, source: Source | None = None, preprocess: Preprocess = TINY) -> Entry:
    return cached(files, preprocess, source or Source(len(files)), silent)


def all_of(entry: Entry) -> Pixels:
    return entry.read(np.arange(entry.seal.count))


def expected(count: int) -> Pixels:
    return np.stack([picture(index) for index in range(count)])


def left() -> set[str]:
    """The suffixes of what lies in the cache."""
    return {path.suffix for path in pixel_folder().iterdir()}


@pytest.mark.parametrize("count", [1, 3, 4, 5, 10])
def test_what_went_in_comes_out_in_any_order(tmp_path: Path, count: int) -> None:
    entry = get(make_files(tmp_path / "data", count))
    np.testing.assert_array_equal(all_of(entry), expected(count))
    ids = np.random.default_rng(0).integers(0, count, 50)
    np.testing.assert_array_equal(entry.read(ids), expected(count)[ids])
    assert len(list(pixel_folder().glob("*/*.pixels"))) == -(-count // 4)


def test_the_second_time_nothing_is_decoded(tmp_path: Path) -> None:
    files = make_files(tmp_path / "data")
    get(files).close()
    again = Source(len(files))
    np.testing.assert_array_equal(all_of(get(files, again)), expected(10))
    assert again.made == []
    assert left() == {""}  # no part, no lock


def test_a_picture_without_pixels_is_named_and_leaves_zeros(tmp_path: Path) -> None:
    files = make_files(tmp_path / "data")
    get(files, Source(10, bad=(0, 7))).close()
    entry = get(files)
    assert [(bad.index, bad.kind, bad.reason) for bad in entry.seal.bad] == [
        (0, "truncated", "the end is missing"),
        (7, "truncated", "the end is missing"),
    ]
    assert not all_of(entry)[[0, 7]].any()
    np.testing.assert_array_equal(all_of(entry)[1:7], expected(10)[1:7])


# --- never stale -------------------------------------------------------------------------------


def rewrite(path: Path) -> None:
    """Other bytes, as many; and the old modification time, as `cp -p` and `rsync -t` leave it."""
    before = path.stat()
    path.write_bytes(bytes(reversed(range(20))))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_file_of_the_same_size_and_time_is_another_file(tmp_path: Path) -> None:
    files = make_files(tmp_path / "data")
    before = entry_key(files, TINY)
    rewrite(files.path(3))
    assert entry_key(files, TINY) != before


def test_a_file_that_has_just_changed_is_let_come_to_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = make_files(tmp_path / "data", 2)
    newest = max(files.path(index).stat().st_ctime_ns for index in range(2)) / 1e9
    for age, waited in [(0.005, 0.015), (0.5, 0), (-3600, 0)]:  # the last: another machine's clock
        slept: list[float] = []
        clock = SimpleNamespace(time=lambda age=age: newest + age, sleep=slept.append)
        monkeypatch.setattr(key, "time", clock)
        entry_key(files, TINY)
        assert sum(slept) == pytest.approx(waited, abs=1e-4)


def test_where_change_times_are_coarse_the_content_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = make_files(tmp_path / "data")

    def frozen(path: bytes) -> SimpleNamespace:
        """As an image of a disk with one date for all."""
        found = os.stat(path)
        dates = {"st_mtime_ns": 0, "st_ctime_ns": 0}
        return SimpleNamespace(st_size=found.st_size, st_mode=found.st_mode, **dates)

    monkeypatch.setattr(key, "os", SimpleNamespace(**{**vars(os), "stat": frozen}))
    before = entry_key(files, TINY)
    assert entry_key(files, TINY) == before
    files.path(3).write_bytes(bytes(reversed(range(20))))
    assert entry_key(files, TINY) != before


def test_what_decides_the_pixels_is_in_the_key_and_nothing_else(tmp_path: Path) -> None:
    files = make_files(tmp_path / "data")
    own = entry_key(files, TINY)
    assert entry_key(files, Preprocess((4, 4), 3, (0.1,) * 3, (0.2,) * 3)) == own
    others = [
        entry_key(files, Preprocess((4, 5), 3, (0.5,) * 3, (0.5,) * 3)),
        entry_key(files, Preprocess((4, 4), 1, (0.5,), (0.5,))),
        entry_key(files, Preprocess((4, 4), 3, (0.5,) * 3, (0.5,) * 3, interpolation="bicubic")),
        entry_key(Files(files.root, files.names[::-1]), TINY),
        entry_key(Files(files.root, files.names[:-1]), TINY),
        entry_key(make_files(tmp_path / "other"), TINY),
    ]
    files.path(2).unlink()
    others.append(entry_key(files, TINY))
    assert len({own, *others}) == 8


def test_pictures_that_change_while_they_are_read_are_not_kept(tmp_path: Path) -> None:
    files = make_files(tmp_path / "data")

    def rows(start: int) -> Iterator[bytes | Bad]:
        yield from Source(9)(start)
        rewrite(files.path(0))
        yield picture(9).tobytes()

    with pytest.raises(ChangedError, match="changed while they were read"):
        cached(files, TINY, rows, silent)
    assert list(pixel_folder().iterdir()) == []


# --- never half --------------------------------------------------------------------------------


def test_an_interrupted_build_goes_on_behind_its_last_whole_shard(tmp_path: Path) -> None:
    files = make_files(tmp_path / "data")
    with pytest.raises(KeyboardInterrupt):
        get(files, Source(10, bad=(1,), stop=9))
    assert left() == {".part"}
    rest = Source(10, bad=(1,))
    entry = get(files, rest)
    assert rest.made == [8, 9]
    assert [bad.index for bad in entry.seal.bad] == [1]
    np.testing.assert_array_equal(all_of(entry)[2:], expected(10)[2:])


def test_a_part_with_other_shards_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = make_files(tmp_path / "data")
    with pytest.raises(KeyboardInterrupt):
        get(files, Source(10, stop=9))
    monkeypatch.setattr(building, "SHARD_BYTES", 3 * ROW)
    np.testing.assert_array_equal(all_of(get(files)), expected(10))


@pytest.mark.parametrize("file", ["00000.pixels", "00002.pixels", "checks", SEAL])
@pytest.mark.parametrize("harm", ["cut", "grown", "gone", "flip"])
def test_every_harm_is_seen_before_a_pixel_is_used(tmp_path: Path, file: str, harm: str) -> None:
    files = make_files(tmp_path / "data")
    get(files).close()
    path = pixel_folder() / entry_key(files, TINY) / file
    raw = bytearray(path.read_bytes())
    if harm == "flip":
        raw[len(raw) // 2] ^= 1
    path.write_bytes(raw[:-1] if harm == "cut" else raw + b"!" if harm == "grown" else raw)
    if harm == "gone":
        path.unlink()
    again = Source(10)
    if harm == "flip" and path.suffix == ".pixels":  # found when the row is read, not before
        entry = get(files, again)
        with pytest.raises(DamagedError, match=r"picture \d+ fails its CRC.*start again"):
            all_of(entry)
        entry.close()
    entry = get(files, again)
    np.testing.assert_array_equal(all_of(entry), expected(10))
    assert len(again.made) == 10


def test_rows_that_are_not_what_was_promised_are_refused(tmp_path: Path) -> None:
    files = make_files(tmp_path / "data")
    with pytest.raises(ValueError, match="1 rows came where 2 were promised"):
        get(files, Source(9))
    with pytest.raises(ValueError, match=r"a row has 16 bytes, not \(4, 4, 3\)"):
        cached(make_files(tmp_path / "b"), TINY, lambda start: iter([bytes(16)]), silent)


# --- never over its cap ------------------------------------------------------------------------


def test_what_was_used_longest_ago_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = [make_files(tmp_path / name) for name in "abcd"]
    for age, files in enumerate(sets[:3]):
        get(files).close()
        seal = pixel_folder() / entry_key(files, TINY) / SEAL
        os.utime(seal, (1000 + age, 1000 + age))
    get(sets[0]).close()  # used again: now the youngest
    total = sum(item.size for item in entries(pixel_folder()))
    monkeypatch.setenv("STRIATE_CACHE_GB", str(total / 1e9))
    get(sets[3]).close()
    kept = {item.folder.name for item in entries(pixel_folder())}
    assert kept == {entry_key(files, TINY) for files in (sets[0], sets[2], sets[3])}


def test_what_is_in_use_stays_and_the_new_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = get(make_files(tmp_path / "a"))
    monkeypatch.setenv("STRIATE_CACHE_GB", "1e-6")
    with pytest.raises(NoRoomError, match=r"no such room.*Free some space"):
        get(make_files(tmp_path / "b"))
    np.testing.assert_array_equal(all_of(entry), expected(10))
    entry.close()
    np.testing.assert_array_equal(all_of(get(make_files(tmp_path / "b"))), expected(10))
    assert len(entries(pixel_folder())) == 1


def test_more_than_the_cap_evicts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    get(make_files(tmp_path / "a")).close()
    monkeypatch.setenv("STRIATE_CACHE_GB", "1e-7")
    with pytest.raises(NoRoomError, match=r"more than the cache may hold.*STRIATE_CACHE_GB"):
        get(make_files(tmp_path / "b"))
    assert len(entries(pixel_folder())) == 1


def test_a_write_that_fails_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = make_files(tmp_path / "data", 200)
    monkeypatch.setattr(building, "SHARD_BYTES", 150 * ROW)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))  # write() fails as on a full disk
    try:
        with pytest.raises(NoRoomError, match="cannot write: File too large"):
            get(files)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(pixel_folder().iterdir()) == []
    np.testing.assert_array_equal(all_of(get(files)), expected(200))


def test_a_disk_that_is_too_full_is_told_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1 << 40, 1 << 40, 0)
    )
    with pytest.raises(NoRoomError, match=r"no such room"):
        make_room(pixel_folder(), 1, keep=pixel_folder() / "key")
    monkeypatch.undo()


def test_an_unfinished_part_that_is_not_being_built_can_go(tmp_path: Path) -> None:
    files = make_files(tmp_path / "data")
    with pytest.raises(KeyboardInterrupt):
        get(files, Source(10, stop=9))
    (listed,) = entries(pixel_folder())
    assert listed.seal is None
    folder = pixel_folder() / entry_key(files, TINY)
    assert listed.folder == part_of(folder)
    assert remove(listed.folder)
    assert list(pixel_folder().iterdir()) == []
    assert not lock_of(folder).exists()


@pytest.mark.parametrize("text", ["-1", "many", "nan", "inf"])
def test_a_bad_cap_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE_GB", text)
    with pytest.raises(ArgumentError, match=f"STRIATE_CACHE_GB: got '{text}'"):
        size_limit()


def test_a_cap_of_nothing_turns_the_cache_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_CACHE_GB", "0")
    with pytest.raises(NoRoomError, match="turned off"):
        get(make_files(tmp_path / "data"))
    assert not pixel_folder().exists()


def test_a_folder_that_cannot_be_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(NoRoomError, match="cannot write: Not a directory"):
        get(make_files(tmp_path / "data"))


def test_the_arithmetic_of_the_table() -> None:
    for row, per_shard, shards in [(784, 342_392, 3), (3_072, 87_381, 12), (150_528, 1_783, 561)]:
        assert rows_per_shard((row, 1, 1), 256 << 20) == per_shard
        assert -(-1_000_000 // per_shard) == shards
    assert rows_per_shard((1 << 20, 1 << 10, 3), 256 << 20) == 1
    assert shard_path(Path("/c"), 560).name == "00560.pixels"
