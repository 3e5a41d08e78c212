"""Builds that are killed, that meet, or that run out of disk leave nothing that looks valid."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("cache_rounds.py")


def run(*words: object) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, *map(str, words)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_processes_that_want_the_same_entry_build_it_once(tmp_path: Path) -> None:
    run("together", tmp_path)


def test_a_killed_build_leaves_nothing_that_looks_valid(tmp_path: Path) -> None:
    run("killed", tmp_path, 25)


@pytest.mark.slow
def test_a_thousand_killed_builds(tmp_path: Path) -> None:
    run("killed", tmp_path, 1000)
