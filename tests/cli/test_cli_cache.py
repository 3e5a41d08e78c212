"""`striate cache`: what is kept, where, and how to be rid of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Striate
from striate.data.cache import cached
from striate.data.caching.entry import Bad, Entry
from striate.data.dataset import Files
from striate.preprocess import Preprocess


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STRIATE_CACHE_GB", raising=False)
    return tmp_path / "home" / "striate" / "pixels"


def fill(tmp_path: Path) -> Entry:
    """Three pictures, one of them without pixels, from a folder whose name is no text."""
    root = tmp_path / "photos-\udcff"
    root.mkdir()
    for name in "abc":
        (root / name).write_text(name)
    rows = [bytes(30), Bad(1, "empty", "no bytes"), bytes(30)]
    tiny = Preprocess((2, 5), 3, (0.5,) * 3, (0.5,) * 3)
    files = Files(root, ("a", "b", "c"))
    return cached(files, tiny, lambda start: iter(rows[start:]), lambda line: None)


def test_an_empty_cache(striate_command: Striate, home: Path) -> None:
    done = striate_command("cache")
    assert done.returncode == 0
    assert done.stdout == "pictures\tsize\tMB\tused\tsource\n"
    assert done.stderr == f"0.0 MB of 50,000 MB in {home}\n"
    assert not home.exists()


def test_an_entry_is_shown_with_its_source(
    striate_command: Striate, home: Path, tmp_path: Path
) -> None:
    fill(tmp_path)
    line = striate_command("cache").stdout.splitlines()[1].split("\t")
    assert line[:2] == ["3", "2x5x3"]
    assert line[4].endswith("photos-\\xff")
    facts = json.loads(striate_command("cache", "--json").stdout)
    (entry,) = facts["entries"]
    assert (facts["path"], facts["limit"]) == (str(home), 50_000_000_000)
    assert facts["bytes"] == entry["bytes"] == sum(p.stat().st_size for p in home.glob("*/*"))
    assert (entry["pictures"], entry["unreadable"]) == (3, 1)
    assert entry["height_width_channels"] == [2, 5, 3]


def test_clear_removes_what_is_not_in_use(
    striate_command: Striate, home: Path, tmp_path: Path
) -> None:
    entry = fill(tmp_path)
    done = striate_command("cache", "clear")
    assert done.stdout == "removed 0.0 MB\n"
    assert "in use, so it stays:" in done.stderr
    assert len(list(home.iterdir())) == 1
    entry.close()
    assert json.loads(striate_command("cache", "--json", "clear").stdout)["in_use"] == []
    assert list(home.iterdir()) == []


def test_what_lies_beside_is_shown_and_stays(striate_command: Striate, home: Path) -> None:
    unpacked = home.parent / "archives" / "ab12" / "ant" / "1.png"
    unpacked.parent.mkdir(parents=True)
    unpacked.write_bytes(bytes(2_000_000))
    done = striate_command("cache")
    assert f"2.0 MB beside it, in {home.parent / 'archives'}" in done.stderr.splitlines()
    assert json.loads(striate_command("cache", "--json").stdout)["beside"] == [
        {"path": str(home.parent / "archives"), "bytes": 2_000_000}
    ]
    striate_command("cache", "clear")
    assert unpacked.exists()


def test_a_part_of_a_build_is_called_unfinished(striate_command: Striate, home: Path) -> None:
    (home / "0123.part").mkdir(parents=True)
    assert striate_command("cache").stdout.splitlines()[1].endswith("\tunfinished")
    striate_command("cache", "clear")
    assert list(home.iterdir()) == []


def test_a_bad_cap_is_told_in_one_line(
    striate_command: Striate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_CACHE_GB", "lots")
    done = striate_command("cache")
    assert done.returncode == 2
    assert done.stderr == (
        "striate: STRIATE_CACHE_GB: got 'lots', expected gigabytes, such as 50 or 0.5\n"
    )


def test_the_command_imports_no_torch() -> None:
    program = (
        "import sys\nfrom striate.cli.main import main\n"
        "try: main(['cache'])\nexcept SystemExit: sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0
