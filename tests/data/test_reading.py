"""Files that must not be opened, and those that cannot be."""

import errno
import os
import signal
from pathlib import Path

import pytest

from striate.data.kinds import Unreadable
from striate.data.reading import read


def test_a_pipe_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening one may hang, and opening a device may have effects."""
    os.mkfifo(tmp_path / "a.jpg")
    monkeypatch.setattr(os, "open", lambda *words: pytest.fail("it was opened"))
    with pytest.raises(Unreadable, match="a pipe, a socket or a device") as caught:
        read(tmp_path / "a.jpg")
    assert caught.value.kind == "not-a-file"


def test_what_was_exchanged_after_the_question_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "a.jpg")
    facts = (tmp_path / "file").stat()
    monkeypatch.setattr(Path, "stat", lambda self: facts)
    signal.signal(signal.SIGALRM, lambda *words: pytest.fail("it hung"))
    signal.alarm(5)
    try:
        with pytest.raises(Unreadable) as caught:
            read(tmp_path / "a.jpg")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    assert caught.value.kind == "not-a-file"


def test_a_failing_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (tmp_path / "a.jpg").touch()
    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(
        Unreadable, match=r"a\.jpg: cannot be read \(Input/output error\)"
    ) as caught:
        read(tmp_path / "a.jpg")
    assert caught.value.kind == "read-error"


def test_an_impossible_path_is_named() -> None:
    with pytest.raises(Unreadable, match="is no possible path") as caught:
        read(Path("a\0b"))
    assert caught.value.kind == "missing"
