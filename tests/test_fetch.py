"""Downloads from real servers on loopback: whole and right, or absent with a line that says why."""

import fcntl
import hashlib
import http.server
import threading
from collections.abc import Iterator
from io import BufferedRandom
from pathlib import Path

import pytest

from striate.errors import StriateError
from striate.fetch import fetch, sha256_of, show_progress

CONTENT = bytes(range(256)) * 10_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PART = f".file.bin.{SHA256[:16]}.part"
ASKED: list[str] = []  # the ranges that the mirrors were asked for


class Mirror(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ASKED.append(self.headers.get("Range", ""))
        if self.path == "/missing":
            self.send_error(404)
            return
        body = {
            "/good": CONTENT,
            "/ranges": CONTENT,
            "/other": CONTENT[::-1],
            "/long": CONTENT + b"more",
            "/cut": CONTENT[:1000],
            "/othercut": CONTENT[::-1][:1000],
        }[self.path]
        start = int(self.headers["Range"][6:-1]) if "Range" in self.headers else 0
        partial = self.path == "/ranges" and start
        self.send_response(206 if partial else 200)
        if self.path.endswith("cut"):  # promises more than it sends, as a lost connection does
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(body[start:] if partial else body)

    def log_message(self, *words: object) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as mirror:
        thread = threading.Thread(target=mirror.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{mirror.server_port}"
        mirror.shutdown()
        thread.join()


def get(urls: list[str], path: Path, seen: list[int] | None = None) -> Path:
    def report(done: int, total: int) -> None:
        assert total == len(CONTENT)
        if seen is not None:
            seen.append(done)

    return fetch(urls, path, sha256=SHA256, size=len(CONTENT), report=report)


def test_a_file_arrives_whole_and_reported(server: str, tmp_path: Path) -> None:
    seen: list[int] = []
    path = get([f"{server}/good"], tmp_path / "new" / "file.bin", seen)
    assert path.read_bytes() == CONTENT
    assert sha256_of(path) == SHA256
    assert seen == sorted(seen)
    assert seen[-1] == len(CONTENT)


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("missing", "Not Found"),
        ("other", "serves another file"),
        ("long", "serves more than the file's 2,560,000 bytes"),
    ],
)
def test_a_bad_mirror_is_named_and_leaves_nothing(
    server: str, tmp_path: Path, page: str, why: str
) -> None:
    with pytest.raises(StriateError, match=why) as caught:
        get([f"{server}/{page}"], tmp_path / "file.bin")
    assert str(tmp_path / "file.bin") in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("page", ["ranges", "good"])  # "good" begins again at the beginning
def test_a_cut_transfer_goes_on_where_it_stopped(server: str, tmp_path: Path, page: str) -> None:
    path = tmp_path / "file.bin"
    with pytest.raises(StriateError, match="stops after 1,000 of 2,560,000 bytes"):
        get([f"{server}/cut"], path)
    assert [file.name for file in tmp_path.iterdir()] == [PART]
    ASKED.clear()
    assert get([f"{server}/{page}"], path).read_bytes() == CONTENT
    assert ASKED == ["bytes=1000-"]
    assert [file.name for file in tmp_path.iterdir()] == ["file.bin"]


def test_another_mirror_goes_on(server: str, tmp_path: Path) -> None:
    urls = [f"{server}/cut", f"{server}/missing", f"{server}/ranges"]
    ASKED.clear()
    assert get(urls, tmp_path / "file.bin").read_bytes() == CONTENT
    assert ASKED == ["", "bytes=1000-", "bytes=1000-"]


@pytest.mark.parametrize("part", [CONTENT[::-1][:500], CONTENT[::-1], CONTENT + b"more"])
def test_a_part_of_another_file_is_dropped(server: str, tmp_path: Path, part: bytes) -> None:
    (tmp_path / PART).write_bytes(part)
    assert get([f"{server}/ranges"], tmp_path / "file.bin").read_bytes() == CONTENT
    assert [file.name for file in tmp_path.iterdir()] == ["file.bin"]


def test_a_whole_part_needs_no_mirror(tmp_path: Path) -> None:
    (tmp_path / PART).write_bytes(CONTENT)
    assert get(["http://127.0.0.1:9/refused"], tmp_path / "file.bin").read_bytes() == CONTENT


def test_two_processes_do_not_write_one_part(server: str, tmp_path: Path) -> None:
    with (tmp_path / PART).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StriateError, match="another process is downloading it"):
            get([f"{server}/good"], tmp_path / "file.bin")


def test_a_part_gets_its_name_under_its_lock(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def watched(path: Path, target: Path) -> Path:
        if path.name == PART:
            with path.open("rb") as other, pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", watched)
    assert get([f"{server}/good"], tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_part_that_another_process_has_finished_is_left_alone(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had opened the part while the other one held it, and got the lock when that was done."""
    flock = fcntl.flock

    def late(file: BufferedRandom, how: int) -> None:
        (tmp_path / PART).rename(tmp_path / "finished")
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(StriateError, match=r"another process has just .* Start again"):
        get([f"{server}/good"], tmp_path / "file.bin")
    assert [path.name for path in tmp_path.iterdir()] == ["finished"]
    assert (tmp_path / "finished").read_bytes() == b""


def test_the_next_mirror_is_asked(server: str, tmp_path: Path) -> None:
    urls = [f"{server}/missing", "http://127.0.0.1:9/refused", f"{server}/other", f"{server}/good"]
    assert get(urls, tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_failing_disk_is_not_blamed_on_the_mirror(server: str, tmp_path: Path) -> None:
    (tmp_path / "file.bin").mkdir()
    with pytest.raises(StriateError, match="cannot write"):
        get([f"{server}/good"], tmp_path / "file.bin")


def test_progress_in_a_pipe_is_a_line_per_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    report = show_progress("net.pth")
    for done in range(0, 101):
        report(done, 100)
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 11
    assert err.startswith("net.pth: 0 %")
