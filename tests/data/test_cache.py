"""The cache of pixels: found again by content, never stale, never half, never over its cap."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cache_parts import (
    ROW,
    TINY,
    Source,
    all_of,
    expected,
    get,
    left,
    make_files,
    picture,
    prepare,
    silent,
)

from striate.data.cache import cached
from striate.data.caching import build as building
from striate.data.caching import key
from striate.data.caching.build import ChangedError
from striate.data.caching.entry import Bad
from striate.data.caching.evict import pixel_folder
from striate.data.caching.key import entry_key
from striate.data.caching.shards import SEAL, DamagedError, rows_per_shard, shard_path
from striate.data.dataset import Files
from striate.preprocess import Preprocess


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path, monkeypatch)


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


def test_a_reader_that_is_installed_later_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = make_files(tmp_path / "data")
    before = entry_key(files, TINY)
    record = tmp_path / "site" / "pillow_heif-99.9.dist-info" / "METADATA"
    record.parent.mkdir(parents=True)
    record.write_text("Metadata-Version: 2.1\nName: pillow_heif\nVersion: 99.9\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert entry_key(files, TINY) != before


class Failing(Source):
    """Rows of which some cannot be had just now."""

    def __init__(self, kind: str, bad: tuple[int, ...]) -> None:
        super().__init__(10)
        self.kind, self.failing = kind, bad

    def __call__(self, start: int) -> Iterator[bytes | Bad]:
        for index, row in enumerate(super().__call__(start), start):
            yield Bad(index, self.kind, "") if index in self.failing else row


@pytest.mark.parametrize("kind", ["decoder-stalled", "decoder-crashed", "read-error"])
def test_a_failure_that_has_passed_is_decoded_again(tmp_path: Path, kind: str) -> None:
    files = make_files(tmp_path / "data")
    get(files, Failing(kind, (2, 6))).close()
    still = Failing(kind, (2, 6))
    get(files, still).close()
    assert still.made == [2, 6]  # tried once more, and no other picture
    entry = get(files, Failing(kind, (2,)))  # one of them can be had by now
    assert [bad.index for bad in entry.seal.bad] == [2]
    np.testing.assert_array_equal(all_of(entry)[6], picture(6))
    np.testing.assert_array_equal(all_of(get(files)), expected(10))
    np.testing.assert_array_equal(all_of(entry)[3:], expected(10)[3:])  # open, it stays readable


def test_a_failure_that_is_the_files_own_is_not_tried_again(tmp_path: Path) -> None:
    files = make_files(tmp_path / "data")
    get(files, Failing("truncated", (2,))).close()
    again = Source(10)
    get(files, again)
    assert again.made == []


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


def test_the_arithmetic_of_the_table() -> None:
    for row, per_shard, shards in [(784, 342_392, 3), (3_072, 87_381, 12), (150_528, 1_783, 561)]:
        assert rows_per_shard((row, 1, 1), 256 << 20) == per_shard
        assert -(-1_000_000 // per_shard) == shards
    assert rows_per_shard((1 << 20, 1 << 10, 3), 256 << 20) == 1
    assert shard_path(Path("/c"), 560).name == "00560.pixels"
