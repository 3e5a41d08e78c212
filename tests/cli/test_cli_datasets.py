import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Striate

KEYS = {"name", "about", "bytes", "licence", "at_hand", "folder"}


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path / "data"))


def test_the_list_as_json(striate_command: Striate) -> None:
    rows = json.loads(striate_command("datasets", "--json").stdout)
    assert all(row.keys() == KEYS for row in rows)
    names = [row["name"] for row in rows]
    assert names[:4] == ["sample", "mnist", "fashion-mnist", "kmnist"]
    assert {"emnist-letters", "cifar10", "cifar100"} <= set(names)
    assert [row["name"] for row in rows if row["at_hand"]] == ["sample"]


def test_files_brought_by_hand_are_at_hand(striate_command: Striate, tmp_path: Path) -> None:
    (tmp_path / "data" / "cifar10").mkdir(parents=True)
    (tmp_path / "data" / "cifar10" / "cifar-10-binary.tar.gz").touch()
    rows = json.loads(striate_command("datasets", "--json").stdout)
    at_hand = {row["name"]: row["folder"] for row in rows if row["folder"]}
    assert at_hand == {"cifar10": str(tmp_path / "data" / "cifar10")}


def test_in_a_pipe_the_list_is_tab_separated(striate_command: Striate) -> None:
    lines = striate_command("datasets").stdout.splitlines()
    assert lines[0].split("\t") == ["name", "what", "MB", "licence", "at hand"]
    assert lines[2].split("\t")[:3:2] == ["mnist", "12"]


def test_an_unknown_name_is_told_the_nearest(striate_command: Striate) -> None:
    done = striate_command("datasets", "get", "mnits")
    assert done.returncode == 2
    assert "Did you mean mnist" in done.stderr


def test_the_sample_is_not_downloaded(striate_command: Striate) -> None:
    done = striate_command("datasets", "get", "sample")
    assert done.returncode == 2
    assert "this one is inside the package" in done.stderr


def test_a_download_is_told_as_json_or_as_a_folder(
    striate_command: Striate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set whose one file is at hand and right needs no network."""
    from striate.data.sources import known

    published = known.File(
        "a.bin", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    entry = known.Known("cifar10", "", "", ("http://127.0.0.1:9/",), (published,))
    monkeypatch.setitem(known.KNOWN, "cifar10", entry)
    out = tmp_path / "[/out]"  # which is no markup
    out.mkdir(parents=True)
    (out / "a.bin").write_bytes(b"abc")
    facts = {"name": "cifar10", "folder": str(out), "files": [str(out / "a.bin")]}
    done = striate_command("datasets", "get", "cifar10", "--out", out, "--json")
    assert json.loads(done.stdout) == facts
    done = striate_command("datasets", "--json", "get", "cifar10", "--out", out)
    assert json.loads(done.stdout) == facts
    done = striate_command("datasets", "get", "cifar10", "--out", out)
    assert done.stdout == f"{out}\n"
    assert f"striate train {out}" in done.stderr


def test_where_a_download_holds_several_sets_its_folder_is_no_hint(
    striate_command: Striate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from striate.data.sources import known

    published = known.File("a.bin", 0, hashlib.sha256(b"").hexdigest())
    mirrors = ("http://127.0.0.1:9/",)
    entry = known.Known("emnist-letters", "", "", mirrors, (published,), folder="emnist")
    monkeypatch.setitem(known.KNOWN, "emnist-letters", entry)
    (tmp_path / "data" / "emnist").mkdir(parents=True)
    (tmp_path / "data" / "emnist" / "a.bin").touch()
    done = striate_command("datasets", "get", "emnist-letters", "--out", tmp_path / "data/emnist")
    assert done.stderr == "Checked.\n"
    (tmp_path / "cache" / "striate" / "datasets").mkdir(parents=True)
    (tmp_path / "data" / "emnist").rename(tmp_path / "cache" / "striate" / "datasets" / "emnist")
    monkeypatch.delenv("STRIATE_DATA")
    done = striate_command("datasets", "get", "emnist-letters")
    assert done.stderr == "Checked. Try next: striate train emnist-letters\n"


def test_the_commands_import_no_torch() -> None:
    for words in (["datasets"], ["datasets", "get", "nosuch"]):
        program = (
            f"import sys; sys.argv[1:] = {words}\n"
            "from striate.cli.main import main\n"
            "try: main()\n"
            "except SystemExit: print('torch' in sys.modules, file=sys.stderr)\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.stderr.endswith("False\n")
