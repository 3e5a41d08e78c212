"""Downloads from real servers on loopback: whole and right, or absent with a line that says why."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from striate.errors import StriateError
from striate.fetch import fetch, sha256_of, show_progress

CONTENT = bytes(range(256)) * 10_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Mirror(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        body = {
            "/good": CONTENT,
            "/other": CONTENT[::-1],
            "/long": CONTENT + b"more",
            "/cut": CONTENT[:1000],
        }[self.path]
        self.send_response(200)
        if self.path == "/cut":  # promises more than it sends, as a lost connection does
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(body)

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
        ("cut", "another file|IncompleteRead"),
    ],
)
def test_a_bad_mirror_is_named_and_leaves_nothing(
    server: str, tmp_path: Path, page: str, why: str
) -> None:
    with pytest.raises(StriateError, match=why) as caught:
        get([f"{server}/{page}"], tmp_path / "file.bin")
    assert str(tmp_path / "file.bin") in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


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
