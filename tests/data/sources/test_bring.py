"""Published sets on this disk: found, checked, fetched from a server on loopback."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from striate.data.sources.bring import at_hand, folders, get, require
from striate.data.sources.known import KNOWN, File, Known
from striate.errors import StriateError

CONTENT = {"a.bin": b"abc", "b.bin": b"second"}


def published(mirror: str) -> Known:
    files = tuple(
        File(name, len(content), hashlib.sha256(content).hexdigest())
        for name, content in CONTENT.items()
    )
    return Known("made", "two files", "none", (mirror,), files)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("STRIATE_DATA", raising=False)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        """Silent."""


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    served = tmp_path / "served"
    served.mkdir()
    for name, content in CONTENT.items():
        (served / name).write_bytes(content)
    handler = partial(Quiet, directory=str(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", served
        server.shutdown()
        thread.join()


def silent(name: str):  # type: ignore[no-untyped-def]
    return lambda done, total: None


def test_a_set_is_fetched_into_the_cache_and_found_there(mirror: tuple[str, Path]) -> None:
    entry = published(mirror[0])
    assert at_hand(entry) is None
    folder, files = get(entry, progress=silent)
    assert [file.read_bytes() for file in files] == list(CONTENT.values())
    assert at_hand(entry) == folder == folders(entry)[-1]
    assert require(entry) == folder


def test_what_is_there_and_right_is_kept(mirror: tuple[str, Path], tmp_path: Path) -> None:
    url, served = mirror
    out = tmp_path / "out"
    get(published(url), out, progress=silent)
    for file in served.iterdir():
        file.unlink()
    assert get(published(url), out, progress=silent)[0] == out


def test_a_damaged_file_in_the_cache_is_replaced_and_the_user_s_own_is_not(
    mirror: tuple[str, Path], tmp_path: Path
) -> None:
    entry = published(mirror[0])
    folder, _ = get(entry, progress=silent)
    (folder / "a.bin").write_bytes(b"abd")
    with pytest.raises(StriateError, match=r"a\.bin: is not the published file a\.bin of made"):
        require(entry)
    get(entry, progress=silent)
    assert (folder / "a.bin").read_bytes() == b"abc"
    own = tmp_path / "own"
    own.mkdir()
    (own / "a.bin").write_bytes(b"mine")
    with pytest.raises(StriateError, match="is there already, and is not the published file"):
        get(entry, own, progress=silent)
    assert (own / "a.bin").read_bytes() == b"mine"


def test_without_a_mirror_it_is_said_which_files_to_put_where(tmp_path: Path) -> None:
    entry = published("http://127.0.0.1:9/")
    with pytest.raises(StriateError, match=r"a\.bin: cannot be downloaded") as caught:
        get(entry, tmp_path / "out", progress=silent)
    assert f"bring a.bin, b.bin yourself and put it in {tmp_path / 'out'}" in caught.value.remedy


def test_an_unwritable_place_is_told(mirror: tuple[str, Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StriateError, match="cannot write"):
        get(published(mirror[0]), tmp_path / "file", progress=silent)


def test_copies_brought_by_hand_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path))
    assert folders(KNOWN["emnist-letters"])[0] == tmp_path / "emnist"
    assert folders(KNOWN["mnist"])[0] == tmp_path / "mnist"


def test_the_table_is_sound() -> None:
    for entry in KNOWN.values():
        assert entry.licence
        assert bool(entry.files) == bool(entry.mirrors) == (entry.name != "sample")
        assert all(mirror.startswith("http") and mirror.endswith("/") for mirror in entry.mirrors)
        assert all(len(file.sha256) == 64 and file.size > 1000 for file in entry.files)
    digests = {file.sha256 for entry in KNOWN.values() for file in entry.files}
    assert len(digests) == 3 * 4 + 1 + 2
    sizes = {name: len(entry.classes) for name, entry in KNOWN.items() if "emnist" in name}
    assert sizes == {
        "emnist-balanced": 47,
        "emnist-byclass": 62,
        "emnist-bymerge": 47,
        "emnist-digits": 10,
        "emnist-letters": 26,
        "emnist-mnist": 10,
    }
