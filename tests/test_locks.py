"""Locks that the kernel drops with their holder."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from striate.locks import exclusive, held_alone


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
