"""Locks that the kernel drops with their holder."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from striate.locks import exclusive, held_alone, hold_shared


def test_who_only_asks_does_not_keep_a_start_from_its_lock(tmp_path: Path) -> None:
    """A list of runs asks in the very moment in which a run begins."""
    path = tmp_path / "lock"
    with exclusive(path) as first:
        assert first
        assert held_alone(path)
        waited = time.monotonic()
        with exclusive(path) as second:
            assert not second
        assert time.monotonic() - waited < 1
    assert not held_alone(path)
    assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there those who ask do see each other")
def test_two_that_ask_at_once_do_not_see_each_other(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_bytes(b"")  # left behind by a process that was killed
    with path.open("rb") as asking:
        assert hold_shared(asking.fileno())  # in the very moment in which another asks
        assert not held_alone(path)


def test_a_lock_let_go_within_a_moment_is_had(tmp_path: Path) -> None:
    path, inside, had = tmp_path / "lock", threading.Event(), []

    def hold() -> None:
        with exclusive(path):
            inside.set()
            time.sleep(0.08)

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait()
    with exclusive(path) as mine:
        had.append(mine)
    holder.join()
    assert had == [True]


def test_below_a_file_nothing_is_held(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert not held_alone(tmp_path / "file" / "lock")
