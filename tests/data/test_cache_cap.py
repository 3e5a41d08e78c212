"""The cache's cap: what goes first, what stays, and what is told when there is no room."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
from cache_parts import (
    ROW,
    TINY,
    Source,
    all_of,
    expected,
    get,
    make_files,
    prepare,
)

from striate.data.caching import build as building
from striate.data.caching.build import NoRoomError, part_of
from striate.data.caching.evict import entries, lock_of, make_room, pixel_folder, remove, size_limit
from striate.data.caching.key import entry_key
from striate.data.caching.shards import SEAL
from striate.errors import ArgumentError
from striate.locks import exclusive


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path, monkeypatch)


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


def test_nothing_is_evicted_for_what_the_disk_cannot_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get(make_files(tmp_path / "a")).close()
    size = sum(item.size for item in entries(pixel_folder()))
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1 << 40, 1 << 40, 1 << 30)
    )
    with pytest.raises(NoRoomError, match="no such room"):
        make_room(pixel_folder(), size + 1, keep=pixel_folder() / "key")
    assert len(entries(pixel_folder())) == 1
    make_room(pixel_folder(), size, keep=pixel_folder() / "key")
    assert entries(pixel_folder()) == []
    monkeypatch.undo()


def test_a_lock_that_cannot_be_deleted_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Windows refuses it while the file is open."""

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(path)

    path = tmp_path / "key.lock"
    with monkeypatch.context() as patch, exclusive(path) as alone:
        assert alone
        patch.setattr(Path, "unlink", refuse)
        with exclusive(path) as both:
            assert not both
    with exclusive(path) as alone:
        assert alone
    assert not path.exists()


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
